"""`Animator`: photos and expressions in, edited photos out, whichever model does it."""

import pathlib
import typing
from collections.abc import Iterator, Mapping

import numpy as np

from ganimation_tf import expression_parsing
from ganimation_tf.animation import models
from ganimation_tf.animation import timeline as timelines
from ganimation_tf.animation.compose import Composer, Edit
from ganimation_tf.animation.models import FaceModel
from ganimation_tf.animation.pictures import crop_of, require_picture, to_picture
from ganimation_tf.animation.support import face_support
from ganimation_tf.animation.timeline import Timeline
from ganimation_tf.animation.wanted import Wanted, expression_of, source_vector
from ganimation_tf.errors import UserError, require
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.expressions import Expression
from ganimation_tf.faces import alignment, finding
from ganimation_tf.faces.finding import Face, FaceFinder


class Animator:
    """Edits faces with one model; use it as a context manager if the model is served.

        >>> animator = gan.Animator.from_run(run)  # or pretrained(), from_export, from_server
        >>> face = gan.render_face({})
        >>> crop, _ = gan.align_face(face.image, face.landmarks, animator.image_size)
        >>> animator.edit(crop, {"AU12": 0.8}).shape == crop.shape
        True

    `edit_photo` does the same in a whole photo, in which it finds the face.

    Pictures are uint8 (height, width, 3) RGB, AUs float in [0, 1] in the order of `action_units`.
    Where a method takes `image`, one of exactly `image_size` x `image_size` pixels is a face crop,
    any other a photo in which the largest face is meant. Not to be shared between threads.

    Args:
        model: see `models`.
        finder: finds faces in photos; None loads one when it is first needed.
    """

    def __init__(self, model: FaceModel, finder: FaceFinder | None = None):
        self._model = model
        self._finder = finder

    @classmethod
    def pretrained(cls) -> "Animator":
        """With the weights that come with the package.

        Raises:
            UserError: if they are not there.
        """
        from ganimation_tf.animation import pretrained

        return cls(pretrained.load())

    @classmethod
    def from_run(cls, path: pathlib.Path | str) -> "Animator":
        """With the networks of a training run (extra `train`)."""
        return cls(models.open_run(path))

    @classmethod
    def from_export(cls, path: pathlib.Path | str) -> "Animator":
        """With an exported version, or the newest of a model directory."""
        return cls(models.open_export(path))

    @classmethod
    def from_server(cls, address: str, model_name: str | None = None, **options) -> "Animator":
        """With a served model (extra `client`).

        Args:
            address: HOST:PORT.
            model_name: the name under which it is served.
            options: `timeout` and `tls`, as `GanimationClient` takes them.
        """
        require("grpc", "client")
        from serving.client.sync import GanimationClient

        named: dict[str, typing.Any] = {"model_name": model_name} if model_name else {}
        return cls(models.open_server(GanimationClient(address, **named, **options)))

    def __enter__(self) -> "Animator":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection of a served model."""
        self._model.close()

    @property
    def card(self) -> ModelCard:
        """What is known of the model, with its AU names, crop, training and version."""
        return self._model.card

    @property
    def image_size(self) -> int:
        """Side of a face crop in pixels."""
        return self.card.crop.size

    @property
    def action_units(self) -> tuple[str, ...]:
        """The names of the model's AUs."""
        return tuple(self.card.action_units)

    @property
    def finder(self) -> FaceFinder:
        """What finds faces in photos."""
        if self._finder is None:
            self._finder = FaceFinder()
        return self._finder

    def expression(self, wanted: Wanted) -> Expression:
        """What is wanted, in whichever form, as an `Expression` of this model's AUs."""
        return expression_of(wanted, self.action_units)

    def edit(
        self,
        image: np.ndarray,
        wanted: Wanted,
        source: np.ndarray | Mapping[str, float] | None = None,
    ) -> np.ndarray:
        """A face crop with another expression.

        Args:
            image: uint8 (S, S, 3), an upright crop of `image_size` as `align_face` makes it.
            wanted: AUs that are not named stay as they are.
            source: float (N,) in [0, 1], or a mapping by name: the AUs that it shows; None:
                they are estimated.

        Returns:
            uint8 (S, S, 3); the input itself where nothing changes.

        Raises:
            ValueError: if the picture has another shape or type.
        """
        crop = crop_of(image, self.image_size)
        source = (
            self.estimate(image) if source is None else source_vector(source, self.action_units)
        )
        target = self.expression(wanted).target(source, self.action_units)
        (edit,) = self.render(crop[None], source[None], target[None])
        return to_picture(edit.image)

    def render(self, crops: np.ndarray, source: np.ndarray, target: np.ndarray) -> Iterator[Edit]:
        """The model's edits of crops, float32 (B, S, S, 3) in [0, 1]; see `models.FaceModel`."""
        return self._model.render(
            np.asarray(crops, np.float32),
            np.asarray(source, np.float32),
            np.asarray(target, np.float32),
        )

    def find(self, photo: np.ndarray, face: str = "largest", where: str = "photo") -> list[Face]:
        """The faces of a photo that are meant; see `finding.choose`.

        Raises:
            UserError: if there is none.
        """
        require_picture(photo)
        return finding.choose(self.finder.find(photo), face, where)

    def composer(self, photo: np.ndarray, face: Face) -> Composer:
        """What puts edits of this face back into the photo."""
        transform = alignment.crop_transform(face.anchors, self.card.crop)
        inverse = np.linalg.inv(np.vstack([transform, [0, 0, 1]]))[:2]
        points = face.points[:, :2] @ inverse[:, :2].T + inverse[:, 2]
        return Composer(photo, transform, self.card.crop, face_support(self.card.crop, points))

    def edit_photo(self, photo: np.ndarray, wanted: Wanted, face: str = "largest") -> np.ndarray:
        """A photo in which a face shows another expression; the rest is the photo's own pixels.

        Args:
            face: `largest`, `all`, a number from 1 (the largest), or `X,Y`.

        Raises:
            UserError: if no such face is found.
        """
        goal = self.expression(wanted)
        edited = photo.copy()
        for one in self.find(photo, face):
            composer = self.composer(photo, one)
            source = self.estimate_crop(composer.crop)
            target = goal.target(source, self.action_units)
            (edit,) = self.render(composer.crop[None], source[None], target[None])
            composer.put_back(edit, onto=edited)
        return edited

    def estimate(self, image: np.ndarray) -> np.ndarray:
        """The AUs that a face shows, float32 (N,) in [0, 1]."""
        if self.is_crop(image):
            return self.estimate_crop(crop_of(image, self.image_size))
        (face,) = self.find(image)
        return self.estimate_crop(self.composer(image, face).crop)

    def estimate_crop(self, crop: np.ndarray) -> np.ndarray:
        """The AUs that a crop, float32 (S, S, 3) in [0, 1], shows."""
        return self._model.estimate(crop[None])[0]

    def doubt(self, crop: np.ndarray, source: np.ndarray) -> np.ndarray:
        """How far apart the readings of a crop and of its mirror image lie, float32 (N,).

        They show the same AUs; what the model reads differently it is not sure of.
        """
        return np.abs(self.estimate_crop(np.ascontiguousarray(crop[:, ::-1])) - source)

    def neutralise(self, image: np.ndarray) -> np.ndarray:
        """The face at rest: every AU 0."""
        rest = Expression(neutral=True)
        return self.edit(image, rest) if self.is_crop(image) else self.edit_photo(image, rest)

    def sweep(self, image: np.ndarray, au: str, steps: int = 5) -> list[np.ndarray]:
        """The face with one AU at `steps` intensities from 0 to 1, both of them among these.

        Raises:
            UserError: if `steps` is less than 2, or the model has no such AU.
        """
        if steps < 2:
            raise UserError(f"steps must be at least 2, got {steps}")
        name = expression_parsing.canonical(au, self.action_units)
        ends = (
            timelines.KeyFrame(value, self.expression({name: value}), "linear")
            for value in (0.0, 1.0)
        )
        timeline = timelines.Timeline(tuple(ends))
        return list(self.animate(image, timeline, frames_per_second=steps - 1))

    def animate(
        self, image: np.ndarray, timeline: Timeline | Wanted, frames_per_second: float = 12.5
    ) -> Iterator[np.ndarray]:
        """The frames of an animation, each of the picture's size.

        Args:
            timeline: key frames; an expression is gone to and back from within two seconds.
        """
        if not isinstance(timeline, Timeline):
            frames = max(2, round(2 * frames_per_second))
            timeline = timelines.there_and_back(
                self.expression(timeline), frames, frames_per_second
            )
        composer = None if self.is_crop(image) else self.composer(image, *self.find(image))
        crop = composer.crop if composer else crop_of(image, self.image_size)
        source, times = self.estimate_crop(crop), timeline.times(frames_per_second)
        units = timeline.units(source, self.action_units, times)
        for edit in self.edits(crop, source, units):
            yield composer.put_back(edit) if composer else to_picture(edit.image)

    def edits(self, crop: np.ndarray, source: np.ndarray, units: np.ndarray) -> Iterator[Edit]:
        """An edit of one crop for each row of AUs; arguments as `models.edits_over_time`."""
        return models.edits_over_time(self._model, crop, source, units)

    def is_crop(self, image: np.ndarray) -> bool:
        """Whether a picture has the size of a face crop."""
        return np.shape(image) == (self.image_size, self.image_size, 3)
