"""A bucket of S3 as a sample store."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError
from urllib3.exceptions import HTTPError

from vbvr_cli.backends.aws import calls, faults
from vbvr_cli.backends.aws.clients import Clients
from vbvr_cli.backends.aws.objects import MOST_BYTES_AT_ONCE
from vbvr_cli.backends.ports import StoredObject
from vbvr_cli.errors import InvalidRequestError

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

MOST_KEY_BYTES = 1024
KEYS_A_DELETION = 1000
PART_BYTES = 16 << 20
_TRANSFER = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=8)
_CUT_OFF = (IncompleteReadError, ResponseStreamingError, ReadTimeoutError, HTTPError, OSError)
_ODD = re.compile(r"[\\\0]|(^|/)(\.{0,2})(/|$)")


class S3Store:
    """A SampleStore in a bucket. What is put carries a checksum, which S3 verifies, as a get does."""

    lanes = 16

    def __init__(self, clients: Clients, bucket: str) -> None:
        self._clients = clients
        self._bucket = bucket

    def put(self, key: str, data: bytes) -> None:
        """Write an object, replacing what is there."""
        self._clients.s3.put_object(
            Bucket=self._bucket, Key=_checked(key), Body=data, ChecksumAlgorithm="CRC32"
        )

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Write an object unless the key exists; S3 gives it to one of several.

        A put whose answer was lost is sent again and then finds itself: it counts as another's.
        """
        for _ in calls.BACKOFF.rounds():
            try:
                self._clients.s3.put_object(
                    Bucket=self._bucket,
                    Key=_checked(key),
                    Body=data,
                    ChecksumAlgorithm="CRC32",
                    IfNoneMatch="*",
                )
            except ClientError as error:
                if faults.code_of(error) == "PreconditionFailed":
                    return False
                if faults.code_of(error) != "ConditionalRequestConflict":
                    raise
                continue
            return True
        raise calls.gave_up(f"{key} was not written to {self._bucket}", "others write it at the same time")

    def upload(self, key: str, source: Path) -> None:
        """Write an object from a file; a large one in parts, of which none shows before all are there."""
        size = source.stat().st_size
        fast = self._clients.objects(self._bucket) if size <= MOST_BYTES_AT_ONCE else None
        if fast and fast.write(_checked(key), source.read_bytes()):
            return
        if size < PART_BYTES:
            with source.open("rb") as body:
                self._clients.s3.put_object(
                    Bucket=self._bucket, Key=_checked(key), Body=body, ChecksumAlgorithm="CRC32"
                )
            return
        try:
            self._clients.s3.upload_file(
                str(source),
                self._bucket,
                _checked(key),
                ExtraArgs={"ChecksumAlgorithm": "CRC32"},
                Config=_TRANSFER,
            )
        except S3UploadFailedError as error:
            with faults.explained(f"bucket {self._bucket}"):
                raise (error.__context__ or error) from error

    def get(self, key: str) -> bytes:
        """Read an object; again, if the answer breaks off. Raises KeyError where there is none."""
        fast = self._clients.objects(self._bucket)
        data = fast.read(_checked(key)) if fast else None
        if data is not None:
            return data
        why = ""
        for _ in calls.BACKOFF.rounds():
            with self._open(key) as body, faults.explained(f"bucket {self._bucket}"):
                try:
                    return body.read()
                except _CUT_OFF as error:
                    why = str(error)
        raise calls.gave_up(f"{key} was not read from {self._bucket}", why)

    def open(self, key: str) -> AbstractContextManager[IO[bytes]]:
        """Read an object as a stream, a small one as a whole. Raises KeyError where there is none."""
        fast = self._clients.objects(self._bucket)
        stream = fast.open(_checked(key)) if fast else None
        return stream or self._open(key)

    @contextmanager
    def _open(self, key: str) -> Iterator[IO[bytes]]:
        """Read an object through boto3, which verifies the checksum that it was put with."""
        try:
            answer = self._clients.s3.get_object(
                Bucket=self._bucket, Key=_checked(key), ChecksumMode="ENABLED"
            )
        except ClientError as error:
            if faults.code_of(error) != "NoSuchKey":
                raise
            raise KeyError(key) from None
        # Not `with answer["Body"]`: that gives the bare socket, without the checks of length and checksum.
        with closing(answer["Body"]) as body, faults.explained(f"bucket {self._bucket}"):
            yield cast("IO[bytes]", body)

    def list_objects(self, prefix: str) -> Iterator[StoredObject]:
        """All objects whose key starts with the prefix, sorted by key as S3 has it."""
        for page in self._pages(Prefix=prefix):
            for entry in page.get("Contents", []):
                yield StoredObject(entry["Key"], entry["Size"])

    def list_folders(self, prefix: str) -> list[str]:
        """The names directly below a prefix that have objects below them, sorted."""
        return sorted(
            entry["Prefix"].removeprefix(prefix).removesuffix("/")
            for page in self._pages(Prefix=prefix, Delimiter="/")
            for entry in page.get("CommonPrefixes", [])
        )

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects, a thousand a request."""
        rest = iter(keys)
        while chunk := [_checked(key) for key in islice(rest, KEYS_A_DELETION)]:
            self._delete(chunk)

    def _delete(self, keys: list[str]) -> None:
        why = ""
        for _ in calls.BACKOFF.rounds():
            errors = self._clients.s3.delete_objects(
                Bucket=self._bucket,
                Delete={"Objects": [{"Key": key} for key in dict.fromkeys(keys)], "Quiet": True},
            ).get("Errors", [])
            if not errors:
                return
            keys = [error["Key"] for error in errors]
            why = f"{errors[0].get('Code')}: {errors[0].get('Message')}, of {keys[0]}"
        raise calls.gave_up(f"{len(keys)} objects of {self._bucket} were not deleted", why)

    def _pages(self, **parameters: Any) -> Iterator[ListObjectsV2OutputTypeDef]:
        while True:
            page = self._clients.s3.list_objects_v2(Bucket=self._bucket, **parameters)
            yield page
            if not page.get("IsTruncated"):
                return
            parameters["ContinuationToken"] = page["NextContinuationToken"]


def _checked(key: str) -> str:
    """The key, if it is one. Raises InvalidRequestError for what could be a path to elsewhere."""
    if _ODD.search(key) or len(key.encode()) > MOST_KEY_BYTES:
        raise InvalidRequestError(
            f"{key!r} is not a key.",
            hint="A key is relative, like a/b/c, without empty, . or .. parts, and at most 1,024 bytes long.",
        )
    return key
