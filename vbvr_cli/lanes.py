"""Several things at a time: bounded, stopped by the first error, and never left half done."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_lanes(
    action: Callable[[Item], Result], items: Iterable[Item], lanes: int
) -> Generator[Result, None, None]:
    """The results of an action on each item as they come, `lanes` at a time; one is this thread, in order.

    Items are taken as there is room for them, in this thread. After an error, an interrupt or `close`, what
    has begun ends and nothing else begins; then the first error is raised.
    """
    if lanes <= 1:
        yield from map(action, items)
        return
    ended: SimpleQueue[Future[Result]] = SimpleQueue()
    under_way = 0
    pool = ThreadPoolExecutor(lanes, thread_name_prefix="lane")
    try:
        for item in items:
            pool.submit(action, item).add_done_callback(ended.put)
            under_way += 1
            # One more than there are lanes waits, so that no lane does.
            while under_way > lanes or (under_way and not ended.empty()):
                under_way -= 1
                yield ended.get().result()
        while under_way:
            under_way -= 1
            yield ended.get().result()
    finally:
        pool.shutdown(cancel_futures=True)
