"""What is measured on: the faces of a split, and what each of them is asked to become."""

import dataclasses
import math
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from ganimation_tf.data import manifest as manifest_lib
from ganimation_tf.data import records, tfrecord
from ganimation_tf.errors import UserError, as_user_error
from ganimation_tf.faces import images as images_lib
from ganimation_tf.faces.alignment import CropSpec


@dataclasses.dataclass(frozen=True, eq=False)
class Samples:
    """Faces with known AUs.

    Attributes:
        images: uint8 (n, size, size, 3) RGB crops.
        action_units: float32 (n, N) in [0, 1].
        people: whom each face shows, (n,).
        keys: names of the faces, (n,).
        pairs: what the faces of one pair have in common, (n,); "" where there is none.
        names: the N AUs.
        crop: what the crops show.
        digest: that of the dataset.
    """

    images: np.ndarray
    action_units: np.ndarray
    people: Sequence[str]
    keys: Sequence[str]
    pairs: Sequence[str]
    names: tuple[str, ...]
    crop: CropSpec
    digest: str = ""

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: Sequence[int] | np.ndarray) -> "Samples":
        """The faces of some rows, in that order."""
        places = np.asarray(rows, int)
        return dataclasses.replace(
            self,
            images=self.images[places],
            action_units=self.action_units[places],
            people=[self.people[row] for row in rows],
            keys=[self.keys[row] for row in rows],
            pairs=[self.pairs[row] for row in rows],
        )


def load(
    directory: str | pathlib.Path, split: str = manifest_lib.EVAL, limit: int | None = None
) -> Samples:
    """The faces of a split of a dataset, in the order of their keys.

    Args:
        limit: at most so many, the same number of each person as far as that goes, and of a pair
            two or more.

    Raises:
        UserError: if the split is empty or cannot be read.
    """
    directory = pathlib.Path(directory)
    facts = manifest_lib.Manifest.load(directory)
    if not facts.records(split):
        raise UserError(f"{directory}: split {split!r} has no records")
    faces = []
    for shard in facts.splits[split]:
        with as_user_error(f"{directory / shard.file} cannot be read", OSError, ValueError):
            with open(directory / shard.file, "rb") as file:
                faces += [records.decode(serialized) for serialized in tfrecord.read(file)]
    faces.sort(key=lambda record: record.key)
    if limit is not None and limit < len(faces):
        faces = _spread(faces, limit)
    return Samples(
        images=np.stack([images_lib.decode(record.image) for record in faces]),
        action_units=np.stack([record.action_units for record in faces]),
        people=[record.subject for record in faces],
        keys=[record.key for record in faces],
        pairs=[record.pair or "" for record in faces],
        names=facts.action_units,
        crop=facts.crop,
        digest=facts.digest(),
    )


def _spread(faces: list[records.FaceRecord], limit: int) -> list[records.FaceRecord]:
    """`limit` records: person by person, two faces of a pair at a time, or one without."""
    groups: dict[tuple[str, str], list[records.FaceRecord]] = {}
    for record in faces:
        groups.setdefault((record.subject, record.pair or record.key), []).append(record)
    queues: dict[str, list[list[records.FaceRecord]]] = {}
    for (subject, _), members in groups.items():
        queues.setdefault(subject, []).extend(_by_two(members))
    chosen: list[records.FaceRecord] = []
    for turn in range(max(map(len, queues.values()))):
        for queue in queues.values():
            if turn < len(queue) and len(chosen) < limit:
                chosen += queue[turn]
    return sorted(chosen[:limit], key=lambda record: record.key)


