"""Work spread over processes of this machine, each of one thread."""

import concurrent.futures
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from ganimation_tf.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")
Shared = TypeVar("Shared")

_shared: Any = None
"""In a process of `spread`: what all items share."""


def cores() -> int:
    """How many processes may work at once: the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(
    work: Callable[[Shared, Item], Result], shared: Shared, items: Sequence[Item], workers: int
) -> Iterator[Result]:
    """What `work(shared, item)` returns for each item, in the order in which it is ready.

    Args:
        work: a function of a module, which a new process can import.
        shared: is sent to each process once.
        items: the fewer and larger, the less is sent.
        workers: processes; 1: this one does the work itself, in order.

    Raises:
        UserError: if a process ends on its own, as one does that the system kills for its memory.
        Exception: as `work`; what has not begun by then is not done.
    """
    if workers == 1 or len(items) < 2:
        yield from (work(shared, item) for item in items)
        return
    pool = concurrent.futures.ProcessPoolExecutor(
        min(workers, len(items)),
        multiprocessing.get_context("spawn"),  # a fork copies locks that other threads hold
        _begin,
        (shared,),
    )
    try:
        waiting = [pool.submit(_work, work, item) for item in items]
        for done in concurrent.futures.as_completed(waiting):
            yield done.result()
    except concurrent.futures.process.BrokenProcessPool:
        raise UserError(
            f"one of {workers} processes ended on its own, perhaps for want of memory; "
            "the same command goes on, with fewer --workers"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(shared: Any) -> None:
    global _shared
    # Ctrl-C reaches every process of a terminal: the first one answers, these finish their item.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from ganimation_tf.threads import single_threaded

    single_threaded()
    _shared = shared


def _end_with_parent() -> None:
    """Ends this process when its parent has gone; a killed one cannot say so."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # it was started by `spread`
    multiprocessing.connection.wait([parent.sentinel])
    os._exit(1)


def _work(work: Callable[[Shared, Item], Result], item: Item) -> Result:
    return work(_shared, item)
