"""The runs in the ledger on DynamoDB, and the ranges that they have reserved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vbvr_cli.backends.aws import calls, keys
from vbvr_cli.backends.aws.table import Item, Key, Table
from vbvr_cli.errors import InvalidRequestError, RangeTakenError
from vbvr_cli.models import Run, RunKey, RunSpec

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


class Runs:
    """The records of runs.

    A record is kept twice, by its key and in the list of all runs: both are written together. Who reserves
    a range has read all ranges of that (bucket, generator), and its version is still the one read before.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(self, key: RunKey, spec: RunSpec, num_samples: int) -> Run:
        """Reserve a run's range and record it; the same run again is returned as it stands."""
        extent = (spec.first_index, spec.first_index + num_samples)
        for _ in calls.BACKOFF.rounds():
            version = self._version(key, spec.generator)
            run = self.get(key)
            if run is not None:
                return run
            self._require_free(key, spec.generator, extent)
            run = Run(key, spec, (extent,))
            if self._written([*self._puts(run), self._reserve(key, spec.generator, version)]):
                return run
        raise calls.gave_up(f"Run {key.run_id} was not created", "others reserve ranges at the same time")

    def extend(self, key: RunKey, end_index: int) -> Run:
        """Let a run's range end at `end_index`. Raises InvalidRequestError for an unknown run."""
        for _ in calls.BACKOFF.rounds():
            run = self._require(key)
            if end_index <= run.end_index:
                return run
            generator = run.spec.generator
            version = self._version(key, generator)
            extent = (run.end_index, end_index)
            self._require_free(key, generator, extent)
            before, run = run, replace(run, extents=(*run.extents, extent))
            if self._written([*self._extents(before, run), self._reserve(key, generator, version)]):
                return run
        raise calls.gave_up(f"Run {key.run_id} was not extended", "others reserve ranges at the same time")

    def restore(self, run: Run) -> None:
        """Record a run, replacing its record."""
        for _ in calls.BACKOFF.rounds():
            generator = run.spec.generator
            version = self._version(run.key, generator)
            puts = self._puts(run, condition=None)
            if self._written([*puts, self._reserve(run.key, generator, version)]):
                return
        raise calls.gave_up(f"Run {run.key.run_id} was not recorded", "others change the same runs")

    def remove(self, key: RunKey) -> None:
        """Forget a run's record and free its range; that it was here stays known."""
        for _ in calls.BACKOFF.rounds():
            run = self.get(key)
            if run is None:
                return
            generator = run.spec.generator
            version = self._version(key, generator)
            deletes = [self._table.delete(one) for one in (keys.run(key), keys.listed_run(key, generator))]
            left = self._table.put(keys.removed_run(key))
            if self._written([*deletes, left, self._reserve(key, generator, version)]):
                return
        raise calls.gave_up(f"Run {key.run_id} was not removed", "others change the same runs")

    def was_removed(self, key: RunKey) -> bool:
        """Whether a run was here and was removed."""
        return self._table.get(keys.removed_run(key)) is not None

    def mark(self, key: RunKey, **marks: bool) -> None:
        """Set the marks that are given unless they are set so; an unknown run has none."""
        expression = "SET " + ", ".join(f"{name} = :{name}" for name in marks)
        for _ in calls.BACKOFF.rounds():
            run = self.get(key)
            if run is None or all(getattr(run, name) == value for name, value in marks.items()):
                return
            places = (keys.run(key), keys.listed_run(key, run.spec.generator))
            if self._written(
                [self._table.update(one, expression, "attribute_exists(pk)", marks) for one in places]
            ):
                return
        raise calls.gave_up(f"Run {key.run_id} was not marked", "others change the same run")

    def get(self, key: RunKey) -> Run | None:
        """One run's record."""
        item = self._table.get(keys.run(key))
        return run_of(item) if item else None

    def get_many(self, wanted: list[RunKey]) -> list[Run]:
        """The records of runs, in that order, those that exist."""
        items = self._table.get_many([keys.run(key) for key in wanted])
        found = (items.get((item["pk"], item["sk"])) for item in map(keys.run, wanted))
        return [run_of(item) for item in found if item]

    def select(self, bucket: str | None, generator: str | None) -> list[Run]:
        """Runs by bucket, generator and first index."""
        prefix = "" if bucket is None else f"{bucket}#" + ("" if generator is None else f"{generator}#")
        condition, values = "pk = :pk", {":pk": "runs"}
        if prefix:
            condition, values = f"{condition} AND begins_with(sk, :prefix)", {**values, ":prefix": prefix}
        runs = [run_of(item) for page in self._table.query(condition, values) for item in page]
        return sorted(
            (run for run in runs if generator in (None, run.spec.generator)),
            key=lambda run: (run.key.bucket, run.spec.generator, run.start_index),
        )

    def _require(self, key: RunKey) -> Run:
        run = self.get(key)
        if run is None:
            raise InvalidRequestError(
                f"There is no run {key.run_id} in {key.bucket}.",
                hint="See `vbvr status` for the runs there are.",
            )
        return run

    def _require_free(self, key: RunKey, generator: str, extent: tuple[int, int]) -> None:
        start, end = extent
        for run in self.select(key.bucket, generator):
            if run.key != key and run.start_index < end and run.end_index > start:
                raise RangeTakenError(generator, extent, run.key.run_id, (run.start_index, run.end_index))

    def _version(self, key: RunKey, generator: str) -> int:
        item = self._table.get(keys.reservations(key.bucket, generator))
        return int(item["version"]) if item else 0

    def _reserve(self, key: RunKey, generator: str, version: int) -> TransactWriteItemTypeDef:
        """Change the version, if nobody did since it was read."""
        guard: dict[str, str | int] = {**keys.reservations(key.bucket, generator), "version": version + 1}
        if version == 0:
            return self._table.put(guard, "attribute_not_exists(pk)")
        return self._table.put(guard, "version = :version", {"version": version})

    def _puts(
        self, run: Run, condition: str | None = "attribute_not_exists(pk)"
    ) -> list[TransactWriteItemTypeDef]:
        places = (keys.run(run.key), keys.listed_run(run.key, run.spec.generator))
        return [self._table.put(_item(place, run), condition) for place in places]

    def _extents(self, before: Run, run: Run) -> list[TransactWriteItemTypeDef]:
        """Set the extents if they are still what they were; marks stay as they are."""
        old, new = json.dumps(before.extents), json.dumps(run.extents)
        places = (keys.run(run.key), keys.listed_run(run.key, run.spec.generator))
        return [
            self._table.update(place, "SET extents = :new", "extents = :old", {"old": old, "new": new})
            for place in places
        ]

    def _written(self, writes: list[TransactWriteItemTypeDef]) -> bool:
        """Write; False if somebody else was first."""
        try:
            self._table.write(writes)
        except calls.ContestedError:
            return False
        return True


def _item(key: Key, run: Run) -> Mapping[str, Any]:
    return {
        **key,
        "bucket": run.key.bucket,
        "run_id": run.key.run_id,
        "spec": run.spec.model_dump_json(),
        "extents": json.dumps(run.extents),
        "cancelled": run.cancelled,
        "exhausted": run.exhausted,
    }


def run_of(item: Item) -> Run:
    """A run's record."""
    return Run(
        RunKey(item["bucket"], item["run_id"]),
        RunSpec.model_validate_json(item["spec"]),
        tuple((start, end) for start, end in json.loads(item["extents"])),
        item["cancelled"],
        item["exhausted"],
    )
