"""Looks at an image in ECR before Lambda is told to run it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3
from botocore.exceptions import ClientError

from vbvr_cli.backends.aws import faults
from vbvr_cli.errors import ConfigurationError
from vbvr_cli.operations.deploy.account import Account

PLATFORMS = {"x86_64": "amd64", "arm64": "arm64"}
"""The architectures of Lambda, as images name them."""
_URI = re.compile(
    r"(?P<registry>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/(?P<repository>[^:@]+)"
    r"(:(?P<tag>[^@]+)|@(?P<digest>sha256:[0-9a-f]{64}))"
)
_KINDS = [
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
]
_BUILD = "`docker buildx build --provenance=false --platform linux/{platform} ...`"
_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ImageUri:
    """The parts of an image's address in ECR."""

    text: str
    registry: str
    region: str
    repository: str
    identifier: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> ImageUri:
        """Take an address apart. Raises ConfigurationError for what Lambda cannot run."""
        parts = _URI.fullmatch(text)
        if parts is None:
            raise ConfigurationError(
                f"--image-uri {text} names no image in ECR.",
                why="Lambda runs images from ECR only, with a tag or a digest",
                hint="Give ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG (or NAME@sha256:...).",
            )
        identifier = {"imageTag": parts["tag"]} if parts["tag"] else {"imageDigest": parts["digest"]}
        return cls(text, parts["registry"], parts["region"], parts["repository"], identifier)


def require_image(account: Account, uri: ImageUri, architecture: str) -> None:
    """Raise ConfigurationError unless the image is there and runs on the architecture.

    What these credentials may not read is noted and let pass.
    """
    if uri.region != account.region:
        raise ConfigurationError(
            f"The image is in {uri.region}, the stack in {account.region}.",
            why="Lambda runs images of its own region only",
            hint=f"Push the image to ECR in {account.region}, or deploy with --region {uri.region}.",
        )
    client = account.client("ecr")
    try:
        with faults.explained(f"image {uri.text}"):
            found = _manifest(client, uri)
            actual = _architecture(client, uri, found) if found else None
    except _UnreadableError as error:
        account.notes.append(f"Not checked: whether the image is for {architecture} ({error}).")
        return
    if found is None:
        raise ConfigurationError(
            f"There is no image {uri.text}.",
            why="ECR does not know it under that name",
            hint="Push it first, or leave --image-uri out to have it built with Docker.",
        )
    platform = PLATFORMS[architecture]
    if actual != platform:
        raise ConfigurationError(
            f"The image is for {actual}, the functions are for {architecture}.",
            why=f"{uri.text} would end with `exec format error`",
            hint=f"Build it with {_BUILD.format(platform=platform)}, or deploy with `--context architecture="
            f"{next((name for name, value in PLATFORMS.items() if value == actual), 'x86_64')}`.",
        )


class _UnreadableError(Exception):
    """The image is there, perhaps, but not for these eyes."""


def _manifest(client: Any, uri: ImageUri) -> Mapping[str, Any] | None:
    try:
        answer = client.batch_get_image(
            registryId=uri.registry,
            repositoryName=uri.repository,
            imageIds=[uri.identifier],
            acceptedMediaTypes=_KINDS,
        )
    except ClientError as error:
        if faults.code_of(error) == "RepositoryNotFoundException":
            return None
        raise _UnreadableError(f"BatchGetImage: {faults.code_of(error)}") from error
    if not answer["images"]:
        return None
    manifest: Mapping[str, Any] = json.loads(answer["images"][0]["imageManifest"])
    if "manifests" in manifest:
        raise ConfigurationError(
            f"{uri.text} is a list of images for several platforms.",
            why="Lambda takes a single image; a build with provenance makes such a list, too",
            hint=f"Build it with {_BUILD.format(platform='amd64')}.",
        )
    return manifest


def _architecture(client: Any, uri: ImageUri, manifest: Mapping[str, Any]) -> str:
    try:
        address = client.get_download_url_for_layer(
            registryId=uri.registry,
            repositoryName=uri.repository,
            layerDigest=manifest["config"]["digest"],
        )["downloadUrl"]
        answer = urllib3.request("GET", address, timeout=_SECONDS, retries=False)
        return str(answer.json()["architecture"])
    except ClientError as error:
        raise _UnreadableError(f"GetDownloadUrlForLayer: {faults.code_of(error)}") from error
    except (urllib3.exceptions.HTTPError, ValueError, KeyError) as error:
        raise _UnreadableError(f"its description could not be read: {type(error).__name__}") from error
