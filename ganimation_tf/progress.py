"""How far a command is: a bar on a terminal, a line every few seconds elsewhere."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Self, TextIO, TypeVar

LINE_SECONDS = 5.0
"""Between lines where no terminal can redraw a bar."""

Item = TypeVar("Item")

Batches = Callable[[int, int, str], Iterator[slice]]
"""`batches` or `tracked_batches`: whoever calls long work decides whether it is shown."""


class Display:
    """Shows a growing count; a context manager.

    Args:
        total: what it grows to; 0: nobody knows.
        unit: what is counted, in the plural.
        stream: where to; None: standard error.
    """

    def __init__(self, total: int, unit: str, stream: TextIO | None = None):
        self._total = total
        self._unit = unit
        self._stream = stream or sys.stderr
        self._bar = _bar(self._stream) if self._stream.isatty() else None
        self._next_line = time.monotonic() + LINE_SECONDS

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
            self._task = self._bar.add_task(self._unit, total=self._total or None, note="")
        return self

    def __exit__(self, *_) -> None:
        if self._bar:
            self._bar.stop()

    def show(self, done: int, note: str = "") -> None:
        """Shows that `done` are done; `note` says more."""
        if self._bar:
            self._bar.update(self._task, completed=done, note=note)
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + LINE_SECONDS
            share = f" ({min(1.0, done / self._total):.0%})" if self._total else ""
            more = f", {note}" if note else ""
            self._stream.write(f"{done}/{self._total or '?'} {self._unit}{share}{more}\n")
            self._stream.flush()


def _bar(stream: TextIO):
    from rich import console, progress  # only where there is a terminal: it takes 0.1 s

    columns = (
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.description}"),
        progress.TextColumn("{task.fields[note]}"),
        progress.TimeRemainingColumn(),
    )
    return progress.Progress(*columns, console=console.Console(file=stream), transient=True)


def track(items: Iterable[Item], total: int, unit: str) -> Iterator[Item]:
    """The same items, while a display shows how many have been dealt with."""
    with Display(total, unit) as display:
        for number, item in enumerate(items):
            display.show(number)
            yield item


def batches(total: int, size: int, unit: str = "") -> Iterator[slice]:
    """The slices that cut `total` rows into batches of `size`, the last one perhaps smaller.

    Args:
        unit: of `tracked_batches`, not used here.
    """
    return (slice(begin, min(begin + size, total)) for begin in range(0, total, size))


def tracked_batches(total: int, size: int, unit: str) -> Iterator[slice]:
    """As `batches`, while a display shows how many rows have been dealt with.

    Args:
        unit: what the rows are, in the plural.
    """
    with Display(total, unit) as display:
        for rows in batches(total, size):
            display.show(rows.start)
            yield rows
