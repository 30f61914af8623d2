"""Which image a name in a table means, however the tool that wrote it was given the image.

Tables hold paths as their tool was given them: relative to where it ran, absolute, of another
machine, with `~`. What such a path and the image have in common is its end.
"""

import array
import hashlib
import os
import posixpath
import re
import unicodedata
import urllib.parse
from collections.abc import Collection, Iterable, Sequence

import numpy as np

from ganimation_tf.annotations.face import AnnotationError
from ganimation_tf.annotations.rows import TABLES
from ganimation_tf.faces import images
from ganimation_tf.faces.video import VIDEO_SUFFIXES

_ABSOLUTE = re.compile(r"(/|~|[A-Za-z]:/|\w+://)")

_SHOWN = 3  # images that a name could mean


class _Index:
    """At which places words stand, 12 bytes for each: a hash of the word and the place."""

    def __init__(self, words: Iterable[tuple[str, int]]):
        """Of words and their places, each as often as it comes."""
        words_seen, places_seen = array.array("Q"), array.array("I")
        for word, place in words:
            words_seen.append(_hash(word))
            places_seen.append(place)
        hashes, places = np.array(words_seen, np.uint64), np.array(places_seen, np.uint32)
        order = np.lexsort((places, hashes))
        hashes, places = hashes[order], places[order]
        new = np.ones(len(hashes), bool)
        new[1:] = (hashes[1:] != hashes[:-1]) | (places[1:] != places[:-1])
        self._hashes, self._places = hashes[new], places[new]

    def places(self, word: str) -> np.ndarray:
        """uint32 (P,), ascending, each once."""
        hashed = np.uint64(_hash(word))
        first, end = (np.searchsorted(self._hashes, hashed, side) for side in ("left", "right"))
        return self._places[first:end]


class ImageNames:
    """The keys of all images, 12 bytes for each: workers get them."""

    def __init__(self, keys: Collection[str], root: str = ""):
        """For images with these keys.

        Args:
            keys: paths without suffix.
            root: the directory that they are relative to.
        """
        self._root = root
        self._directories = sorted({key.rpartition("/")[0] for key in keys})
        self._places = {directory: place for place, directory in enumerate(self._directories)}
        split = (key.rpartition("/") for key in keys)
        # A row without image must not cost a look into every directory.
        self._bases = _Index((base, self._places[directory]) for directory, _, base in split)
        self._ends = _Index(
            (end, place) for directory, place in self._places.items() for end in _ends(directory)
        )

    def key(self, name: str, relative_to_root: bool) -> str:
        """The key of the image that is meant.

        Args:
            name: with or without suffix.
            relative_to_root: whether a relative name is, by agreement, relative to the root.

        Returns:
            What the name says by itself where there is no such image.

        Raises:
            AnnotationError: if several images could be meant.
        """
        name = unicodedata.normalize("NFC", name)
        plain = relative(name, self._root)
        match = self._find(name, _stem(plain), relative_to_root)
        if match is None and "%" in name:  # a URL
            decoded = relative(urllib.parse.unquote(name), self._root)
            match = self._find(name, _stem(decoded), relative_to_root)
        if match is None:
            return _stem(plain if not _ABSOLUTE.match(plain) else plain.rpartition("/")[2])
        return match

    def _find(self, name: str, stem: str, relative_to_root: bool) -> str | None:
        parts = _parts(stem)
        if not parts:
            return None
        base = parts.pop()
        places = self._bases.places(base)
        if not len(places):
            return None
        ends = _ends("/".join(parts))
        own = [end for end in (*ends, "") if end in self._places]
        matching = [end for end in own if len(_common(places, _of_one(self._places[end])))]
        absolute = bool(_ABSOLUTE.match(name.replace("\\", "/")))
        agreed = relative_to_root and not absolute
        if agreed and parts and own[:1] == ends[:1] != matching[:1]:
            return None  # its directory is there, without it
        if len(matching) > 1 and (agreed or absolute):
            matching = matching[:1]  # the longest
        if not matching:
            below = _common(places, self._below(ends)) if parts else places
            matching = [self._directories[place] for place in below[:_SHOWN]]
        keys = [_joined(directory, base) for directory in matching]
        if len(keys) > 1:
            raise AnnotationError("ambiguous_key", f"{name} could be {' or '.join(keys)}")
        return keys[0] if keys else None

    def _below(self, ends: Sequence[str]) -> np.ndarray:
        """The places that go on as a row's directory does, for as long as any does.

        The tool may have run below them, or beside on a copy. What lies elsewhere is another's,
        even if it is called alike.
        """
        found = (self._ends.places(end) for end in ends)
        return next(filter(len, found), np.array([], np.uint32))


