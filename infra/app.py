"""The CDK app: `cdk deploy` runs it, or `CDK_OUTDIR=DIR python infra/app.py` for the template alone."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from vbvr_cli.errors import VbvrError
from vbvr_infra.node import choose_node
from vbvr_infra.settings import read_context, settings_of


def main() -> int:
    """Write the template. 3 for context that is not as it must be, which stderr explains."""
    try:
        settings = settings_of(read_context(os.environ))
    except VbvrError as error:
        said = (("error", error.what), ("why", error.why), ("hint", error.hint))
        print("\n".join(f"{name}: {text}" for name, text in said if text), file=sys.stderr)
        return error.exit_code

    choose_node()
    # Slow to load, and not needed to find out that the context is wrong.
    from aws_cdk import App

    from vbvr_infra.stack import VbvrStack

    app = App()
    VbvrStack(
        app,
        settings=settings,
        account=os.environ.get("CDK_DEFAULT_ACCOUNT"),
        region=os.environ.get("CDK_DEFAULT_REGION"),
    )
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
