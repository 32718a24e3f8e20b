"""How the queue is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from vbvr_cli.backends.ports import Depth, Message
from vbvr_cli.screens.console import note, say, show_json, show_table
from vbvr_cli.screens.units import count, plural


def show_depth(depth: Depth, *, as_json: bool) -> None:
    """The four counts."""
    if as_json:
        show_json(asdict(depth))
        return
    rows = [[name.replace("_", " "), count(number)] for name, number in asdict(depth).items()]
    show_table((("messages", "left"), ("number", "right")), rows)


def show_messages(messages: Sequence[Message], *, as_json: bool) -> None:
    """Each message with how often it was received."""
    if as_json:
        for message in messages:
            described = {"id": message.id, "receive_count": message.receive_count, "body": message.body}
            show_json(described)
        return
    if not messages:
        note("No message is waiting.")
        return
    rows = [[message.id, count(message.receive_count), message.body] for message in messages]
    show_table((("id", "left"), ("received", "right"), ("body", "left")), rows)


def show_purged(deleted: int, *, as_json: bool) -> None:
    """How many messages are gone, and how to get them back."""
    if as_json:
        show_json({"deleted": deleted})
        return
    say(f"{plural(deleted, 'message')} deleted; the same `vbvr submit` sends their tasks again")
