"""Writes the one-click template, infra/template.yaml; with --check, fails where that would change it."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from vbvr_infra.node import choose_node

TEMPLATE = HERE / "template.yaml"
HEADER = "# Written by `make template`; what stands here is changed in infra/vbvr_infra.\n"


def render() -> str:
    """The template as YAML."""
    choose_node()
    from aws_cdk import App

    from vbvr_infra.one_click import OneClickStack
    from vbvr_infra.settings import read_context, settings_of

    with tempfile.TemporaryDirectory() as folder:
        app = App(outdir=folder)
        OneClickStack(app, "template", defaults=settings_of(read_context({})))
        app.synth()
        document = json.loads((Path(folder) / "template.template.json").read_text(encoding="utf-8"))
    document = {"AWSTemplateFormatVersion": "2010-09-09", **document}
    return HEADER + yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=110)


class _Dumper(yaml.SafeDumper):
    """Plain YAML: no aliases, and text of several lines as it is."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def main() -> int:
    """Write, or check."""
    text = render()
    if sys.argv[1:] != ["--check"]:
        TEMPLATE.write_text(text, encoding="utf-8")
        return 0
    if TEMPLATE.read_text(encoding="utf-8") == text:
        return 0
    print(f"{TEMPLATE} is stale: run `make template`, and commit what it writes.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
