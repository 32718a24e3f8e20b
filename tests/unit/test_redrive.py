"""Dead tasks are sent again, each letter leaves when its replacement is sent, and nothing is sent twice."""

from __future__ import annotations

from typing import Any

import pytest
from dead_tasks import EXHAUSTED, FAILED, SLOW, Altered, let_die, letters_of, refusing, waiting_tasks
from places import Place, check_dataset

from vbvr_cli.errors import InvalidRequestError, ServiceError
from vbvr_cli.manifest import outcome_of
from vbvr_cli.models import FailureCode, Task, TaskState
from vbvr_cli.operations.cancel import cancel, cancellable
from vbvr_cli.operations.dlq.redrive import Redrive
from vbvr_cli.operations.dlq.report import Fate, RedriveReport
from vbvr_cli.operations.dlq.request import RedriveRequest, parse_reasons
from vbvr_cli.operations.reconcile import compare


def redrive(place: Place, backend: Any = None, **request: Any) -> RedriveReport:
    return Redrive(backend or place.backend, RedriveRequest(**request)).from_queue()


def state_of(place: Place) -> tuple[Any, ...]:
    """All that a redrive could change."""
    ledger = place.backend.ledger
    records = [record for run in ledger.list_runs() for record in ledger.tasks(run.key)]
    return records, ledger.list_runs(), letters_of(place.backend), place.backend.queue.depth()


def test_a_plain_redrive_sends_the_same_tasks_and_the_run_becomes_complete(place: Place) -> None:
    place.submit("good", samples=6, batch_size=2)
    let_die(place.backend)

    report = redrive(place)

    assert (report.fates, report.tasks_sent, report.samples_sent) == ({Fate.REDRIVEN: 3}, 3, 6)
    assert letters_of(place.backend) == []
    assert waiting_tasks(place.backend) == place.tasks("good")
    place.work()
    check_dataset(place, "good", 6)
    assert compare(place.backend, place.run("good")).complete


def test_a_redriven_task_has_all_its_attempts_again(place: Place) -> None:
    place.submit("good", samples=2, batch_size=2)
    let_die(place.backend)
    redrive(place)

    assert (place.record("good").attempts, place.record("good").reason) == (0, None)


def test_filters_leave_the_other_letters_where_they_are(place: Place) -> None:
    place.submit("good", samples=2, batch_size=2)
    let_die(place.backend)
    place.submit("several_tasks", samples=4, batch_size=2)
    let_die(place.backend, SLOW)

    assert redrive(place, generators=("nothing*",)).fates == {Fate.PASSED_OVER: 3}
    assert redrive(place, max_attempts=0).fates == {Fate.PASSED_OVER: 3}
    assert redrive(place, reasons=(FailureCode.WORKER_DIED,)).fates == {Fate.PASSED_OVER: 3}
    assert len(letters_of(place.backend)) == 3

    by_reason = redrive(place, reasons=(FAILED.code,), max_attempts=1)
    assert by_reason.fates == {Fate.REDRIVEN: 1, Fate.PASSED_OVER: 2}
    assert waiting_tasks(place.backend) == place.tasks("good")

    by_glob = redrive(place, generators=("sev*", "other"))
    assert by_glob.fates == {Fate.REDRIVEN: 2}
    assert letters_of(place.backend) == []


def test_an_unknown_reason_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidRequestError, match="bad_luck") as caught:
        parse_reasons(["generator_failed", "bad_luck"])

    assert all(code in (caught.value.hint or "") for code in FailureCode)


@pytest.mark.parametrize("size", [0, -1, 1001])
def test_a_batch_size_that_no_task_can_have_is_refused(size: int) -> None:
    with pytest.raises(InvalidRequestError, match=f"--batch-size is {size}"):
        RedriveRequest(batch_size=size)


def test_new_seeds_replace_each_task_by_one_of_another_seed_in_the_same_range(place: Place) -> None:
    place.submit("good", samples=4, batch_size=2)
    died = let_die(place.backend)

    redrive(place, new_seed=True)

    sent = waiting_tasks(place.backend)
    assert [task.range_name for task in sent] == [task.range_name for task in died]
    assert not {task.seed for task in sent} & {task.seed for task in died}
    place.work()
    check_dataset(place, "good", 4)
    assert compare(place.backend, place.run("good")).complete


def test_new_seeds_that_fail_too_are_followed_by_others(place: Place) -> None:
    place.submit("good", samples=2, batch_size=2)
    seeds = set()
    for _ in range(4):
        seeds.add(let_die(place.backend)[0].seed)
        redrive(place, new_seed=True)

    assert len(seeds) == 4
    place.work()
    check_dataset(place, "good", 2)
    assert compare(place.backend, place.run("good")).complete


