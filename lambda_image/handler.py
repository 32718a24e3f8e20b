"""The entry points of the image: `handler.handler` works on the queue's records, `handler.submit` submits.

Each is imported only by the function that asks for it, while it starts.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "handler":
        from lambda_image.work_function import open_handler  # noqa: PLC0415

        return open_handler()
    if name == "submit":
        from lambda_image.submit_function import open_handler as open_submit  # noqa: PLC0415

        return open_submit()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
