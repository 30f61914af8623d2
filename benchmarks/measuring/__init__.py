"""CPU time and memory of a process and of all that it starts, by Linux' /proc."""

import os
import pathlib
import threading

_SECONDS = 0.2  # between two looks


class Sampler(threading.Thread):
    """Watches a process and its descendants until it is told to stop.

    Attributes:
        cpu: CPU seconds of each process, by its id.
        peaks: most resident memory of each process in MiB, by its id.
        whole: most memory of all of them at one moment in MiB, shared pages counted once.
    """

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self._pid = pid
        self._done = threading.Event()
        self.cpu: dict[int, float] = {}
        self.peaks: dict[int, float] = {}
        self.whole = 0.0

    def run(self) -> None:
        while not self._done.wait(_SECONDS):
            whole = 0.0
            for pid in tree(self._pid):
                try:
                    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
                    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                except OSError:  # it has ended meanwhile
                    continue
                ticks = sum(map(int, fields.split()[11:13]))
                sizes = {line.split()[0]: int(line.split()[1]) / 1024 for line in rollup[1:]}
                self.cpu[pid] = ticks / os.sysconf("SC_CLK_TCK")
                self.peaks[pid] = max(self.peaks.get(pid, 0), sizes.get("Rss:", 0))
                whole += sizes.get("Pss:", 0)
            self.whole = max(self.whole, whole)

    def stop(self) -> None:
        """Ends the thread; its numbers are complete then."""
        self._done.set()
        self.join()


def tree(root: int) -> list[int]:
    """A process and its descendants."""
    pids = [root]
    for pid in pids:
        try:
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                pids += map(int, (task / "children").read_text().split())
        except OSError:  # it has ended meanwhile
            continue
    return pids