def test_a_split_task_is_superseded_by_children_that_cover_its_range(place: Place) -> None:
    place.submit("good", samples=17, batch_size=10)
    (first, second) = let_die(place.backend, SLOW)

    report = redrive(place, batch_size=4)

    assert (report.fates, report.tasks_sent, report.samples_sent) == ({Fate.REDRIVEN: 2}, 5, 17)
    sent = waiting_tasks(place.backend)
    assert [(task.start_index, task.num_samples) for task in sent] == [
        (0, 4),
        (4, 4),
        (8, 2),
        (10, 4),
        (14, 3),
    ]
    assert len({task.seed for task in [*sent, first, second]}) == 7
    record = place.backend.ledger.get_task(first)
    assert record is not None
    assert (record.state, record.children) == (TaskState.SUPERSEDED, tuple(sent[:3]))
    place.work()
    check_dataset(place, "good", 17)
    assert compare(place.backend, place.run("good")).complete


def test_a_batch_size_that_the_task_has_already_sends_it_as_it_was(place: Place) -> None:
    place.submit("good", samples=4, batch_size=2)
    died = let_die(place.backend)

    redrive(place, batch_size=2)

    assert waiting_tasks(place.backend) == died


def test_children_that_die_are_split_again(place: Place) -> None:
    place.submit("good", samples=8, batch_size=8)
    for size in (4, 2, 1):
        let_die(place.backend, SLOW)
        redrive(place, batch_size=size)

    place.work()
    check_dataset(place, "good", 8)
    assert compare(place.backend, place.run("good")).complete


@pytest.mark.parametrize("request_", [{}, {"new_seed": True}, {"batch_size": 1}], ids=str)
def test_a_dry_run_says_what_would_be_sent_and_changes_nothing(place: Place, request_: Any) -> None:
    place.submit("good", samples=6, batch_size=2)
    let_die(place.backend, EXHAUSTED)
    place.backend.ledger.exhaust_run(place.run("good").key)
    before = state_of(place)

    told = redrive(place, dry_run=True, **request_)

    assert state_of(place) == before
    done = redrive(place, **request_)
    assert (told.fates, told.tasks_sent, told.samples_sent) == (
        done.fates,
        done.tasks_sent,
        done.samples_sent,
    )


def test_a_dry_run_after_half_a_redrive_counts_only_what_is_left_to_send(place: Place) -> None:
    place.submit("good", samples=4, batch_size=4)
    let_die(place.backend)
    with pytest.raises(ServiceError):
        redrive(place, refusing(place.backend, 1), batch_size=1)

    assert redrive(place, dry_run=True, batch_size=1).tasks_sent == 1


@pytest.mark.parametrize("request_", [{}, {"new_seed": True}, {"batch_size": 1}], ids=str)
def test_a_letter_stays_until_all_that_replaces_it_is_sent(place: Place, request_: Any) -> None:
    place.submit("good", samples=4, batch_size=4)
    let_die(place.backend)

    with pytest.raises(ServiceError, match="not taken by the queue") as caught:
        redrive(place, refusing(place.backend, 1), **request_)

    assert caught.value.why == "the queue is busy"
    assert len(letters_of(place.backend)) == 1
    redrive(place, **request_)
    assert letters_of(place.backend) == []
    sent = waiting_tasks(place.backend)
    assert sum(task.num_samples for task in sent) == 4  # none was sent twice
    place.work()
    assert compare(place.backend, place.run("good")).complete


def test_doing_it_again_finds_the_children_of_the_first_time(place: Place) -> None:
    place.submit("good", samples=4, batch_size=4)
    let_die(place.backend)
    keeping = Altered(place.backend, queue=Altered(place.backend.queue, delete_dead=lambda letters: None))
    redrive(place, keeping, batch_size=2)
    sent = waiting_tasks(place.backend)

    again = redrive(place, batch_size=1, new_seed=True)

    assert (again.fates, again.tasks_sent) == ({Fate.SETTLED: 1}, 0)
    assert waiting_tasks(place.backend) == sent
    assert letters_of(place.backend) == []


def test_the_letter_of_a_task_that_is_done_meanwhile_is_just_deleted(place: Place) -> None:
    place.submit("good", samples=2, batch_size=2)
    let_die(place.backend)
    place.submit("good", samples=2, batch_size=2, resend=True)
    place.work()

    assert redrive(place, new_seed=True).fates == {Fate.SETTLED: 1}
    assert letters_of(place.backend) == []
    assert place.backend.queue.depth().waiting == 0


def test_the_letter_of_a_cancelled_run_is_kept(place: Place) -> None:
    place.submit("good", samples=4, batch_size=2)
    message = place.backend.queue.lease(1, 600.0)
    let_die(place.backend)
    place.backend.queue.give_back(message[0])
    cancel(place.backend, cancellable(place.backend, None, ()))

    assert redrive(place).fates == {Fate.CANCELLED: 1}
    assert len(letters_of(place.backend)) == 1

    place.submit("good", samples=4, batch_size=2)
    assert redrive(place).fates == {Fate.REDRIVEN: 1}
    place.work()
    check_dataset(place, "good", 4)


def test_an_exhausted_run_may_be_tried_again_by_a_redrive(place: Place) -> None:
    place.submit("good", samples=2, batch_size=2)
    let_die(place.backend, EXHAUSTED)
    place.backend.ledger.exhaust_run(place.run("good").key)

    redrive(place, new_seed=True)

    assert not place.run("good").exhausted
    place.work()
    check_dataset(place, "good", 2)


