"""What a ledger promises about claims: who may work on a task, how often, and what proves it."""

from __future__ import annotations

import pytest
from harnesses import BackendUnderTest
from ledger_examples import OUTCOME, PASSING, PERMANENT, task_of

from vbvr_cli.backends.ports import Backend, Ledger
from vbvr_cli.errors import ClaimLostError
from vbvr_cli.models import (
    MAX_ATTEMPTS,
    Claim,
    FailureCode,
    Refusal,
    Remake,
    Rounds,
    Run,
    Task,
    TaskRecord,
    TaskState,
    Verdict,
)


@pytest.fixture
def claim_task(ledger: Ledger, under_test: BackendUnderTest):
    """Claim a task that can be claimed."""

    def claim(task: Task, worker: str = "worker-1") -> Claim:
        answer = ledger.claim(task, worker, under_test.lease)
        assert isinstance(answer, Claim), answer
        return answer

    return claim


@pytest.fixture
def refusal_of(ledger: Ledger, under_test: BackendUnderTest):
    """Claim a task that cannot be claimed."""

    def claim(task: Task) -> Refusal:
        answer = ledger.claim(task, "worker-2", under_test.lease)
        assert isinstance(answer, Refusal), answer
        return answer

    return claim


def record_of(ledger: Ledger, task: Task) -> TaskRecord:
    record = ledger.get_task(task)
    assert record is not None
    return record


# Winning and waiting


def test_a_sent_task_can_be_claimed(ledger: Ledger, task: Task, claim_task) -> None:
    claim = claim_task(task)

    assert (claim.task, claim.worker, claim.attempt, claim.rounds) == (task, "worker-1", 1, None)
    record = record_of(ledger, task)
    assert (record.state, record.attempts, record.worker) == (TaskState.CLAIMED, 1, "worker-1")
    assert record.claimed_until is not None


def test_a_task_that_the_ledger_has_never_seen_can_be_claimed(run: Run, claim_task) -> None:
    assert claim_task(task_of(run.key, 5)).attempt == 1


def test_a_claimed_task_is_held_for_all_others(ledger: Ledger, task: Task, claim_task, refusal_of) -> None:
    claim_task(task)

    refusal = refusal_of(task)

    assert refusal == Refusal(Verdict.HELD, until=record_of(ledger, task).claimed_until)
    assert record_of(ledger, task).attempts == 1


def test_even_the_same_worker_cannot_claim_twice(
    ledger: Ledger, task: Task, claim_task, under_test: BackendUnderTest
) -> None:
    claim_task(task, "worker-1")

    answer = ledger.claim(task, "worker-1", under_test.lease)

    assert isinstance(answer, Refusal)
    assert answer.verdict is Verdict.HELD


def test_tasks_are_claimed_apart(run: Run, claim_task) -> None:
    assert {claim_task(task_of(run.key, n)).attempt for n in range(5)} == {1}


def claim_in_turn(backend: Backend, tasks: list[Task], lease: float) -> list[int]:
    """Try to claim the same tasks as all others; which were won."""
    answers = [backend.ledger.claim(task, "worker", lease) for task in tasks]
    return [n for n, answer in enumerate(answers) if isinstance(answer, Claim)]


def test_of_those_who_claim_at_once_one_wins(race, run: Run, under_test: BackendUnderTest) -> None:
    tasks = [task_of(run.key, n) for n in range(20)]

    won = race(claim_in_turn, tasks, under_test.lease)

    assert sorted(n for one in won for n in one) == list(range(20))


# Lapsing and fencing


def test_a_lapsed_claim_passes_to_the_next_with_a_higher_fence(
    task: Task, claim_task, under_test: BackendUnderTest
) -> None:
    first = claim_task(task)
    under_test.let_leases_lapse()

    second = claim_task(task, "worker-2")

    assert second.fence > first.fence
    assert second.attempt == 2


