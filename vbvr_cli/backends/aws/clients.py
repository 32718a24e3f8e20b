"""The connections to AWS: one client a service, made when first needed, shared by threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from json import JSONDecodeError
from typing import TYPE_CHECKING, Any, TypeVar, cast

import boto3
from botocore.config import Config
from botocore.httpsession import get_cert_path

from vbvr_cli import __version__
from vbvr_cli.backends.aws import faults, misconfigured
from vbvr_cli.backends.aws.access import bundle_of, credentials_of, open_client
from vbvr_cli.backends.aws.objects import FastObjects

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

    from vbvr_cli.backends.aws.posting import Poster

THREADS = 48
_TRIES = 8  # a call, by botocore itself: throttling, 5xx and lost connections, with jitter
_NAMED = {"FunctionName": "function", "Bucket": "bucket", "TableName": "table"}
Item = TypeVar("Item")
Result = TypeVar("Result")


class Clients:
    """Clients whose faults are explained, and the threads that use them at once.

    `endpoint_url` is for emulators and proxies. `threads` is how many calls are made at a time. Without
    `fast`, boto3 does all of it itself, so that what stands in for AWS within boto3 sees it.
    """

    _making = threading.RLock()  # of clients, over all: boto3's sessions do not bear several threads

    def __init__(
        self,
        session: boto3.Session,
        region: str,
        *,
        endpoint_url: str | None = None,
        threads: int = THREADS,
        fast: bool = True,
    ) -> None:
        self._session = session
        self._region = region
        self._endpoint_url = endpoint_url
        self._threads = threads
        self._fast = fast
        self._made: dict[str, _Explaining] = {}
        self._objects: dict[str, FastObjects] = {}
        self._posting = threading.Lock()  # of the poster, which takes a while; it is taken before `_making`
        self._posters: list[Poster | None] = []  # one at most; None: there can be none
        self._pool: ThreadPoolExecutor | None = None

    @property
    def sqs(self) -> SQSClient:
        """SQS."""
        return cast("SQSClient", self._client("sqs"))

    @property
    def s3(self) -> S3Client:
        """S3."""
        return cast("S3Client", self._client("s3"))

    @property
    def dynamodb(self) -> DynamoDBClient:
        """DynamoDB."""
        return cast("DynamoDBClient", self._client("dynamodb"))

    def objects(self, bucket: str) -> FastObjects | None:
        """The fast way to a bucket's objects, where there is one."""
        if not self._fast:
            return None
        found = self._objects.get(bucket)
        if found is None:
            with self._making:
                found = self._objects.get(bucket) or self._make_objects(bucket)
        return found if found and found.usable else None

    @property
    def sqs_poster(self) -> Poster | None:
        """The fast way to SQS, where there is one: many requests at a time without threads."""
        with self._posting:
            if not self._posters:
                self._posters.append(self._make_poster())
            found = self._posters[0]
        return found if found and found.usable else None

    def at_once(self, action: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """The results of an action on each item, in order, several at a time.

        Raises what the first failing one raised, after all that had begun have ended.
        """
        listed = list(items)
        if len(listed) <= 1:
            return [action(item) for item in listed]
        futures: list[Future[Result]] = []
        try:
            futures = [self._executor().submit(action, item) for item in listed]
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            wait(futures)
            raise

    def brief(self, service: str, seconds: float) -> Any:
        """A client of a service that is asked now and then: it answers within so many seconds, or fails."""
        config = Config(
            connect_timeout=min(2.0, seconds),
            read_timeout=seconds,
            retries={"mode": "standard", "total_max_attempts": 2},
            user_agent=f"vbvr/{__version__} boto3/{boto3.__version__}",
        )
        with self._making:
            return _Explaining(open_client(self._session, service, self._region, config, self._endpoint_url))

    def rest(self) -> None:
        """End the threads; the connections stay."""
        with self._making:
            pool, self._pool = self._pool, None
        if pool:  # whose threads may be about to make a client
            pool.shutdown(cancel_futures=True)

    def close(self) -> None:
        """End the threads and the connections."""
        self.rest()
        with self._posting:
            posters, self._posters = self._posters, []
        with self._making:
            clients, self._made = self._made, {}
            self._objects = {}
        for poster in filter(None, posters):
            poster.close()
        for client in clients.values():
            client.close()

    def _make_objects(self, bucket: str) -> FastObjects | None:
        meta, credentials = self.s3.meta, credentials_of(self._session)
        if credentials is None:
            return None
        region = meta.region_name or self._region
        made = self._objects[bucket] = FastObjects(bucket, meta.endpoint_url, region, credentials)
        return made

    def _make_poster(self) -> Poster | None:
        if not self._fast:
            return None
        meta = self.sqs.meta
        with self._making:
            credentials = credentials_of(self._session)
        if credentials is None:
            return None
        # Only who sends many messages needs it: a worker starts the faster without.
        from vbvr_cli.backends.aws.posting import Endpoint, poster_to  # noqa: PLC0415

        bundle = bundle_of(self._session) or str(get_cert_path(True))
        endpoint = Endpoint(meta.endpoint_url, "sqs", meta.region_name or self._region, bundle)
        return poster_to(endpoint, credentials)

    def _executor(self) -> ThreadPoolExecutor:
        with self._making:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="aws")
            return self._pool

    def _client(self, service: str) -> _Explaining:
        found = self._made.get(service)
        if found is None:
            with self._making:
                found = self._made.get(service)
                if found is None:
                    found = self._made[service] = self._make_client(service)
        return found

    def _make_client(self, service: str) -> _Explaining:
        config = Config(
            connect_timeout=5,
            read_timeout=30,
            max_pool_connections=self._threads * 2,  # who waits for the threads may call, too
            retries={"mode": "standard", "total_max_attempts": _TRIES},
            tcp_keepalive=True,
            # Both are worked out for every call, and are together a fifth of its time. mypy
            # checks the parameters; boto3's own name would say nothing more of who calls.
            parameter_validation=False,
            user_agent=f"vbvr/{__version__} boto3/{boto3.__version__}",
        )
        return _Explaining(open_client(self._session, service, self._region, config, self._endpoint_url))


class _Explaining:
    """A client whose calls raise our errors for faults, and botocore's for answers (`faults.ANSWERS`)."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*arguments: Any, **parameters: Any) -> Any:
            try:
                with faults.explained(_resource_of(parameters)):
                    return method(*arguments, **parameters)
            except JSONDecodeError as error:  # credentials are asked for anew when they expire
                raise misconfigured.credential_process(str(error)) from error

        return call if callable(method) and name not in {"close", "exceptions", "meta"} else method


def _resource_of(parameters: Mapping[str, Any]) -> str:
    """What a call is about, by its parameters."""
    if "QueueUrl" in parameters:
        return f"queue {parameters['QueueUrl'].rpartition('/')[2]}"
    for name, what in _NAMED.items():
        if name in parameters:
            return f"{what} {parameters[name]}"
    if "RequestItems" in parameters:
        return f"table {next(iter(parameters['RequestItems']), '')}"
    for item in parameters.get("TransactItems", ()):
        return f"table {next(iter(item.values()))['TableName']}"
    return "the service"
