"""The best of many items, chosen alike in any order; and hashes to choose at random by."""

import bisect
import dataclasses
import hashlib
from typing import Any, NamedTuple, Self


class Ranked(NamedTuple):
    """An item of a `Best`: the lowest `rank` wins, then the lowest `tie`."""

    rank: int
    tie: int
    item: Any


def key_hash(text: str) -> int:
    """64 bits of the text's SHA-256; other bits than the assignment to files takes."""
    encoded = text.encode(errors="backslashreplace")  # file names need not be valid UTF-8
    return int.from_bytes(hashlib.sha256(encoded).digest()[16:24], "big")


@dataclasses.dataclass
class Best:
    """The `limit` lowest of all offered items, in order."""

    limit: int
    items: list[Ranked] = dataclasses.field(default_factory=list)

    def offer(self, item: Ranked) -> None:
        """Takes the item if it is among the lowest."""
        if len(self.items) < self.limit or item < self.items[-1]:
            bisect.insort(self.items, item)
            del self.items[self.limit :]

    def merge(self, other: Self) -> None:
        """Takes what `other` has taken."""
        for item in other.items:
            self.offer(item)
