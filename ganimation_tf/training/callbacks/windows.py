"""Means of the step's numbers over a fixed number of steps."""

from collections.abc import Mapping


class Window:
    """Means over windows whose borders are multiples of `steps`, wherever a run went on.

    A window of which less than half was seen, after a restart, is left out.
    """

    def __init__(self, steps: int):
        self.steps = steps
        self._clear()

    def _clear(self) -> None:
        self._sums: dict[str, float] = {}
        self._seen = 0

    def add(self, step: int, values: Mapping[str, float]) -> dict[str, float] | None:
        """Takes the numbers of one step; returns the window's means if it ends here."""
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._seen += 1
        if step % self.steps:
            return None
        means = {name: value / self._seen for name, value in self._sums.items()}
        whole = 2 * self._seen >= self.steps
        self._clear()
        return means if whole else None
