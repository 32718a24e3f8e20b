"""What a ledger promises about the states of tasks, whoever sets them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from random import randrange

import pytest
from harnesses import BackendUnderTest
from ledger_examples import OUTCOME, PASSING, PERMANENT, halves_of, task_of

from vbvr_cli.backends.ports import Backend, Ledger
from vbvr_cli.errors import InvalidRequestError
from vbvr_cli.models import Claim, Outcome, Refusal, Run, Task, TaskRecord, TaskState, Verdict
from vbvr_cli.seeds import MAX_SEED


def bring_to(ledger: Ledger, task: Task, state: TaskState) -> None:
    """Bring a task that the ledger has never seen into a state."""
    if state is TaskState.PLANNED:
        return
    ledger.confirm_sent(task.run, [task])
    if state is TaskState.SENT:
        return
    claim = ledger.claim(task, "worker", 60.0)
    assert isinstance(claim, Claim)
    if state is TaskState.DONE:
        ledger.complete(claim, OUTCOME)
    elif state is TaskState.WAITING:
        ledger.fail(claim, PASSING)
    elif state in {TaskState.DEAD, TaskState.SUPERSEDED}:
        ledger.fail(claim, PERMANENT)
    if state is TaskState.SUPERSEDED:
        ledger.supersede(task, halves_of(task))


def in_every_state(ledger: Ledger, run: Run) -> dict[TaskState, Task]:
    """Seven tasks of a run, each in another state."""
    tasks = {state: task_of(run.key, number) for number, state in enumerate(TaskState)}
    for state, task in tasks.items():
        bring_to(ledger, task, state)
    return tasks


def test_a_task_never_seen_is_planned(ledger: Ledger, run: Run) -> None:
    assert ledger.states(run.key, [task_of(run.key, 0)]) == [TaskState.PLANNED]
    assert ledger.get_task(task_of(run.key, 0)) is None


def test_states_come_in_the_order_of_the_question(ledger: Ledger, run: Run) -> None:
    tasks = in_every_state(ledger, run)

    assert ledger.states(run.key, list(tasks.values())) == list(tasks)
    assert ledger.states(run.key, list(tasks.values())[::-1]) == list(tasks)[::-1]
    assert ledger.states(run.key, []) == []


def test_confirming_that_a_task_was_sent_changes_only_what_is_planned(ledger: Ledger, run: Run) -> None:
    tasks = in_every_state(ledger, run)

    ledger.confirm_sent(run.key, list(tasks.values()))
    ledger.confirm_sent(run.key, list(tasks.values()))

    expected = [TaskState.SENT if state is TaskState.PLANNED else state for state in tasks]
    assert ledger.states(run.key, list(tasks.values())) == expected


def test_many_tasks_are_confirmed_at_once(ledger: Ledger, run: Run) -> None:
    tasks = [task_of(run.key, n) for n in range(130)]

    ledger.confirm_sent(run.key, tasks)
    ledger.confirm_sent(run.key, [])

    assert ledger.states(run.key, tasks) == [TaskState.SENT] * 130
    assert ledger.progress()[0].tasks == {TaskState.SENT: 130}


def test_tasks_that_differ_in_seed_or_size_are_different(ledger: Ledger, run: Run) -> None:
    task = task_of(run.key, 0)
    others = [replace(task, seed=task.seed + 1), replace(task, num_samples=5), replace(task, start_index=1)]

    ledger.settle(task, OUTCOME)

    assert ledger.states(run.key, [task, *others]) == [TaskState.DONE] + [TaskState.PLANNED] * 3


def test_the_same_task_in_another_bucket_is_another(
    ledger: Ledger, run: Run, under_test: BackendUnderTest
) -> None:
    elsewhere = replace(run.key, bucket=under_test.other_bucket)
    ledger.settle(task_of(run.key, 0), OUTCOME)

    assert ledger.states(elsewhere, [task_of(elsewhere, 0)]) == [TaskState.PLANNED]
    assert list(ledger.tasks(elsewhere)) == []


@pytest.mark.parametrize("state", list(TaskState))
def test_a_reopened_task_is_planned_with_no_attempts(ledger: Ledger, run: Run, state: TaskState) -> None:
    task = task_of(run.key, 0)
    bring_to(ledger, task, state)

    ledger.reopen(run.key, [task])

    assert ledger.states(run.key, [task]) == [TaskState.PLANNED]
    assert ledger.get_task(task) in (None, TaskRecord(task, TaskState.PLANNED))
    claim = ledger.claim(task, "worker", 60.0)
    assert isinstance(claim, Claim)
    assert claim.attempt == 1


@pytest.mark.parametrize("state", [state for state in TaskState if state is not TaskState.SUPERSEDED])
def test_a_task_is_settled_from_any_state(ledger: Ledger, run: Run, state: TaskState) -> None:
    task = task_of(run.key, 0)
    bring_to(ledger, task, state)

    ledger.settle(task, OUTCOME)
    ledger.settle(task, OUTCOME)

    record = ledger.get_task(task)
    assert record is not None
    assert (record.state, record.outcome, record.reason) == (TaskState.DONE, OUTCOME, None)
    assert record.claimed_until is None
    assert ledger.claim(task, "worker", 60.0) == Refusal(Verdict.DONE)


def test_settling_what_is_done_keeps_what_its_worker_reported(ledger: Ledger, run: Run) -> None:
    task = task_of(run.key, 0)
    bring_to(ledger, task, TaskState.DONE)

    ledger.settle(task, Outcome(10, 4_000, 0.0))

    record = ledger.get_task(task)
    assert record is not None
    assert record.outcome == OUTCOME


def test_a_superseded_task_is_not_settled(ledger: Ledger, run: Run) -> None:
    task = task_of(run.key, 0)
    bring_to(ledger, task, TaskState.SUPERSEDED)

    ledger.settle(task, OUTCOME)

    assert ledger.states(run.key, [task]) == [TaskState.SUPERSEDED]


def test_tasks_are_listed_by_index(ledger: Ledger, run: Run) -> None:
    numbers = [3, 1, 99, 0, 20, 2]
    ledger.confirm_sent(run.key, [task_of(run.key, n) for n in numbers])
    ledger.settle(task_of(run.key, 5), OUTCOME)

    listed = list(ledger.tasks(run.key))

    assert [record.task for record in listed] == [task_of(run.key, n) for n in sorted([*numbers, 5])]


def test_tasks_are_listed_by_state(ledger: Ledger, run: Run) -> None:
    tasks = in_every_state(ledger, run)

    listed = ledger.tasks(run.key, [TaskState.WAITING, TaskState.DEAD])

    assert [(r.task, r.state) for r in listed] == [
        (tasks[state], state) for state in TaskState if state in {TaskState.WAITING, TaskState.DEAD}
    ]
    assert list(ledger.tasks(run.key, [])) == []


def test_listed_tasks_are_what_is_known_of_each(ledger: Ledger, run: Run) -> None:
    in_every_state(ledger, run)

    for record in ledger.tasks(run.key):
        assert ledger.get_task(record.task) == record


def test_tasks_may_change_while_they_are_listed(ledger: Ledger, run: Run) -> None:
    tasks = [task_of(run.key, n) for n in range(30)]
    ledger.confirm_sent(run.key, tasks)

    for record in ledger.tasks(run.key):
        ledger.settle(record.task, OUTCOME)

    assert ledger.states(run.key, tasks) == [TaskState.DONE] * 30


def test_a_superseded_task_is_replaced_by_its_children(ledger: Ledger, run: Run) -> None:
    parent = task_of(run.key, 0)
    bring_to(ledger, parent, TaskState.DEAD)
    children = halves_of(parent)

    assert ledger.supersede(parent, children) == tuple(children)

    record = ledger.get_task(parent)
    assert record is not None
    assert (record.state, record.children) == (TaskState.SUPERSEDED, tuple(children))
    assert ledger.states(run.key, children) == [TaskState.PLANNED, TaskState.PLANNED]
    assert ledger.claim(parent, "worker", 60.0) == Refusal(Verdict.SUPERSEDED)
    assert isinstance(ledger.claim(children[0], "worker", 60.0), Claim)


def test_superseding_again_finds_the_same_children(ledger: Ledger, run: Run) -> None:
    parent = task_of(run.key, 0)
    bring_to(ledger, parent, TaskState.DEAD)
    children = ledger.supersede(parent, halves_of(parent))
    ledger.settle(children[0], OUTCOME)

    assert ledger.supersede(parent, halves_of(parent, seed=99)) == children
    assert ledger.states(run.key, children) == [TaskState.DONE, TaskState.PLANNED]
    assert ledger.states(run.key, halves_of(parent, seed=99)) == [TaskState.PLANNED] * 2
    assert len(list(ledger.tasks(run.key))) == 3


def test_a_child_can_be_superseded_in_turn(ledger: Ledger, run: Run) -> None:
    parent = task_of(run.key, 0)
    bring_to(ledger, parent, TaskState.DEAD)
    child, _ = ledger.supersede(parent, halves_of(parent))
    grandchild = replace(child, seed=child.seed + 7)

    assert ledger.supersede(child, [grandchild]) == (grandchild,)

    assert ledger.states(run.key, [parent, child, grandchild]) == [
        TaskState.SUPERSEDED,
        TaskState.SUPERSEDED,
        TaskState.PLANNED,
    ]


def test_children_that_are_done_already_stay_so(ledger: Ledger, run: Run) -> None:
    parent = task_of(run.key, 0)
    children = halves_of(parent)
    ledger.settle(children[1], OUTCOME)

    ledger.supersede(parent, children)

    assert ledger.states(run.key, children) == [TaskState.PLANNED, TaskState.DONE]


@pytest.mark.parametrize("state", [TaskState.DONE, TaskState.CLAIMED])
def test_a_task_that_is_done_or_worked_on_is_not_replaced(ledger: Ledger, run: Run, state: TaskState) -> None:
    parent = task_of(run.key, 0)
    bring_to(ledger, parent, state)

    with pytest.raises(InvalidRequestError):
        ledger.supersede(parent, halves_of(parent))

    assert [record.task for record in ledger.tasks(run.key)] == [parent]
    assert ledger.states(run.key, [parent]) == [state]


def supersede_with_my_own(backend: Backend, parent: Task) -> tuple[Task, ...]:
    return backend.ledger.supersede(parent, halves_of(parent, seed=randrange(MAX_SEED)))


def test_those_who_supersede_at_once_get_the_same_children(race, ledger: Ledger, run: Run) -> None:
    parent = task_of(run.key, 0)
    bring_to(ledger, parent, TaskState.DEAD)

    found = race(supersede_with_my_own, parent)

    assert found == [found[0]] * len(found)
    assert {record.task for record in ledger.tasks(run.key)} == {parent, *found[0]}


def test_what_another_has_changed_since_somebody_looked_is_seen(
    under_test: BackendUnderTest, run: Run
) -> None:
    ledger, task = under_test.backend.ledger, task_of(run.key, 0)
    ledger.confirm_sent(run.key, [task])
    assert ledger.states(run.key, [task]) == [TaskState.SENT]
    with closing(under_test.reconnect()) as other:
        other.ledger.reopen(run.key, [task])

    ledger.confirm_sent(run.key, [task])

    assert ledger.states(run.key, [task]) == [TaskState.SENT]