def test_an_extended_claim_lasts_longer(
    ledger: Ledger, task: Task, claim_task, refusal_of, under_test: BackendUnderTest
) -> None:
    claim = claim_task(task)

    ledger.extend_claim(claim, 3 * under_test.lease, samples=4)
    under_test.let_leases_lapse()

    assert refusal_of(task).verdict is Verdict.HELD
    ledger.complete(claim, OUTCOME)


def use_in_every_way(ledger: Ledger, claim: Claim) -> None:
    """Try whatever a claim is good for; each must say that it is lost."""
    with pytest.raises(ClaimLostError):
        ledger.extend_claim(claim, 100, samples=9)
    with pytest.raises(ClaimLostError):
        ledger.record_rounds(claim, Rounds(task_round=2))
    with pytest.raises(ClaimLostError):
        ledger.complete(claim, OUTCOME)
    with pytest.raises(ClaimLostError):
        ledger.fail(claim, PERMANENT)
    ledger.release(claim)


def test_a_claim_that_was_taken_over_is_good_for_nothing(
    ledger: Ledger, task: Task, claim_task, under_test: BackendUnderTest
) -> None:
    stale = claim_task(task)
    under_test.let_leases_lapse()
    current = claim_task(task, "worker-2")
    before = record_of(ledger, task)

    use_in_every_way(ledger, stale)

    assert record_of(ledger, task) == before
    ledger.complete(current, OUTCOME)


@pytest.mark.parametrize("end", ["complete", "fail", "release", "settle", "reopen", "remove"])
def test_a_claim_that_has_ended_is_good_for_nothing(ledger: Ledger, task: Task, claim_task, end: str) -> None:
    claim = claim_task(task)
    ends = {
        "complete": lambda: ledger.complete(claim, OUTCOME),
        "fail": lambda: ledger.fail(claim, PASSING),
        "release": lambda: ledger.release(claim),
        "settle": lambda: ledger.settle(task, OUTCOME),
        "reopen": lambda: ledger.reopen(task.run, [task]),
        "remove": lambda: ledger.remove_run(task.run),
    }
    ends[end]()
    before = ledger.get_task(task)

    use_in_every_way(ledger, claim)

    assert ledger.get_task(task) == before


@pytest.mark.parametrize("end", ["release", "reopen"])
def test_a_claim_that_has_ended_stays_so_when_the_task_is_claimed_anew(
    ledger: Ledger, task: Task, claim_task, end: str
) -> None:
    stale = claim_task(task)
    ledger.release(stale) if end == "release" else ledger.reopen(task.run, [task])

    current = claim_task(task, "worker-2")

    assert current.fence > stale.fence
    use_in_every_way(ledger, stale)
    ledger.complete(current, OUTCOME)


def test_a_lapsed_claim_that_nobody_took_still_completes(
    ledger: Ledger, task: Task, claim_task, under_test: BackendUnderTest
) -> None:
    claim = claim_task(task)
    under_test.let_leases_lapse()

    ledger.complete(claim, OUTCOME)

    assert record_of(ledger, task).state is TaskState.DONE


# Attempts


def test_a_completed_task_is_done_for_all(ledger: Ledger, task: Task, claim_task, refusal_of) -> None:
    ledger.complete(claim_task(task), OUTCOME)

    assert refusal_of(task) == Refusal(Verdict.DONE)
    record = record_of(ledger, task)
    assert (record.state, record.outcome, record.reason) == (TaskState.DONE, OUTCOME, None)
    assert record.finished_at is not None
    assert record.claimed_until is None


def test_a_passing_failure_leaves_the_task_waiting_for_the_next_attempt(
    ledger: Ledger, task: Task, claim_task
) -> None:
    assert ledger.fail(claim_task(task), PASSING) is TaskState.WAITING
    record = record_of(ledger, task)
    assert (record.state, record.attempts, record.reason) == (TaskState.WAITING, 1, PASSING)

    assert claim_task(task).attempt == 2


