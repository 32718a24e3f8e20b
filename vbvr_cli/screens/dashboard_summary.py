"""The upper part of the dashboard: how it goes as a whole, and what wants to be looked at."""

from __future__ import annotations

import time

from rich.table import Table
from rich.text import Text

from vbvr_cli.operations.monitor import Outage, Reading
from vbvr_cli.operations.snapshot import Snapshot
from vbvr_cli.screens.dashboard_failures import failure_lines, failures_in_one_line
from vbvr_cli.screens.dashboard_marks import Bar, sparkline
from vbvr_cli.screens.units import count, duration, plural, rate, size, usd

LABEL = 11
FIGURE = 10
MORE = 33


def clock_time(seconds: float) -> str:
    """`14:03:55`, in this machine's time zone."""
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def header(reading: Reading | Outage, place: str, width: int) -> Text:
    """What this is, of which generators, and from when the figures are."""
    line = Text("vbvr monitor", "bold", no_wrap=True, overflow="ellipsis")
    if isinstance(reading, Outage):
        return line.append(f"  {place}", "not bold dim")
    snapshot = reading.snapshot
    if snapshot.patterns:
        line.append(f"  only {', '.join(snapshot.patterns)}")
    line.append(f"  {place}", "not bold dim")
    at = f"  {clock_time(snapshot.taken_at)}"
    line.truncate(max(0, width - len(at)), overflow="ellipsis", pad=True)
    return line.append(at, "not bold yellow" if reading.outage else "not bold dim")


def drawings(reading: Reading, width: int, *, ascii_only: bool) -> Table:
    """Two lines, one below the other: how much is done, and how fast of late."""
    total = reading.snapshot.total
    room = max(0, width - LABEL - FIGURE - MORE)
    course = sparkline(reading.course, room, ascii_only=ascii_only)
    percent = f"{100 * total.done // total.planned}%" if total.planned else ""
    table = Table.grid()
    table.add_column(width=LABEL, no_wrap=True, style="bold")
    table.add_column(width=room, justify="right", no_wrap=True)
    table.add_column(width=FIGURE, justify="right", no_wrap=True)
    table.add_column(width=MORE, no_wrap=True, overflow="ellipsis")
    done = f"  {count(total.done)} of {count(total.planned)} done"
    table.add_row("samples", Bar(total), percent, done)
    table.add_row("speed", Text(course, "cyan"), speed(reading), f"  {prospect(reading)}")
    return table


def speed(reading: Reading) -> str:
    """The rate; `~` before one that is expected and not measured yet."""
    if reading.per_second <= 0:
        return "-"
    return rate(reading.per_second) if reading.measured else f"~{rate(reading.per_second)}"


def prospect(reading: Reading) -> str:
    """How long it will take, and how many are at it."""
    snapshot = reading.snapshot
    total, left = snapshot.total, reading.seconds_left
    parts = []
    if left is not None:
        parts.append(f"{'' if reading.measured else '~'}{duration(left)} left")
    elif not snapshot.generators:
        parts.append("no such run yet" if snapshot.patterns else "nothing submitted yet")
    elif total.open == 0:
        parts.append("complete" if total.done == total.planned else "nothing left to do")
    if total.working or total.open:
        parts.append(plural(total.working, "worker") if total.working else "no workers")
    return ", ".join(parts)


def facts(snapshot: Snapshot, width: int, room: int) -> list[Text]:
    """What is in the queue, what came of the work, what failed: with `room`, a line for each reason."""
    queue, total = snapshot.queue, snapshot.total
    lines = [_fact("queue", Text(queue_state(snapshot)))]
    if queue.dead:
        hint = ("  see vbvr dlq list", "dim")
        lines.append(_fact("dead", Text.assemble((plural(queue.dead, "dead letter"), "red"), hint)))
    if snapshot.functions is not None and snapshot.max_functions is not None:
        at_work = f"{count(snapshot.functions)} of at most {count(snapshot.max_functions)} at work"
        lines.append(_fact("functions", Text.assemble(at_work, ("  a minute or two ago", "dim"))))
    outcome = [size(total.num_bytes), f"{count(total.remade)} remade", plural(total.duplicates, "duplicate")]
    if snapshot.cost is not None:
        outcome.append(f"cost so far {usd(snapshot.cost)} USD")
    lines.append(_fact("made", Text(", ".join(outcome))))
    if total.failed:
        failed = plural(total.failed, "sample")
        if room == 0 and snapshot.reasons:
            failed += f": {failures_in_one_line(snapshot.reasons, width - LABEL - len(failed) - 2)}"
        lines.append(_fact("failed", Text(failed, "red")))
    if room and snapshot.reasons:
        lines += [_fact("", line) for line in failure_lines(snapshot.reasons, room)]
    return lines


def queue_state(snapshot: Snapshot) -> str:
    """The queue's counts; they cannot be told apart by generator."""
    queue = snapshot.queue
    counts = (
        f"{count(queue.waiting)} waiting, {count(queue.in_flight)} in flight, {count(queue.delayed)} delayed"
    )
    return f"{counts} (all generators)" if snapshot.patterns else counts


def notices(reading: Reading) -> list[Text]:
    """What an operator should do something about."""
    snapshot, lines = reading.snapshot, []
    if reading.outage:
        lines += outage_lines(reading.outage)
    if reading.lost:
        gone = f"{plural(reading.lost, 'task')} sent, but neither waiting nor done"
        lines.append(_notice("lost", gone, "  vbvr submit --resend"))
    if snapshot.cancelled_runs:
        left = f"{plural(snapshot.cancelled_runs, 'run')}, {count(snapshot.total.cancelled)} samples not made"
        lines.append(_notice("cancelled", left, "  submit again to go on"))
    if snapshot.queue.waiting and snapshot.quiet:
        mend = "  vbvr worker" if snapshot.cost is None else "  vbvr doctor says why, or vbvr worker"
        lines.append(_notice("idle", "nobody works on what is waiting", mend))
    return lines


def outage_lines(outage: Outage) -> list[Text]:
    """Since when there is no answer, why, and what to do."""
    error = outage.error
    lines = [_notice("no answer", f"since {clock_time(outage.since)}: {error.what}")]
    return lines + [_fact("", Text(part, "yellow")) for part in (error.why, error.hint) if part]


def _fact(label: str, text: Text, style: str = "bold") -> Text:
    line = Text.assemble((f"{label:<{LABEL}}", style), text)
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _notice(label: str, text: str, hint: str = "") -> Text:
    return _fact(label, Text.assemble((text, "yellow"), (hint, "dim")), "bold yellow")
