# What CodeBuild runs, with bash -euo pipefail. REGISTRY and IMAGE are the project's; REPOSITORY and REVISION
# come with each build. The image's address, with its digest, is left in the file image-uri.
export DOCKER_BUILDKIT=1                # it reads the Dockerfile's own ignore file
export BUILDX_NO_DEFAULT_ATTESTATIONS=1 # Lambda takes no list of manifests
image="$IMAGE:build-$CODEBUILD_BUILD_NUMBER"

git init --quiet source
git -C source fetch --quiet --depth 1 "$REPOSITORY" "$REVISION"
git -C source checkout --quiet FETCH_HEAD
make -C source setup
locked=$([ ! -f source/generators.lock ] || echo --locked)
# 5: some generators could not be fetched. The image goes without them, and its roster says why.
(cd source && .venv/bin/vbvr fetch-generators -g all $locked) || [ $? -eq 5 ]

aws ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY"
docker build --file source/lambda_image/Dockerfile --tag "$image" source
docker push "$image"
docker inspect --format '{{index .RepoDigests 0}}' "$image" > image-uri
