#!/bin/sh
# Lays out the tree of the Lambda image, and makes of a base image one that serves it.
#
#   build.sh [--target DIR] [--home DIR] [--catalog FILE] [--generators-path DIRS]
#       Lays out the tree in DIR (default /var/task): functions, generators, environments, fonts, roster.
#       $PYTHON (default python3) is the Python that it will run with. Needs the package registry.
#       With $BUILD_PYTHON, an interpreter that has lambda_image/build.lock installed, no environment is made
#       for building.
#   build.sh install [TREE]
#       As root, on Amazon Linux: installs the system packages that the tree names, and puts its fonts
#       where generators look for them.
set -eu

here=$(cd "$(dirname "$0")" && pwd)

install_into_system() {
    tree=${1:-/var/task}
    if [ -s "$tree/system-packages.txt" ]; then
        xargs dnf install -y --setopt=install_weak_deps=0 < "$tree/system-packages.txt"
        dnf clean all
    fi
    mkdir -p /opt /usr/share/fonts/truetype
    ln -sfn "$tree/fonts" /opt/fonts
    ln -sfn /opt/fonts /usr/share/fonts/dejavu
    ln -sfn /opt/fonts /usr/share/fonts/truetype/dejavu
}

lay_out() {
    builder=${BUILD_PYTHON:-}
    if [ -z "$builder" ]; then
        work=$(mktemp -d)
        trap 'rm -rf "$work"' EXIT
        "${PYTHON:-python3}" -m venv "$work/venv"
        builder=$work/venv/bin/python
        "$builder" -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps \
            --require-hashes -r "$here/build.lock"
    fi
    PYTHONPATH=$(dirname "$here") "$builder" -m lambda_image.building "$@"
}

if [ "${1:-}" = install ]; then
    shift
    install_into_system "$@"
else
    lay_out "$@"
fi
