"""`vbvr submit`: put a request's tasks into the queue."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vbvr_cli.commands import options as opt
from vbvr_cli.commands.interruption import stoppable
from vbvr_cli.commands.places import CATALOG, STATE, TARGET, placed
from vbvr_cli.commands.session import Session, open_session
from vbvr_cli.config import Options

if TYPE_CHECKING:
    from vbvr_cli.operations.spending import Estimate
    from vbvr_cli.planning import GeneratorPlan

EPILOG = """[bold]Examples[/bold]

vbvr submit -g all -n 10000

vbvr submit -g 'O-*' -n 500 --dry-run

vbvr submit -g all -n 10000 --target aws --max-cost 500

echo '{"type": "O-nonogram_data-generator", "num_samples": 5}' | vbvr submit --message -

[dim]Doing it again sends only what is missing. On AWS it asks before it spends. Then: vbvr worker, or on
AWS vbvr monitor[/dim]"""

_SOME_SENT = (
    "Some of the messages may have been sent. Sending all of them again is safe: "
    "a task that is sent twice is made once."
)

_IN_A_MESSAGE = {
    "samples": "--samples",
    "batch_size": "--batch-size",
    "seed": "--seed",
    "output_format": "--output-format",
    "dedup": "--dedup",
    "bucket": "--bucket",
    "append": "--append",
    "replace": "--replace",
    "resend": "--resend",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=EPILOG)(submit)


@placed(*STATE, *CATALOG, *TARGET)
def submit(
    context: typer.Context,
    where: Options,
    generator: opt.Generators = None,
    category: opt.Categories = None,
    role: opt.Roles = None,
    samples: opt.Samples = 10_000,
    batch_size: opt.BatchSize = None,
    seed: opt.Seed = 0,
    output_format: opt.OutputFormat = opt.OutputFormatChoice.FILES,
    dedup: opt.Dedup = False,
    bucket: Annotated[
        str | None,
        typer.Option(help="Where samples go: a folder, or on AWS a bucket. Default: the target's own."),
    ] = None,
    append: opt.Append = False,
    replace: opt.Replace = False,
    resend: Annotated[
        bool, typer.Option("--resend", help="Send again whatever is not done, also what was sent.")
    ] = False,
    message: Annotated[
        str | None,
        typer.Option(help="Send task messages written by hand: JSON lines in a file, or - for stdin."),
    ] = None,
    dry_run: opt.DryRun = False,
    max_cost: Annotated[
        float | None,
        typer.Option(
            "--max-cost",
            help="On AWS: send nothing if the estimate is more. Checked before sending only; it stops no "
            "work later.",
            metavar="USD",
            min=0,
        ),
    ] = None,
    yes: opt.Yes = False,
    as_json: opt.Json = False,
) -> None:
    """Send tasks to the queue, for workers to work on."""
    from vbvr_cli.errors import InvalidRequestError
    from vbvr_cli.operations.spending import earlier_work
    from vbvr_cli.operations.submit import Submitter
    from vbvr_cli.planning import Request
    from vbvr_cli.screens.dispatch import announce_plan, show_plan, show_submitted
    from vbvr_cli.screens.progress import TaskProgress

    if bool(generator or category or role) == bool(message):
        raise InvalidRequestError("Name generators with -g, or give messages with --message; not both.")
    request = Request(
        samples=samples,
        batch_size=batch_size,
        seed=seed,
        output_format=output_format.value,
        dedup=dedup,
        append=append,
        replace=replace,
    )
    session = open_session(context, where)
    if message:
        _refuse_beside_messages(context)
        _submit_messages(session, message, max_cost, dry_run=dry_run, yes=yes, as_json=as_json)
        return
    with stoppable("What was sent is recorded, and is not sent again."):
        place = session.bucket(bucket)
        submitter = Submitter(session.backend, session.offer, place)
        chosen = session.select(generator, category, role)
        if dry_run or samples == 0:
            plans = submitter.plans(chosen, request)
            cost = _estimate(session, plans, resend=resend)
            earlier = cost.earlier if cost else earlier_work(session.backend, plans, resend=resend)
            show_plan(plans, _workers(cost), cost, earlier=earlier, as_json=as_json)
            _require_within(cost, max_cost)
            return
        session.backend.allow_bucket(place)
        submitter.adopt(chosen)
        plans = submitter.plans(chosen, request)
        announce_plan(plans, place, seed)
        cost = _estimate(session, plans, resend=resend)
        if not _agreed(plans, cost, max_cost, yes=yes):
            return
        with TaskProgress() as progress:
            report = submitter.carry_out(plans, resend=resend, on_progress=progress.show)
    show_submitted(report, cost, as_json=as_json)


def _estimate(session: Session, plans: Sequence[GeneratorPlan], *, resend: bool) -> Estimate | None:
    """What the plans cost; None where workers cost nothing."""
    from vbvr_cli.operations.spending import estimate

    fleet = session.backend.fleet
    return estimate(session.backend, plans, fleet.terms(), resend=resend) if fleet else None


def _agreed(
    plans: Sequence[GeneratorPlan],
    cost: Estimate | None,
    max_cost: float | None,
    *,
    yes: bool,
    doubtful: bool = False,
) -> bool:
    """Whether to go on: what it costs is shown and, like what else is doubtful, asked about."""
    from vbvr_cli.screens.console import confirm, note
    from vbvr_cli.screens.dispatch import announce_cost
    from vbvr_cli.screens.spending import spending_question

    doubtful = doubtful or any(one.exceeds_pool for one in plans)
    question = "Submit all the same?" if doubtful else None
    if cost and cost.tasks:
        announce_cost(plans, cost)
        question = spending_question(cost)
    _require_within(cost, max_cost)
    if question is None or yes or confirm(question):
        return True
    note("Nothing was sent.")
    return False


def _require_within(cost: Estimate | None, max_cost: float | None) -> None:
    from vbvr_cli.operations.spending import require_within

    if cost:
        require_within(cost, max_cost)


def _submit_messages(
    session: Session, source: str, max_cost: float | None, *, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Send messages as they were written, after the same questions as for a request."""
    from vbvr_cli.operations.files import STDIN, read_stdin, read_text
    from vbvr_cli.operations.messages import plan_messages, read_messages, send_messages
    from vbvr_cli.screens.dispatch import show_plan, show_submitted, warn_of_doomed

    piped = source == "-"
    again = " The messages came from stdin: they have to be given again." if piped else ""
    with stoppable(f"Nothing was sent.{again}"):
        text = read_stdin() if piped else read_text(Path(source))
        asked = plan_messages(read_messages(text, STDIN if piped else source), session.offer, session.backend)
        warn_of_doomed(asked)
        cost = _estimate(session, asked.plans, resend=False)
        if dry_run:
            show_plan(asked.plans, _workers(cost), cost, doomed=asked.doomed, as_json=as_json)
            _require_within(cost, max_cost)
            return
        if cost and not _agreed(asked.plans, cost, max_cost, yes=yes, doubtful=bool(asked.doomed)):
            return
    with stoppable(f"{_SOME_SENT}{again}"):
        report = send_messages(session.backend, asked.messages)
    show_submitted(report, cost, as_json=as_json)


def _workers(cost: Estimate | None) -> int:
    return cost.terms.max_workers if cost else os.cpu_count() or 1


def _refuse_beside_messages(context: typer.Context) -> None:
    """Raise InvalidRequestError for an option that a message answers itself."""
    from vbvr_cli.errors import InvalidRequestError

    given = [
        option
        for name, option in _IN_A_MESSAGE.items()
        if (source := context.get_parameter_source(name)) and source.name == "COMMANDLINE"
    ]
    if given:
        raise InvalidRequestError(
            f"{given[0]} does not go with --message.",
            why="a message says itself what is to be made, and where it goes",
            hint="Write it into the messages: num_samples, start_index, seed, output_format, output_bucket, "
            "dedup.",
        )
