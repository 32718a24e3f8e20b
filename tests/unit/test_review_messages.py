"""What commands say when not all is well."""

from __future__ import annotations

from places import Place, Vbvr

from vbvr_cli.operations.generate import GenerateReport, Standing, unfinished_error


def test_a_worker_says_what_died_meanwhile_and_what_had_died_before(vbvr: Vbvr) -> None:
    vbvr.add("always_fails")
    vbvr.ok("submit", "-g", "always_fails", "-n", "2")

    worked = vbvr("worker", "--workers", "1")
    assert worked.exit_code == 5
    assert "1 task is a dead letter now" in worked.stderr
    assert "vbvr dlq redrive" in worked.stderr
    again = vbvr.ok("worker", "--workers", "1")
    assert "1 dead letter of earlier work: vbvr dlq list" in again.stderr
    assert vbvr.ok("worker", "--workers", "1", "--json").json["dead_letters"] == 1


def test_a_refused_request_is_said_once(vbvr: Vbvr) -> None:
    vbvr.add("good")
    vbvr.ok("submit", "-g", "good", "-n", "2")

    refused = vbvr("submit", "-g", "good", "-n", "2", "-s", "1")
    assert refused.exit_code == 2
    assert refused.stderr.count("overlap") == 1
    assert "0 samples" not in refused.stderr


def test_what_a_cancel_left_undone_is_called_cancelled(place: Place) -> None:
    place.submit("good", samples=4)
    run = place.run("good")
    place.backend.ledger.cancel_run(run.key)

    standing = Standing(tuple(place.backend.ledger.progress([run.key])), 1.0, 0)
    error = unfinished_error(GenerateReport(standing, {}))
    assert error is not None
    assert error.why == f"cancelled: {run.key.run_id}"


def test_generate_says_that_other_tasks_come_first(vbvr: Vbvr) -> None:
    vbvr.add("good")
    vbvr.ok("submit", "-g", "good", "-n", "4", "-b", "2")

    made = vbvr.ok("generate", "-g", "good", "-n", "2", "--dest", "data")
    assert "2 tasks in the queue already" in made.stderr
    assert "already" not in vbvr.ok("generate", "-g", "good", "-n", "2", "--dest", "data").stderr