def test_a_task_that_fails_again_during_the_redrive_waits_for_the_next_one(place: Place) -> None:
    place.submit("good", samples=6, batch_size=2)
    let_die(place.backend)

    def send(bodies: list[str]) -> Any:
        report = queue.send(bodies)
        place.backend.ledger.confirm_sent(place.run("good").key, place.tasks("good"))
        let_die(place.backend)  # workers are faster than the operator
        return report

    queue = place.backend.queue
    report = redrive(place, Altered(place.backend, queue=Altered(queue, send=send)))

    assert report.fates == {Fate.REDRIVEN: 3, Fate.FAILED_AGAIN: 3}
    assert len(letters_of(place.backend)) == 3


def test_two_letters_of_one_task_send_it_once(place: Place) -> None:
    place.submit("good", samples=2, batch_size=2)
    (task,) = let_die(place.backend)
    place.backend.queue.send([task.to_message().to_json()])
    (message,) = place.backend.queue.lease(10, 60.0)
    place.backend.queue.dead_letter(message, FAILED)

    assert redrive(place).fates == {Fate.REDRIVEN: 1, Fate.SETTLED: 1}
    assert waiting_tasks(place.backend) == [task]
    assert letters_of(place.backend) == []


def test_a_dead_task_whose_manifest_exists_is_not_made_in_parts_over_its_samples(place: Place) -> None:
    run = place.make("good", 4, batch_size=4)
    task = place.tasks("good")[0]
    before = place.lines("good")
    place.backend.ledger.reopen(run.key, [task])
    place.backend.queue.send([task.to_message().to_json()])
    let_die(place.backend)

    assert redrive(place, batch_size=2).fates == {Fate.SETTLED: 1}
    assert (place.record("good").state, place.record("good").outcome) == (TaskState.DONE, outcome_of(before))
    assert place.lines("good") == before
    assert compare(place.backend, run).complete


def test_a_task_that_a_worker_took_a_moment_ago_is_left_to_it(place: Place) -> None:
    place.submit("good", samples=4, batch_size=4)
    (task,) = let_die(place.backend)

    def supersede(parent: Task, children: Any) -> Any:
        ledger.reopen(parent.run, [parent])
        ledger.claim(parent, "another", 600.0)
        return ledger.supersede(parent, children)

    ledger = place.backend.ledger
    busy = Altered(place.backend, ledger=Altered(ledger, supersede=supersede))

    assert redrive(place, busy, batch_size=2).fates == {Fate.SETTLED: 1}
    assert place.backend.ledger.states(task.run, [task]) == [TaskState.CLAIMED]


def test_messages_that_are_no_tasks_are_kept_and_named(place: Place) -> None:
    place.backend.queue.send(['{"type": "good", "num_samples": "ten"}'])
    let_die(place.backend)

    report = redrive(place)

    assert report.fates == {Fate.UNREADABLE: 1}
    assert "num_samples" in report.unreadable[0]
    assert len(letters_of(place.backend)) == 1


@pytest.mark.parametrize("request_", [{}, {"new_seed": True}, {"batch_size": 1}], ids=str)
def test_a_message_of_no_run_is_redriven_as_messages(place: Place, request_: Any) -> None:
    place.backend.queue.send(['{"type": "good", "num_samples": 3, "start_index": 7}'])
    (message,) = place.backend.queue.lease(1, 60.0)
    place.backend.queue.dead_letter(message, FAILED)

    report = redrive(place, **request_)

    assert (report.fates, report.samples_sent) == ({Fate.REDRIVEN: 1}, 3)
    place.add("good")
    place.work()
    runs = place.backend.ledger.list_runs()
    made = sorted(index for run in runs for start, end in run.extents for index in range(start, end))
    assert made == [7, 8, 9]
    assert all(compare(place.backend, run).complete for run in runs)


def test_a_message_that_contradicts_its_run_leaves_no_trace_in_the_ledger(place: Place) -> None:
    run = place.make("good", 2, batch_size=2)
    body = place.tasks("good")[0].to_message().model_copy(update={"start_index": 50}).to_json()
    place.backend.queue.send([body])
    place.work()
    assert [code for code, _ in place.reasons()] == ["invalid_message"]

    assert redrive(place, batch_size=1).fates == {Fate.REDRIVEN: 1}
    place.work()

    assert len(place.records("good")) == 1
    assert compare(place.backend, run).complete
    assert len(place.reasons()) == 2


def test_letters_that_somebody_else_looks_at_are_counted_and_redriven_later(place: Place) -> None:
    place.submit("good", samples=4, batch_size=2)
    let_die(place.backend)
    held = place.backend.queue.lease_dead(10, 60.0)

    report = redrive(place)
    assert (report.fates, report.tasks_sent, report.hidden) == ({}, 0, 2)

    place.backend.queue.give_back_dead(held)
    again = redrive(place)
    assert (again.fates, again.hidden) == ({Fate.REDRIVEN: 2}, 0)
