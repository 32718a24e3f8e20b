"""Where the image of the functions comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from aws_cdk import IgnoreMode
from aws_cdk import aws_ecr_assets as assets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

REPOSITORY_ROOT = Path(__file__).parents[2]
DOCKERFILE = "lambda_image/Dockerfile"

WORKER_COMMAND = "handler.handler"
SUBMIT_COMMAND = "handler.submit"


class Image(Protocol):
    """One image for both functions."""

    def code(self, command: str) -> lambda_.Code:
        """The image with the function that Lambda calls in it."""


class GivenImage:
    """An image that is in ECR already, or will be by the time that its address is known."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def code(self, command: str) -> lambda_.Code:
        """The image with the function that Lambda calls in it."""
        return _ImageAt(self._uri, command)


class BuiltImage:
    """An image that the CDK CLI builds with Docker from this repository, and pushes."""

    def __init__(self, scope: Construct, *, architecture: str) -> None:
        self._asset = assets.DockerImageAsset(
            scope,
            "Image",
            directory=str(REPOSITORY_ROOT),
            file=DOCKERFILE,
            ignore_mode=IgnoreMode.DOCKER,
            exclude=_ignored(),
            platform=_PLATFORMS[architecture],
        )

    def code(self, command: str) -> lambda_.Code:
        """The image with the function that Lambda calls in it."""
        return _ImageAt(self._asset.image_uri, command)


_PLATFORMS = {"x86_64": assets.Platform.LINUX_AMD64, "arm64": assets.Platform.LINUX_ARM64}


def _ignored() -> list[str]:
    """What Docker leaves out of the context: the CDK does not read a Dockerfile's own ignore file."""
    lines = (REPOSITORY_ROOT / f"{DOCKERFILE}.dockerignore").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


class _ImageAt(lambda_.Code):
    """The CDK's own kinds of code take an ECR repository apart; an address may be a parameter here."""

    def __init__(self, uri: str, command: str) -> None:
        super().__init__()
        self._image = lambda_.CodeImageConfig(image_uri=uri, cmd=[command])

    @property
    def is_inline(self) -> bool:
        """Not inline."""
        return False

    def bind(self, _scope: Construct) -> lambda_.CodeConfig:
        """What CloudFormation is told."""
        return lambda_.CodeConfig(image=self._image)
