"""Means of the step's numbers over a fixed number of steps."""

from collections.abc import Mapping


def passed(step: int, every: int, together: int = 1) -> bool:
    """Whether a multiple of `every` is among the last `together` steps, `step` itself included."""
    return step // every > (step - together) // every


class Window:
    """Means over windows whose borders are multiples of `steps`, wherever a run went on.

    A window of which less than half was seen, after a restart, is left out. Where several steps are
    executed together the numbers are those of the last of them, and a window ends with the first
    that reaches its border.
    """

    def __init__(self, steps: int):
        self.steps = steps
        self._clear()

    def _clear(self) -> None:
        self._sums: dict[str, float] = {}
        self._added = self._seen = 0

    def add(
        self, step: int, values: Mapping[str, float], together: int = 1
    ) -> dict[str, float] | None:
        """Takes the numbers of one step; returns the window's means if it ends here.

        Args:
            together: steps since the numbers before these.
        """
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._added += 1
        self._seen += together
        if not passed(step, self.steps, together):
            return None
        means = {name: value / self._added for name, value in self._sums.items()}
        whole = 2 * self._seen >= self.steps
        self._clear()
        return means if whole else None
