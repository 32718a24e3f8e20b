"""What the two functions may do, and why: policies, the table in the docs and their test are made from it.

Each line is an action that a function, or Lambda in its name, asks of AWS. What is not here is denied.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Who(StrEnum):
    """Whose role it is."""

    WORKER = "worker"
    SUBMIT = "submit"


class On(StrEnum):
    """What an action is done to. Buckets are the stack's own and those of `extraBuckets`."""

    QUEUE = "the queue"
    DLQ = "the dead letters"
    BUCKET = "the buckets"
    MANIFESTS = "objects below manifests/"
    QUESTIONS = "objects below questions/"
    LEDGER = "the ledger"
    DEDUP = "the registry of duplicates"
    SELF = "the function itself"
    LOGS = "the function's log streams"


@dataclass(frozen=True, slots=True)
class Permission:
    """One action, on what, and what it is needed for."""

    who: Who
    action: str
    on: On
    why: str


def _of(who: Who, on: On, **actions: str) -> tuple[Permission, ...]:
    service = _SERVICES[on]
    return tuple(Permission(who, f"{service}:{action}", on, why) for action, why in actions.items())


_SERVICES = {
    On.QUEUE: "sqs",
    On.DLQ: "sqs",
    On.BUCKET: "s3",
    On.MANIFESTS: "s3",
    On.QUESTIONS: "s3",
    On.LEDGER: "dynamodb",
    On.DEDUP: "dynamodb",
    On.SELF: "lambda",
    On.LOGS: "logs",
}

_WORKER = (
    *_of(
        Who.WORKER,
        On.QUEUE,
        ReceiveMessage="Lambda takes messages for the function",
        GetQueueAttributes="Lambda looks at the queue that it polls",
        DeleteMessage="Lambda deletes messages that the function does not give back",
        ChangeMessageVisibility="a task to be tried again shows after its pause, not after 16 minutes",
    ),
    *_of(Who.WORKER, On.DLQ, SendMessage="a message is given up with its reason"),
    *_of(
        Who.WORKER,
        On.BUCKET,
        ListBucket="without it S3 calls an object that is not there forbidden, not absent",
    ),
    *_of(
        Who.WORKER,
        On.MANIFESTS,
        GetObject="a task that was published before is only completed",
        PutObject="the manifest commits a task; a task sent by hand describes its run",
    ),
    *_of(
        Who.WORKER,
        On.QUESTIONS,
        PutObject="samples are uploaded, large files in parts",
        AbortMultipartUpload="parts of an upload that failed are not left to be paid for",
    ),
    *_of(
        Who.WORKER,
        On.LEDGER,
        GetItem="whether a bucket is allowed; the run and the task of a message",
        BatchGetItem="a task, its block and its run are read together before a claim",
        Query="a task sent by hand needs a range that no run has",
        PutItem="claims, progress, outcomes",
        UpdateItem="counters and marks of a run",
    ),
    *_of(
        Who.WORKER,
        On.DEDUP,
        BatchGetItem="who has a puzzle",
        PutItem="a puzzle is registered",
        UpdateItem="what a run has registered is listed",
        Query="what a dead task had registered is found",
        DeleteItem="and released",
    ),
    *_of(
        Who.WORKER,
        On.LOGS,
        CreateLogStream="Lambda begins a log for each environment of the function",
        PutLogEvents="Lambda writes what the function prints, metrics too",
    ),
)

_SUBMIT = (
    *_of(Who.SUBMIT, On.QUEUE, SendMessage="tasks are sent"),
    *_of(
        Who.SUBMIT,
        On.BUCKET,
        ListBucket="runs that the bucket describes and the ledger has forgotten are found",
    ),
    *_of(
        Who.SUBMIT,
        On.MANIFESTS,
        GetObject="a run's description, and what is published of a run that the ledger has forgotten",
        PutObject="a run is described beside its manifests",
        DeleteObject="`replace` removes a run; a description that lost a race is withdrawn",
    ),
    *_of(Who.SUBMIT, On.QUESTIONS, DeleteObject="`replace` removes a run's samples"),
    *_of(
        Who.SUBMIT,
        On.LEDGER,
        GetItem="a run, and whether its range is free",
        BatchGetItem="which tasks have been sent",
        Query="the runs there are",
        PutItem="a run is created, its range reserved",
        UpdateItem="a run is extended; tasks are recorded as sent",
        DeleteItem="`replace` forgets a run",
        BatchWriteItem="and its tasks",
    ),
    *_of(
        Who.SUBMIT,
        On.DEDUP,
        BatchGetItem="who has a puzzle",
        Query="`replace` finds what a run had registered",
        DeleteItem="and releases it",
        PutItem="the puzzles of a run that the ledger has forgotten are registered again",
        UpdateItem="what a run has registered is listed",
    ),
    *_of(Who.SUBMIT, On.SELF, InvokeFunction="it goes on in a next invocation before its time runs out"),
    *_of(
        Who.SUBMIT,
        On.LOGS,
        CreateLogStream="Lambda begins a log for each environment of the function",
        PutLogEvents="Lambda writes what the function prints",
    ),
)

PERMISSIONS = (*_WORKER, *_SUBMIT)


def permissions_of(who: Who) -> dict[On, tuple[str, ...]]:
    """The actions that a function may do, by what they are done to."""
    found: dict[On, tuple[str, ...]] = {}
    for one in PERMISSIONS:
        if one.who is who:
            found[one.on] = (*found.get(one.on, ()), one.action)
    return found
