"""What the registry of duplicates promises."""

from __future__ import annotations

from uuid import uuid4

from harnesses import BackendUnderTest

from vbvr_cli.backends.ports import Backend, DedupRegistry

BUCKET, GENERATOR = "bucket", "G-1_maze"


def register(dedup: DedupRegistry, run: str, *hashes: tuple[int, str]) -> list[bool]:
    return dedup.register(BUCKET, GENERATOR, run, hashes)


def test_who_registers_first_has_the_puzzle(dedup: DedupRegistry) -> None:
    assert register(dedup, "run1", (0, "aa"), (1, "bb")) == [True, True]
    assert register(dedup, "run2", (0, "aa"), (1, "cc")) == [False, True]


def test_the_same_owner_wins_again(dedup: DedupRegistry) -> None:
    register(dedup, "run1", (0, "aa"))

    assert register(dedup, "run1", (0, "aa")) == [True]


def test_another_sample_of_the_same_run_is_another_owner(dedup: DedupRegistry) -> None:
    register(dedup, "run1", (0, "aa"))

    assert register(dedup, "run1", (1, "aa")) == [False]


def test_within_one_call_the_first_wins(dedup: DedupRegistry) -> None:
    assert register(dedup, "run1", (0, "aa"), (1, "aa"), (2, "bb"), (3, "aa")) == [True, False, True, False]


def test_more_hashes_than_a_task_has_samples_are_fine(
    dedup: DedupRegistry, under_test: BackendUnderTest
) -> None:
    different, asked = under_test.often(1200), under_test.often(2000)
    hashes = [(n, f"{n % different:016x}") for n in range(asked)]

    assert register(dedup, "run1", *hashes) == [n < different for n in range(asked)]


def test_registering_nothing_is_fine(dedup: DedupRegistry) -> None:
    assert register(dedup, "run1") == []


def test_each_bucket_and_generator_has_puzzles_of_its_own(dedup: DedupRegistry) -> None:
    register(dedup, "run1", (0, "aa"))

    assert dedup.register("another", GENERATOR, "run2", [(0, "aa")]) == [True]
    assert dedup.register(BUCKET, "G-2_maze", "run2", [(0, "aa")]) == [True]


def test_what_was_released_is_free(dedup: DedupRegistry) -> None:
    register(dedup, "run1", (0, "aa"), (1, "bb"))

    dedup.release(BUCKET, GENERATOR, "run1", 0, 2)

    assert register(dedup, "run2", (0, "aa"), (1, "bb")) == [True, True]


def test_only_this_runs_range_is_released(dedup: DedupRegistry) -> None:
    register(dedup, "run1", (9, "aa"), (10, "bb"), (19, "cc"), (20, "dd"))
    register(dedup, "run2", (15, "ee"))

    dedup.release(BUCKET, GENERATOR, "run1", 10, 20)

    asked = [(100, "aa"), (101, "bb"), (102, "cc"), (103, "dd"), (104, "ee")]
    assert register(dedup, "run3", *asked) == [False, True, True, False, False]


def test_releasing_what_is_not_there_is_fine(dedup: DedupRegistry) -> None:
    dedup.release(BUCKET, GENERATOR, "run1", 0, 100)


def test_another_connection_sees_the_same_puzzles(under_test: BackendUnderTest) -> None:
    register(under_test.backend.dedup, "run1", (0, "aa"))

    assert register(under_test.reconnect().dedup, "run2", (0, "aa")) == [False]


def register_in_turn(backend: Backend) -> list[bool]:
    """Ask for the same puzzles as all others, as an owner of one's own."""
    run = uuid4().hex
    return [register(backend.dedup, run, (n, f"{n:x}"))[0] for n in range(50)]


def test_each_puzzle_goes_to_one_of_those_who_register_at_once(race) -> None:
    won = race(register_in_turn)

    assert [sum(one[n] for one in won) for n in range(50)] == [1] * 50