def test_after_the_last_attempt_the_task_is_dead(ledger: Ledger, task: Task, claim_task, refusal_of) -> None:
    ends = [ledger.fail(claim_task(task), PASSING) for _ in range(MAX_ATTEMPTS)]

    assert ends == [TaskState.WAITING] * (MAX_ATTEMPTS - 1) + [TaskState.DEAD]
    assert refusal_of(task) == Refusal(Verdict.DEAD, reason=PASSING)
    record = record_of(ledger, task)
    assert (record.state, record.attempts, record.reason) == (TaskState.DEAD, MAX_ATTEMPTS, PASSING)
    assert record.finished_at is not None


def test_a_lasting_failure_is_the_end_at_once(ledger: Ledger, task: Task, claim_task, refusal_of) -> None:
    assert ledger.fail(claim_task(task), PERMANENT) is TaskState.DEAD

    assert refusal_of(task) == Refusal(Verdict.DEAD, reason=PERMANENT)


def test_a_worker_that_stops_without_a_word_costs_an_attempt(
    ledger: Ledger, task: Task, claim_task, refusal_of, under_test: BackendUnderTest
) -> None:
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert claim_task(task, f"worker-{attempt}").attempt == attempt
        under_test.let_leases_lapse()

    refusal = refusal_of(task)

    assert refusal.verdict is Verdict.DEAD
    assert refusal.reason is not None
    assert refusal.reason.code is FailureCode.WORKER_DIED
    assert f"worker-{MAX_ATTEMPTS}" in refusal.reason.detail
    assert record_of(ledger, task).state is TaskState.DEAD
    assert record_of(ledger, task).reason == refusal.reason


def test_a_completed_task_keeps_no_reason_of_earlier_attempts(ledger: Ledger, task: Task, claim_task) -> None:
    ledger.fail(claim_task(task), PASSING)

    ledger.complete(claim_task(task), OUTCOME)

    assert record_of(ledger, task).reason is None


def test_a_released_task_is_as_if_it_had_never_been_claimed(ledger: Ledger, task: Task, claim_task) -> None:
    before = record_of(ledger, task)

    for _ in range(2 * MAX_ATTEMPTS):
        ledger.release(claim_task(task))

    assert record_of(ledger, task) == before
    assert claim_task(task).attempt == 1


def test_a_task_released_after_a_failure_waits_for_its_second_attempt(
    ledger: Ledger, task: Task, claim_task
) -> None:
    ledger.fail(claim_task(task), PASSING)

    ledger.release(claim_task(task))

    record = record_of(ledger, task)
    assert (record.state, record.attempts, record.reason) == (TaskState.WAITING, 1, PASSING)
    assert claim_task(task).attempt == 2


# Rounds


def test_recorded_rounds_come_with_the_next_claim(ledger: Ledger, task: Task, claim_task) -> None:
    rounds = Rounds(task_round=1, remakes=(Remake(3, 1, 123), Remake(7, 2, 456)))
    first = claim_task(task)
    ledger.record_rounds(first, Rounds())
    ledger.record_rounds(first, rounds)
    ledger.fail(first, PASSING)

    assert claim_task(task).rounds == rounds
    assert record_of(ledger, task).rounds == rounds


def test_recorded_rounds_outlive_reopening(ledger: Ledger, task: Task, claim_task) -> None:
    ledger.record_rounds(claim_task(task), Rounds(task_round=2))
    ledger.reopen(task.run, [task])

    assert claim_task(task).rounds == Rounds(task_round=2)


# Runs that were cancelled or have run out


@pytest.mark.parametrize("seen", [True, False])
def test_a_task_of_a_cancelled_run_is_refused_and_counts_as_not_sent(
    ledger: Ledger, run: Run, refusal_of, seen: bool
) -> None:
    task = task_of(run.key, 0)
    if seen:
        ledger.confirm_sent(run.key, [task])
    ledger.cancel_run(run.key)

    assert refusal_of(task) == Refusal(Verdict.CANCELLED)
    assert ledger.states(run.key, [task]) == [TaskState.PLANNED]