def _by_two(members: list[records.FaceRecord]) -> Iterator[list[records.FaceRecord]]:
    """A pair's faces two by two, the last three together if they are odd."""
    count = max(1, len(members) // 2)
    for place in range(count):
        end = None if place == count - 1 else 2 * place + 2
        yield members[2 * place : end]


@dataclasses.dataclass(frozen=True, eq=False)
class Requests:
    """What is asked of a model.

    Attributes:
        sources: rows of the samples, int (m,): what is edited.
        targets: float32 (m, N): the AUs that it is to show.
        truths: rows of the samples, int (m,): what it is to look like; -1 where nobody knows.
        targets_from: names of the faces whose AUs the targets are, (m,).
    """

    sources: np.ndarray
    targets: np.ndarray
    truths: np.ndarray
    targets_from: Sequence[str]

    def __len__(self) -> int:
        return len(self.sources)


def requests(samples: Samples) -> Requests:
    """Each face once: to become the next of its pair, or to show the AUs of another person.

    If there are pairs, faces without one are left out.
    """
    partners = _next_of_pair(samples)
    if partners:
        sources, truths = (
            np.array(rows, int) for rows in zip(*sorted(partners.items()), strict=True)
        )
        targets_from = truths
    else:
        sources = np.arange(len(samples))
        truths = np.full(len(samples), -1)
        targets_from = _faces_of_others(samples)
    return Requests(
        sources=sources,
        targets=samples.action_units[targets_from],
        truths=truths,
        targets_from=[samples.keys[row] for row in targets_from],
    )


def _next_of_pair(samples: Samples) -> dict[int, int]:
    members: dict[str, list[int]] = {}
    for row in sorted(range(len(samples)), key=samples.keys.__getitem__):
        if samples.pairs[row]:
            members.setdefault(samples.pairs[row], []).append(row)
    return {
        row: rows[(place + 1) % len(rows)]
        for rows in members.values()
        if len(rows) > 1
        for place, row in enumerate(rows)
    }


def _faces_of_others(samples: Samples) -> np.ndarray:
    """For each face the row of one of another person, each row once; int (n,).

    Faces are ordered by person and moved on by the largest person's number of faces, so that no
    face meets its own person as long as nobody has more than half of all faces.
    """
    order = np.lexsort((np.asarray(samples.keys, str), np.asarray(samples.people, str)))
    _, counts = np.unique(np.asarray(samples.people, str), return_counts=True)
    others = np.empty(len(samples), int)
    others[order] = np.roll(order, -counts.max())
    return others


def fit_to(samples: Samples, names: Sequence[str], crop: CropSpec) -> tuple[Samples, list[str]]:
    """The samples as a model takes them: its AUs, in its order, and its crop.

    Returns:
        The samples, and a line for each thing that is not as in the dataset.

    Raises:
        UserError: if the dataset lacks an AU of the model, or shows less than the model's crop.
    """
    notes = []
    missing = [name for name in names if name not in samples.names]
    if missing:
        raise UserError(
            f"the dataset has no {missing[0]}, which the model takes: it has "
            f"{' '.join(samples.names)}; the model takes {' '.join(names)}"
        )
    if tuple(names) != samples.names:
        columns = [samples.names.index(name) for name in names]
        left = [name for name in samples.names if name not in names]
        samples = dataclasses.replace(
            samples, names=tuple(names), action_units=samples.action_units[:, columns]
        )
        notes.append(
            f"AUs are taken by name; the model has no {' '.join(left)}"
            if left
            else "AUs are taken by name: the model has them in another order"
        )
    if crop != samples.crop:
        notes.append(
            f"crops of {samples.crop.size} px with margin {samples.crop.margin:g} are made "
            f"{crop.size} px with margin {crop.margin:g}, as the model takes them"
        )
        samples = dataclasses.replace(samples, images=_recropped(samples, crop), crop=crop)
    return samples, notes


def _recropped(samples: Samples, crop: CropSpec) -> np.ndarray:
    """The images with less margin or another size, as `alignment.crop` of the photo shows them.

    A crop's corner pixels have their centres at the corners of what it shows.
    """
    have, want = (1 + 2 * spec.margin for spec in (samples.crop, crop))
    if want > have + 1e-9:
        raise UserError(
            f"the dataset's crops have margin {samples.crop.margin:g}, the model takes "
            f"{crop.margin:g}: what is outside of the crop is not known"
        )
    side = samples.crop.size
    scale = (side - 1) * want / have / (crop.size - 1)  # pixels of the images for one
    covered = crop.size * scale  # from edge to edge, which may be more than the side
    # So that the last pixels are averages of what lies on both sides of them.
    pad = math.ceil(max(0.0, covered - side) / 2 + 2 * max(1.0, scale))
    low, high = pad + (side - covered) / 2, pad + (side + covered) / 2

    def resized(image: np.ndarray) -> np.ndarray:
        around = ((pad, pad), (pad, pad), (0, 0))
        padded = np.pad(image.astype(np.int16), around, "reflect", reflect_type="odd")
        picture = Image.fromarray(np.clip(padded, 0, 255).astype(np.uint8))
        size, box = (crop.size, crop.size), (low, low, high, high)
        return np.asarray(picture.resize(size, Image.Resampling.BICUBIC, box))

    return np.stack([resized(image) for image in samples.images])
