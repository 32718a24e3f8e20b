"""Runs ministack with a clock that can be put forward. Needs ministack's own environment.

    python ministack_with_clock.py CLOCK

The file CLOCK says by how many seconds the clock is ahead: its modification time, since the epoch.
With AUTH=true every request counts as come over TLS, which something in front has ended: policies ask for it.
"""

from __future__ import annotations

import os
import sys
import time

clock, real_time = sys.argv.pop(), time.time


def time_with_offset() -> float:
    return real_time() + os.stat(clock).st_mtime  # noqa: PTH116 - called for every message


time.time = time_with_offset

from ministack import app as ministack  # noqa: E402
from ministack.core import iam_actions  # noqa: E402
from ministack.services.cloudformation import stacks  # noqa: E402

validation_errors = stacks._validation_errors


def validation_errors_without_imports(*arguments, **more):
    """Creating a bucket whose name is taken fails later; importing one is to succeed, as it does on AWS."""
    found = validation_errors(*arguments, **more)
    return [error for error in found if error[2] != "NAME_CONFLICT_VALIDATION"]


stacks._validation_errors = validation_errors_without_imports
action_asked = iam_actions.extract_iam_action


def action_known_to_iam(*arguments, **more):
    """A batch call of SQS is no action of its own: AWS asks for the permission of the single call."""
    action = action_asked(*arguments, **more)
    return action.removesuffix("Batch") if action and action.startswith("sqs:") else action


iam_actions.extract_iam_action = action_known_to_iam


def over_tls(app):
    async def serve(scope, receive, send):
        if scope["type"] == "http":
            scope = {**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
        await app(scope, receive, send)

    return serve


if os.environ.get("AUTH") == "true":
    ministack.app = over_tls(ministack.app)

ministack.main()