def test_a_cancelled_run_that_is_resumed_can_be_worked_on(
    ledger: Ledger, task: Task, claim_task, refusal_of
) -> None:
    ledger.cancel_run(task.run)
    refusal_of(task)

    ledger.resume_run(task.run)
    ledger.confirm_sent(task.run, [task])

    assert record_of(ledger, task).state is TaskState.SENT
    assert claim_task(task).attempt == 1


def test_a_task_that_is_being_worked_on_may_finish_though_its_run_is_cancelled(
    ledger: Ledger, task: Task, claim_task, refusal_of, under_test: BackendUnderTest
) -> None:
    claim = claim_task(task)
    ledger.cancel_run(task.run)

    assert refusal_of(task).verdict is Verdict.HELD
    ledger.extend_claim(claim, under_test.lease, samples=1)
    ledger.complete(claim, OUTCOME)

    assert refusal_of(task).verdict is Verdict.DONE


def test_a_lapsed_claim_of_a_cancelled_run_counts_as_not_sent(
    ledger: Ledger, task: Task, claim_task, refusal_of, under_test: BackendUnderTest
) -> None:
    claim_task(task)
    ledger.cancel_run(task.run)
    under_test.let_leases_lapse()

    assert refusal_of(task).verdict is Verdict.CANCELLED
    assert ledger.states(task.run, [task]) == [TaskState.PLANNED]


def test_what_is_settled_stays_so_though_its_run_is_cancelled(
    ledger: Ledger, run: Run, claim_task, refusal_of
) -> None:
    done, dead = task_of(run.key, 0), task_of(run.key, 1)
    ledger.complete(claim_task(done), OUTCOME)
    ledger.fail(claim_task(dead), PERMANENT)

    ledger.cancel_run(run.key)

    assert refusal_of(done).verdict is Verdict.DONE
    assert refusal_of(dead).verdict is Verdict.DEAD


def test_a_task_of_an_exhausted_run_dies_without_an_attempt(
    ledger: Ledger, run: Run, claim_task, refusal_of
) -> None:
    sent, unseen, waiting = (task_of(run.key, n) for n in range(3))
    ledger.confirm_sent(run.key, [sent, waiting])
    ledger.fail(claim_task(waiting), PASSING)

    ledger.exhaust_run(run.key)

    for task, attempts in ((sent, 0), (unseen, 0), (waiting, 1)):
        refusal = refusal_of(task)
        assert refusal.verdict is Verdict.DEAD
        assert refusal.reason is not None
        assert refusal.reason.code is FailureCode.POOL_EXHAUSTED
        record = record_of(ledger, task)
        assert (record.state, record.attempts, record.reason) == (TaskState.DEAD, attempts, refusal.reason)


def test_what_has_begun_goes_on_in_an_exhausted_run(
    ledger: Ledger, run: Run, claim_task, refusal_of, under_test: BackendUnderTest
) -> None:
    done, lapsed, held = (task_of(run.key, n) for n in range(3))
    ledger.complete(claim_task(done), OUTCOME)
    claim_task(lapsed)
    under_test.let_leases_lapse()
    claim = claim_task(held)

    ledger.exhaust_run(run.key)

    assert refusal_of(done).verdict is Verdict.DONE
    assert refusal_of(held).verdict is Verdict.HELD
    assert claim_task(lapsed).attempt == 2
    ledger.complete(claim, OUTCOME)


def test_a_run_that_is_resumed_is_no_longer_exhausted(ledger: Ledger, task: Task, claim_task) -> None:
    ledger.exhaust_run(task.run)

    ledger.resume_run(task.run)

    assert claim_task(task).attempt == 1
