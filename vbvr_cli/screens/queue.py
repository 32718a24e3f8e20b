"""How the queue is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from pydantic import ValidationError

from vbvr_cli.backends.ports import Depth, Message
from vbvr_cli.models import TaskMessage
from vbvr_cli.operations.queueing import Loss
from vbvr_cli.screens.console import note, say, show_json, show_table
from vbvr_cli.screens.letters import printable
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
    rows = [[message.id, count(message.receive_count), _task_in(message.body)] for message in messages]
    show_table((("id", "left"), ("received", "right"), ("task", "left")), rows)


def _task_in(body: str) -> str:
    """What a message asks for, in short; one that asks for nothing is shown as it is."""
    try:
        message = TaskMessage.model_validate_json(body)
    except ValidationError:
        return printable(body)
    last = message.start_index + message.num_samples - 1
    return f"{message.type} {message.start_index}-{last}, {message.run_id or 'no run'}"


def purge_question(loss: Loss) -> str:
    """What is lost, before it is."""
    said = [f"Delete {plural(loss.messages, 'message')}?"]
    if loss.in_flight:
        said.append(f"Workers are at {count(loss.in_flight)} of them: what they are making is dropped.")
    said.append("Tasks of runs are not made until they are submitted again.")
    if loss.by_hand:
        said.append(f"Up to {count(loss.by_hand)} are of no run, sent by hand: those are gone for good.")
    return " ".join(said)


def show_purged(deleted: int, *, as_json: bool) -> None:
    """How many messages are gone, and how to get them back."""
    if as_json:
        show_json({"deleted": deleted})
        return
    say(f"{plural(deleted, 'message')} deleted; the same `vbvr submit` sends their tasks again")
