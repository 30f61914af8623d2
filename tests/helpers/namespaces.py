"""Machines of a small network: network namespaces beside that of the test, each with one cable."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator

HOST = "198.18.77.1"
"""This side, as they all know it; of the block that RFC 2544 keeps for tests."""


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def why_not() -> str:
    """Why this machine cannot have one; empty if it can."""
    if not shutil.which("ip"):
        return "network namespaces need iproute2's `ip`"
    name = f"gan{os.getpid()}try"
    try:
        _ip("netns", "add", name)
        _ip("netns", "delete", name)
    except subprocess.CalledProcessError as error:
        return f"network namespaces are not allowed here: {error.stderr.strip()}"
    return ""


@contextlib.contextmanager
def machines(count: int) -> Iterator[list[tuple[str, ...]]]:
    """So many; of each the command that runs what follows it there.

    They reach `HOST` and no other address: not each other, and not the loopback of the test.
    """
    names = [f"gan{os.getpid()}n{number}" for number in range(count)]
    with contextlib.ExitStack() as stack:
        for number, name in enumerate(names):
            cable = f"gan{os.getpid() % 100000}v{number}"
            near = HOST if number == 0 else f"198.18.77.{4 * number + 1}"
            _ip("netns", "add", name)
            stack.callback(_ip, "netns", "delete", name)  # its end of the cable goes with it
            _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("addr", "add", f"{near}/30", "dev", cable)
            _ip("link", "set", cable, "up")
            _ip("-n", name, "link", "set", "lo", "up")
            _ip("-n", name, "addr", "add", f"198.18.77.{4 * number + 2}/30", "dev", "eth0")
            _ip("-n", name, "link", "set", "eth0", "up")
            _ip("-n", name, "route", "add", "default", "via", near)
        yield [("ip", "netns", "exec", name) for name in names]
