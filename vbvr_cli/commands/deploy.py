"""`vbvr deploy` and `vbvr destroy`: a factory on AWS, and its end."""

from __future__ import annotations

from typing import Annotated

import typer

from vbvr_cli.commands import options as opt
from vbvr_cli.commands.places import STATE, placed
from vbvr_cli.commands.session import connections_of
from vbvr_cli.config import Options

DEPLOY_EPILOG = """[bold]Examples[/bold]

vbvr deploy

vbvr deploy --diff

vbvr deploy --yes --json --image-uri 111122223333.dkr.ecr.us-east-2.amazonaws.com/vbvr:1

vbvr deploy --context lambdaMemoryMB=4096 --context alarmEmail=somebody@example.org

[dim]Needs Node, Docker (or --image-uri) and the extra `deploy`; it says what is missing.[/dim]"""
DESTROY_EPILOG = """[bold]Examples[/bold]

vbvr destroy

vbvr destroy --stack trial --yes

[dim]The bucket and the tables stay, and the next deploy takes them up again.[/dim]"""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=DEPLOY_EPILOG)(deploy)
    app.command(epilog=DESTROY_EPILOG)(destroy)


@placed(*STATE, "stack", "profile", "region", target="aws")
def deploy(
    context: typer.Context,
    where: Options,
    yes: opt.Yes = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show what would change, and change nothing.")] = False,
    image_uri: Annotated[
        str | None,
        typer.Option(help="An image in ECR, for machines without Docker.", metavar="URI"),
    ] = None,
    cdk_context: Annotated[
        list[str] | None,
        typer.Option("--context", help="A setting of the stack. Repeatable.", metavar="KEY=VALUE"),
    ] = None,
    as_json: opt.Json = False,
) -> None:
    """Make or update the factory on AWS: queue, workers, bucket, tables, alarms."""
    from vbvr_cli.operations.deploy.deploying import Deployment, DeployRequest, parse_context
    from vbvr_cli.screens.console import can_ask, confirm
    from vbvr_cli.screens.deployment import Progress, show_deployed, show_difference, show_plan

    connections = connections_of(context)
    settings = connections.settings(where)
    question = f"Deploy stack {settings.aws.stack} in {settings.aws.region}?"
    if not (yes or diff or can_ask()):
        confirm(question)  # says what to do where nobody can answer, before anything is worked out
    request = DeployRequest(
        settings.aws,
        settings.home,
        lambda: connections.catalog(settings),
        image_uri,
        parse_context(cdk_context or []),
    )
    deployment = Deployment(request, Progress())
    plan = deployment.plan()
    if diff:
        show_difference(plan, as_json=as_json)
        return
    show_plan(plan)
    deployment.make_ready()
    if yes or confirm(question):
        show_deployed(plan, deployment.carry_out(plan), as_json=as_json)


@placed(*STATE, "stack", "profile", "region", target="aws")
def destroy(
    context: typer.Context,
    where: Options,
    yes: opt.Yes = False,
    drop_tasks: Annotated[
        bool, typer.Option("--drop-tasks", help="Destroy it even while tasks are waiting.")
    ] = False,
    as_json: opt.Json = False,
) -> None:
    """Delete the factory on AWS. The bucket and the tables stay."""
    from vbvr_cli.operations.deploy.destroying import Destruction, require_nothing_waits
    from vbvr_cli.screens.console import can_ask, confirm
    from vbvr_cli.screens.deployment import Progress, show_destroyed, show_farewell

    settings = connections_of(context).settings(where)
    question = f"Destroy stack {settings.aws.stack} in {settings.aws.region}?"
    if not (yes or can_ask()):
        confirm(question)
    destruction = Destruction(settings.aws, settings.home, Progress())
    farewell = destruction.look()
    require_nothing_waits(farewell, drop_tasks=drop_tasks)
    show_farewell(farewell)
    if yes or confirm(question):
        show_destroyed(farewell, destruction.carry_out(farewell), as_json=as_json)
