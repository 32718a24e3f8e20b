"""Runs a generator a few times, small, and says what it is like."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vbvr_cli.catalog.checking.licences import find_licence, is_non_commercial
from vbvr_cli.catalog.checking.pool import estimate_pool
from vbvr_cli.catalog.checking.report import Finding, Measured, Report, Weight
from vbvr_cli.catalog.checking.trial import Observed, Trial, TrialBench
from vbvr_cli.catalog.generator import Generator
from vbvr_cli.worker.workspace import Workspace

SMALL = 4
SEEDS = (20_011, 71_993)
"""Any two; constant, so that a check can be repeated."""
OTHER_HASH_SEED = 4_242
BUDGET_SECONDS = 120.0
"""A generator too slow to make all samples of a run in this time is asked for fewer."""


def examine(
    generator: Generator, scratch: Path, *, samples: int, should_stop: Callable[[], bool] = lambda: False
) -> Report:
    """Check one generator, in new folders below `scratch`: six runs, two of them of up to `samples`."""
    with Workspace(scratch.absolute()) as workspace:
        return _Examination(generator, TrialBench(generator, workspace, should_stop), samples).report()


class _Examination:
    """The runs of one check, and what was noticed so far."""

    def __init__(self, generator: Generator, bench: TrialBench, samples: int) -> None:
        self._generator = generator
        self._bench = bench
        self._most = samples
        self._findings: list[Finding] = []
        self._licence = generator.licence or find_licence(generator.path)

    def report(self) -> Report:
        first, second = SEEDS
        one = self._bench.run(1, first)
        if not self._keeps_contract(one):
            return self._result(None)
        few = self._bench.run(SMALL, first)
        if not self._keeps_contract(few):
            return self._result(None)
        self._compare_repetitions(few, first)
        many, others = (self._bench.run(self._affordable(one, few), seed) for seed in (first, second))
        usable = [self._keeps_contract(trial) for trial in (many, others)]
        if not all(usable):
            return self._result(None)
        if _contents(many)[: len(few.samples)] != _contents(few):
            self._note("sample i depends on how many are asked for: only whole tasks can be made again")
        measured = _measure(one, many, others)
        self._judge(measured, many, others)
        return self._result(measured)

    def _keeps_contract(self, trial: Trial) -> bool:
        asked = f"of {trial.asked} asked for"
        if trial.failure:
            self._fault(f"{trial.failure} ({asked})")
            return False
        if not trial.samples:
            self._fault(f"it wrote no sample {asked}")
            return False
        if len(trial.samples) != trial.asked:
            self._fault(f"it wrote {len(trial.samples)} samples {asked}")
        broken = [sample.broken for sample in trial.samples if sample.broken]
        if broken:
            self._fault(f"{len(broken)} {asked} are broken: {broken[0]}")
        return len(broken) < len(trial.samples)

    def _compare_repetitions(self, few: Trial, seed: int) -> None:
        if _contents(self._bench.run(SMALL, seed)) != _contents(few):
            self._fault("the same seed gives other samples each time")
        elif _contents(self._bench.run(SMALL, seed, hash_seed=OTHER_HASH_SEED)) != _contents(few):
            self._note("its samples depend on PYTHONHASHSEED, which vbvr sets to the task's seed")

    def _affordable(self, one: Trial, few: Trial) -> int:
        each = max(0.001, (few.ended.seconds - one.ended.seconds) / (SMALL - 1))
        limit = min(BUDGET_SECONDS, 0.5 * self._generator.time_limit_seconds)
        return max(SMALL, min(self._most, int(limit / each)))

    def _judge(self, measured: Measured, many: Trial, others: Trial) -> None:
        if _contents(many) == _contents(others):
            self._fault("it ignores --seed: two seeds give the same samples")
        if measured.pool is not None:
            self._warn(
                f"{measured.distinct_puzzles} distinct puzzles in {measured.samples} samples: "
                f"it has about {measured.pool} in all"
            )
        if measured.distinct_prompts == 1:
            self._note("all prompts are worded the same")
        if not all(sample.has_metadata for sample in many.samples):
            self._warn("it writes no metadata.json: samples have no parameters")
        if measured.video is None:
            self._warn("it writes no ground_truth video that decodes")
        if self._licence is None:
            self._warn("its licence is unknown: neither the catalog nor a LICENSE file says it")
        elif is_non_commercial(self._licence):
            self._warn(f"its licence, {self._licence}, forbids commercial use")

    def _result(self, measured: Measured | None) -> Report:
        return Report(self._generator.name, tuple(self._findings), measured, self._licence)

    def _fault(self, text: str) -> None:
        self._findings.append(Finding(Weight.FAULT, text))

    def _warn(self, text: str) -> None:
        self._findings.append(Finding(Weight.WARNING, text))

    def _note(self, text: str) -> None:
        self._findings.append(Finding(Weight.NOTE, text))


def _measure(one: Trial, many: Trial, others: Trial) -> Measured:
    first, second = ([sample.param_hash for sample in _sound(trial)] for trial in (many, others))
    more = max(1, many.asked - 1)
    seconds = min(many.ended.seconds, others.ended.seconds)
    each = max(0.001, (seconds - one.ended.seconds) / more)
    both = [*_sound(many), *_sound(others)]
    return Measured(
        samples=len(both),
        startup_seconds=max(0.0, one.ended.seconds - each),
        seconds_per_sample=each,
        bytes_per_sample=sum(sample.num_bytes for sample in both) // len(both),
        memory_mb=one.memory_mb,
        memory_mb_per_sample=max(0.0, (many.memory_mb - one.memory_mb) / more),
        distinct_puzzles=len({*first, *second}),
        distinct_prompts=len({sample.prompt for sample in both}),
        shared_by_seeds=len({*first} & {*second}),
        pool=estimate_pool([*first, *second]),
        video=many.video,
    )


def _sound(trial: Trial) -> list[Observed]:
    return [sample for sample in trial.samples if not sample.broken]


def _contents(trial: Trial) -> list[tuple[tuple[str, ...], str]]:
    return [(sample.content, sample.param_hash) for sample in trial.samples]
