"""What a dataset was made from: how a second run knows that there is nothing to do.

`fingerprint.json` holds the options that shape the output, the versions of the program and of what
decodes, warps and encodes, commit, lock file and libraries for whoever wants to make the same
again, and for each input file two hashes of 8 bytes: of its name, and of its size and time of last
change. A file changed without a change of either is not noticed, which takes intent or a clock set
back; filesystems that tell no time (HTTP) show new sizes only. Times and places differ between
copies of the same inputs, so this file alone is outside the promise of equal bytes.
"""

import base64
import dataclasses
import hashlib
import json
from array import array
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np

import ganimation_tf
from ganimation_tf.annotations.reader import Reader
from ganimation_tf.origin import made_with
from pipeline import files
from pipeline.engines.versions import of_pixels
from pipeline.inventory import Listed

_FILE = np.dtype([("name", "<u8"), ("state", "<u8")])


@dataclasses.dataclass(frozen=True)
class Fingerprint:
    """Everything that the bytes of a dataset follow from.

    Attributes:
        versions: of the program and of what decodes, warps and encodes.
        options: those that shape the output, inputs by their absolute places.
        inputs: by kind of source; `_FILE` (N,), sorted.
        made_with: `origin.made_with()`; not compared, so that another commit alone is no change.
    """

    versions: Mapping[str, str]
    options: Mapping[str, Any]
    inputs: Mapping[str, np.ndarray]
    made_with: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def changes(self, now: Self) -> list[str]:
        """What differs, in words; empty if the same dataset would come out."""
        changes = [
            f"{name} was {self.versions.get(name)}, is {now.versions.get(name)}"
            for name in sorted({*self.versions, *now.versions})
            if self.versions.get(name) != now.versions.get(name)
        ]
        for name in sorted({*self.options, *now.options}):
            before, after = self.options.get(name), now.options.get(name)
            if before != after:
                changes.append(f"--{name.replace('_', '-')} was {before}, is {after}")
        for kind, after in now.inputs.items():
            changes += _changed_files(kind, self.inputs.get(kind, after[:0]), after)
        return changes

    def to_json(self) -> str:
        """The text of `fingerprint.json`."""
        inputs = {
            kind: base64.b64encode(digests.tobytes()).decode()
            for kind, digests in self.inputs.items()
        }
        facts = {
            "versions": dict(self.versions),
            "options": dict(self.options),
            "inputs": inputs,
            "made_with": dict(self.made_with),
        }
        return json.dumps(facts, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self | None:
        """The inverse of `to_json`; None if the text is none of its own."""
        try:
            facts = json.loads(text)
            inputs = {
                kind: np.frombuffer(base64.b64decode(digests), _FILE)
                for kind, digests in facts["inputs"].items()
            }
            versions, options = dict(facts["versions"]), dict(facts["options"])
            return cls(versions, options, inputs, dict(facts.get("made_with", {})))
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


def take(
    shaping: Mapping[str, Any], photos: Listed, annotations: Listed, reader: Reader
) -> Fingerprint:
    """The fingerprint of inputs as they were listed, and of the options that shape the output."""
    places = {f"{listed.source.kind}s": listed.source.pattern for listed in (photos, annotations)}
    return Fingerprint(
        {"ganimation-tf": ganimation_tf.__version__, **of_pixels(shaping["detector"])},
        {**shaping, **places},
        {
            files.IMAGE: _inputs(photos.of(reader.image_suffixes)),
            files.ANNOTATION: _inputs(with_others(annotations, reader)),
        },
        made_with(),
    )


def with_others(annotations: Listed, reader: Reader) -> Iterator[files.ListedFile]:
    """The annotation files and what their reader needs beside them."""
    for listed in annotations.of(reader.suffixes):
        yield listed
        if not listed.problem:
            yield from files.beside(listed, reader.beside)


def _inputs(listing: Iterator[files.ListedFile]) -> np.ndarray:
    """`_FILE` (N,), sorted: 16 bytes for each file, so that millions can be remembered."""
    hashes = array("Q")
    for listed in listing:
        state = listed.problem.code if listed.problem else f"{listed.size} {listed.modified}"
        hashes.append(_hash(listed.file))
        hashes.append(_hash(state))
    return np.sort(np.asarray(hashes).astype("<u8").view(_FILE))


def _hash(text: str) -> int:
    encoded = text.encode(errors="surrogateescape")  # file names need not be valid UTF-8
    return int.from_bytes(hashlib.blake2b(encoded, digest_size=8).digest(), "little")


def _changed_files(kind: str, before: np.ndarray, after: np.ndarray) -> list[str]:
    added = len(np.setdiff1d(after["name"], before["name"]))
    removed = len(np.setdiff1d(before["name"], after["name"]))
    changed = len(np.setdiff1d(after, before)) - added
    counts = ((added, "added"), (removed, "removed"), (changed, "changed"))
    return [f"{n} {kind}{'s' if n > 1 else ''} {what}" for n, what in counts if n > 0]
