"""Runs in Lambda: starts a build when CloudFormation asks for the image, and answers when the build ends.

CloudFormation waits for an answer at an address of its own. The build carries that address in its
environment; CodeBuild's event at its end brings it back. So nothing waits in between, however long it takes.
"""

import json
import os
import urllib.request
from typing import Any

import botocore.session

FIELDS = ("ResponseURL", "StackId", "RequestId", "LogicalResourceId")
Values = dict[str, Any]


def handler(event: Values, _context: object) -> None:
    builds = botocore.session.get_session().create_client("codebuild")
    if "RequestType" in event:
        asked(builds, event)
    else:
        ended(builds, event["detail"])


def asked(builds: Any, event: Values) -> None:
    if event["RequestType"] == "Delete":
        answer(event, "SUCCESS", "The images go with their repository.")
        return
    wanted = event["ResourceProperties"]
    values = {name: event[name] for name in FIELDS}
    values.update(REPOSITORY=wanted["Repository"], REVISION=wanted["Revision"])
    try:
        builds.start_build(
            projectName=os.environ["PROJECT"],
            environmentVariablesOverride=[{"name": name, "value": value} for name, value in values.items()],
        )
    except Exception as error:  # whatever it is, CloudFormation would wait an hour for it
        answer(event, "FAILED", f"The build was not started: {error}")


def ended(builds: Any, detail: Values) -> None:
    (build,) = builds.batch_get_builds(ids=[detail["build-id"]])["builds"]
    values = {one["name"]: one["value"] for one in build["environment"]["environmentVariables"]}
    if "ResponseURL" not in values:
        return  # somebody started it by hand: nobody waits for it
    exported = {one["name"]: one["value"] for one in build.get("exportedEnvironmentVariables", [])}
    status, image = detail["build-status"], exported.get("IMAGE_URI")
    if status == "SUCCEEDED" and image:
        answer(values, "SUCCESS", "The image is built.", {"ImageUri": image})
    else:
        log = build.get("logs", {}).get("deepLink", "in CodeBuild")
        answer(values, "FAILED", f"The build of the image ended as {status}. Its log: {log}")


def answer(asked_for: Values, status: str, reason: str, data: Values | None = None) -> None:
    body = {name: asked_for[name] for name in FIELDS[1:]}
    body.update(Status=status, Reason=reason, PhysicalResourceId="image", Data=data or {})
    request = urllib.request.Request(
        asked_for["ResponseURL"],
        data=json.dumps(body).encode(),
        method="PUT",
        headers={"Content-Type": ""},  # the address is signed for none
    )
    with urllib.request.urlopen(request, timeout=30):
        pass