def relative(name: str, root: str) -> str:
    """A file name out of a table, relative to the directory of the images if it is in there."""
    name = name.replace("\\", "/")
    if root and name.startswith(f"{root}/"):
        return name[len(root) + 1 :]
    return posixpath.normpath(name) if "://" not in name else name


def said(name: str) -> str:
    """A name out of a table by itself, where nobody says which images there are: its stem."""
    return _stem(relative(unicodedata.normalize("NFC", name), ""))


def common_end(name: str, path: str) -> int:
    """How many parts a name out of a table, or a URL, and a path share at the end; both stems."""
    own = _parts(path)
    spelt = (_parts(name), _parts(urllib.parse.unquote(name)))
    return max(len(os.path.commonprefix([parts[::-1], own[::-1]])) for parts in spelt)


def elsewhere(name: str, path: str) -> bool:
    """Whether a name out of a table and a path, both stems, are of one file in two directories."""
    return len(_parts(name)) > 1 and common_end(name, path) == 1


def _parts(stem: str) -> list[str]:
    """What a path goes through, less what is no directory's own name."""
    return [part for part in stem.split("/") if part not in ("", "..", "~")]


def _stem(name: str) -> str:
    """A name may have a dot and no suffix."""
    stem, suffix = os.path.splitext(name)
    return stem if suffix.lower() in (*images.SUFFIXES, *VIDEO_SUFFIXES) else name


def _ends(directory: str) -> list[str]:
    """`a/b/c`, `b/c` and `c`; nothing of the root."""
    parts = directory.split("/") if directory else []
    return ["/".join(parts[start:]) for start in range(len(parts))]


def _of_one(place: int) -> np.ndarray:
    return np.array([place], np.uint32)  # of another type it would make numpy copy the others


def _common(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """What two ascending arrays of places share."""
    few, many = sorted((one, other), key=len)
    if not len(few):
        return few
    return few[many[np.minimum(np.searchsorted(many, few), len(many) - 1)] == few]


def _joined(directory: str, base: str) -> str:
    return f"{directory}/{base}" if directory else base


def _hash(key: str) -> int:
    """The same in each process; `hash` is not."""
    encoded = key.encode(errors="backslashreplace")
    return int.from_bytes(hashlib.blake2b(encoded, digest_size=8).digest(), "big")


def unpaired_name(code: str, key: str, file: str) -> str:
    """What an input without partner is called: a row of a table by the image that it names."""
    named = code == "no_image" and _stem_of_any(file) != key
    return key if named else file


def nearest_miss(missing: Sequence[str], unused: Sequence[str]) -> str | None:
    """In words, the best guess at an image and an annotation that should have found each other.

    Args:
        missing: names of images without annotation.
        unused: names of annotations without image, or of images that annotations name.
    """
    for rule, normalised in _LIKENESSES:
        by_likeness = {normalised(_stem_of_any(name)): name for name in sorted(unused)}
        for name in sorted(missing):
            other = by_likeness.get(normalised(_stem_of_any(name)))
            if other not in (None, name):
                return f"{name} has no annotation; {other} differs by {rule}"
    return None


def _stem_of_any(name: str) -> str:
    stem, suffix = os.path.splitext(name)
    return stem if suffix.lower() in (*images.SUFFIXES, *VIDEO_SUFFIXES, *TABLES) else name


_QUOTES = re.compile("[\"'`\u2018\u2019\u201c\u201d]")


def _unquoted(text: str) -> str:
    plain = _QUOTES.sub("", text)
    return text if plain == text else _stem_of_any(plain)


def _numbered(text: str) -> str:
    return re.sub(r"0*(\d+)", r"\1", text)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


_LIKENESSES = (
    ("the form of its accents (Unicode)", _composed),
    ("case", lambda text: _composed(text).casefold()),
    ("quotation marks", _unquoted),
    ("blanks, dashes or underscores", lambda text: re.sub(r"[\s_-]+", "", text.casefold())),
    ("leading zeros", lambda text: _numbered(text.casefold())),
    ("its directory", lambda text: text.rpartition("/")[2]),
    ("its directory and case", lambda text: text.rpartition("/")[2].casefold()),
    ("a second suffix", lambda text: text.casefold().rpartition("/")[2].partition(".")[0]),
)
"""By what two names may differ, and what is then left of both, the likeliest first."""
