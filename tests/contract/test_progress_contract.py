"""What a ledger promises about its counters: they are what a recount of the tasks would give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from harnesses import BackendUnderTest
from ledger_examples import OUTCOME, PASSING, PERMANENT, halves_of, key_of, spec, task_of

from vbvr_cli.backends.ports import Backend, Ledger
from vbvr_cli.errors import ClaimLostError, InvalidRequestError
from vbvr_cli.models import (
    Claim,
    FailureCode,
    Outcome,
    Progress,
    Reason,
    Run,
    RunKey,
    Task,
    TaskState,
    Verdict,
)


def progress_of(ledger: Ledger, key: RunKey) -> Progress:
    (progress,) = ledger.progress([key])
    return progress


def recount(ledger: Ledger, run: Run, samples_making: int) -> Progress:
    """What the counters must be, from the tasks themselves."""
    records = list(ledger.tasks(run.key))
    outcomes = [record.outcome for record in records if record.outcome]
    dead = [record for record in records if record.state is TaskState.DEAD]
    return Progress(
        run=run.key,
        generator=run.spec.generator,
        samples_planned=run.num_samples,
        samples_done=sum(outcome.num_samples for outcome in outcomes),
        samples_dead=sum(record.task.num_samples for record in dead),
        samples_making=samples_making,
        num_bytes=sum(outcome.num_bytes for outcome in outcomes),
        seconds=pytest.approx(sum(outcome.seconds for outcome in outcomes), abs=0.001),
        remade=sum(outcome.remade for outcome in outcomes),
        duplicates=sum(outcome.duplicates for outcome in outcomes),
        tasks=dict(Counter(r.state for r in records if r.state is not TaskState.PLANNED)),
        reasons=dict(Counter(record.reason.code for record in dead if record.reason)),
        cancelled=run.cancelled,
    )


def test_a_new_run_has_all_before_it(ledger: Ledger, run: Run) -> None:
    progress = progress_of(ledger, run.key)

    assert progress == Progress(run.key, run.spec.generator, samples_planned=1000)
    assert progress.samples_open == 1000


def test_an_extended_run_plans_more(ledger: Ledger, run: Run) -> None:
    ledger.extend_run(run.key, 1500)

    assert progress_of(ledger, run.key).samples_planned == 1500


def test_done_tasks_are_counted_with_their_outcomes(ledger: Ledger, run: Run) -> None:
    for n in range(3):
        ledger.settle(task_of(run.key, n), OUTCOME)

    progress = progress_of(ledger, run.key)

    assert progress.tasks == {TaskState.DONE: 3}
    assert (progress.samples_done, progress.num_bytes, progress.seconds) == (30, 12_000, 7.5)
    assert (progress.remade, progress.duplicates) == (3, 9)


def test_dead_tasks_are_counted_by_reason(ledger: Ledger, run: Run) -> None:
    for n, reason in enumerate([PERMANENT, PERMANENT, Reason(FailureCode.OUT_OF_TIME, "4 of 10")]):
        claim = ledger.claim(task_of(run.key, n), "worker", 60)
        assert isinstance(claim, Claim)
        ledger.fail(claim, reason)

    progress = progress_of(ledger, run.key)

    assert progress.samples_dead == 30
    assert progress.tasks == {TaskState.DEAD: 3}
    assert progress.reasons == {FailureCode.GENERATOR_FAILED: 2, FailureCode.OUT_OF_TIME: 1}


def test_what_is_being_made_is_what_was_last_reported(ledger: Ledger, run: Run) -> None:
    claims = [ledger.claim(task_of(run.key, n), "worker", 60) for n in range(2)]
    for claim, samples in zip(claims, (3, 5), strict=True):
        assert isinstance(claim, Claim)
        ledger.extend_claim(claim, 60, samples=1)
        ledger.extend_claim(claim, 60, samples=samples)
    assert progress_of(ledger, run.key).samples_making == 8

    assert isinstance(claims[0], Claim)
    ledger.complete(claims[0], OUTCOME)

    progress = progress_of(ledger, run.key)
    assert (progress.samples_making, progress.samples_done) == (5, 10)
    assert progress.tasks == {TaskState.CLAIMED: 1, TaskState.DONE: 1}


def test_a_claim_taken_over_begins_at_nothing(ledger: Ledger, run: Run, under_test: BackendUnderTest) -> None:
    claim = ledger.claim(task_of(run.key, 0), "worker-1", under_test.lease)
    assert isinstance(claim, Claim)
    ledger.extend_claim(claim, under_test.lease, samples=7)
    under_test.let_leases_lapse()

    ledger.claim(task_of(run.key, 0), "worker-2", under_test.lease)

    assert progress_of(ledger, run.key).samples_making == 0


def test_a_superseded_task_no_longer_counts_as_dead(ledger: Ledger, run: Run) -> None:
    parent = task_of(run.key, 0)
    claim = ledger.claim(parent, "worker", 60)
    assert isinstance(claim, Claim)
    ledger.fail(claim, PERMANENT)

    for _ in range(2):
        ledger.supersede(parent, halves_of(parent))

    progress = progress_of(ledger, run.key)
    assert progress.tasks == {TaskState.SUPERSEDED: 1}
    assert (progress.samples_dead, progress.reasons) == (0, {})


def test_a_cancelled_run_says_so(ledger: Ledger, run: Run) -> None:
    ledger.cancel_run(run.key)

    assert progress_of(ledger, run.key).cancelled


def test_progress_is_of_all_runs_or_of_those_asked_for(
    ledger: Ledger, run: Run, under_test: BackendUnderTest
) -> None:
    one = spec("O-1_other")
    other = ledger.create_run(key_of(under_test.bucket, one), one, 10)
    unknown = RunKey(under_test.bucket, "unknown")

    assert {progress.run for progress in ledger.progress()} == {run.key, other.key}
    assert [progress.run for progress in ledger.progress([other.key, unknown])] == [other.key]
    assert ledger.progress([]) == []


class Chaos:
    """Does something at random to a few tasks, over and over, and remembers what it was told."""

    def __init__(self, ledger: Ledger, key: RunKey, lease: float, seed: int) -> None:
        self.ledger = ledger
        self.key = key
        self.lease = lease
        self.random = Random(seed)
        self.claims: dict[Claim, int] = {}
        self.tasks = [task_of(key, n) for n in range(12)]

    def step(self) -> None:
        """Do one thing."""
        actions: list[Callable[[], None]] = [
            *[self._claim] * 6,
            *[self._extend, self._complete, self._fail] * 2,
            self._release,
            self._confirm,
            self._settle,
            self._reopen,
            self._supersede,
        ]
        self.random.choice(actions)()

    @property
    def samples_making(self) -> int:
        """What the workers last reported of tasks that are still theirs."""
        return sum(self.claims.values())

    def _task(self) -> Task:
        return self.random.choice(self.tasks)

    def _claim(self) -> None:
        task = self._task()
        answer = self.ledger.claim(task, "worker", self.lease)
        if isinstance(answer, Claim):
            self._forget(task)
            self.claims[answer] = 0
        elif answer.verdict is not Verdict.HELD:
            self._forget(task)

    def _held(self) -> Claim | None:
        return self.random.choice(list(self.claims)) if self.claims else None

    def _forget(self, task: Task) -> None:
        self.claims = {claim: made for claim, made in self.claims.items() if claim.task != task}

    def _extend(self) -> None:
        if claim := self._held():
            made = self.random.randrange(10)
            try:
                self.ledger.extend_claim(claim, self.lease, made)
                self.claims[claim] = made
            except ClaimLostError:
                self.claims.pop(claim)

    def _complete(self) -> None:
        if claim := self._held():
            outcome = Outcome(
                claim.task.num_samples, self.random.randrange(10**6), self.random.random(), 1, 2
            )
            self._end(claim, lambda: self.ledger.complete(claim, outcome))

    def _fail(self) -> None:
        if claim := self._held():
            reason = Reason(self.random.choice(list(FailureCode)), "bad luck")
            self._end(claim, lambda: self.ledger.fail(claim, reason))

    def _release(self) -> None:
        if claim := self._held():
            self._end(claim, lambda: self.ledger.release(claim))

    def _end(self, claim: Claim, end: Callable[[], object]) -> None:
        self.claims.pop(claim)
        try:
            end()
        except ClaimLostError:
            return

    def _confirm(self) -> None:
        self.ledger.confirm_sent(self.key, self.random.sample(self.tasks, 3))

    def _settle(self) -> None:
        task = self._task()
        self.ledger.settle(task, replace(OUTCOME, num_samples=task.num_samples))
        self._forget(task)

    def _reopen(self) -> None:
        tasks = self.random.sample(self.tasks, 2)
        self.ledger.reopen(self.key, tasks)
        for task in tasks:
            self._forget(task)

    def _supersede(self) -> None:
        task = self._task()
        if task.num_samples >= 2:
            try:
                self.tasks += self.ledger.supersede(task, halves_of(task))
            except InvalidRequestError:
                return


@pytest.mark.parametrize("seed", range(8))
def test_the_counters_are_right_after_anything(
    ledger: Ledger, run: Run, under_test: BackendUnderTest, seed: int
) -> None:
    chaos = Chaos(ledger, run.key, under_test.lease, seed)
    stretch = under_test.often(40)

    for step in range(1, 6 * stretch + 1):
        chaos.step()
        if step == 3 * stretch:
            under_test.let_leases_lapse()
        if step % stretch == 0:
            assert progress_of(ledger, run.key) == recount(ledger, run, chaos.samples_making)


def wreak_havoc(backend: Backend, key: RunKey, steps: int) -> None:
    """Do things to the same tasks as all others, then end what is still claimed."""
    chaos = Chaos(backend.ledger, key, 1000, Random().randrange(10**9))
    for _ in range(steps):
        chaos.step()
    for claim in chaos.claims:
        backend.ledger.release(claim)


def test_the_counters_are_right_after_all_at_once_do_anything(
    race, ledger: Ledger, run: Run, under_test: BackendUnderTest
) -> None:
    race(wreak_havoc, run.key, under_test.often(120))

    claimed = [record for record in ledger.tasks(run.key) if record.state is TaskState.CLAIMED]
    assert claimed == []
    assert progress_of(ledger, run.key) == recount(ledger, run, samples_making=0)


def test_a_lapse_leaves_the_counters_right(ledger: Ledger, run: Run, under_test: BackendUnderTest) -> None:
    task = task_of(run.key, 0)
    for _ in range(4):
        claim = ledger.claim(task, "worker", under_test.lease)
        if isinstance(claim, Claim):
            ledger.extend_claim(claim, under_test.lease, samples=4)
        under_test.let_leases_lapse()

    assert progress_of(ledger, run.key) == recount(ledger, run, samples_making=0)
    assert progress_of(ledger, run.key).reasons == {FailureCode.WORKER_DIED: 1}


def test_waiting_tasks_are_counted_as_such(ledger: Ledger, run: Run) -> None:
    claim = ledger.claim(task_of(run.key, 0), "worker", 60)
    assert isinstance(claim, Claim)
    ledger.fail(claim, PASSING)

    progress = progress_of(ledger, run.key)

    assert (progress.tasks, progress.reasons) == ({TaskState.WAITING: 1}, {})
