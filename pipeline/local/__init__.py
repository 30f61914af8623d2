"""Worker processes of this machine: all that rests on what Beam does not promise to keep.

Beam's own way to several processes, `multi_processing`, starts each as a new interpreter that
imports everything: 3 CPU seconds and 150 MiB for each, which on 10,000 photos and two workers is a
third of the time. Here they are forked from one process that has imported it all. For that the
local runner is told of an environment and a worker handler of our own, which are no public API:
that is why `setup.cfg` asks for a Beam below 2.78, and nothing else is.

`usable` is the one switch: with another Beam, `--workers` goes Beam's way.
"""

import functools
import importlib.metadata

KNOWN = "2.77."
"""The Beam whose workings are relied on here."""


@functools.cache
def usable() -> bool:
    """Whether the installed Beam is the one that is known."""
    return importlib.metadata.version("apache-beam").startswith(KNOWN)
