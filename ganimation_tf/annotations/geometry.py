"""One face of a photo as a crop, or the reason why it makes none.

Where a face is: its anchors if the annotation has them, else its landmarks, else what a detector
finds, if one was asked for, else the annotation's box.
"""

import dataclasses

import cv2
import numpy as np

from ganimation_tf.annotations.face import FaceAnnotation
from ganimation_tf.annotations.fit import GeometryError, require_face, require_same_picture
from ganimation_tf.faces import alignment, sampling
from ganimation_tf.faces.decoded import Decoded

SHARPNESS_SIDE = 128
"""Side in pixels of the crop whose sharpness is measured, whatever the size of the records."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a face must be like; each default lets every face pass.

    Attributes:
        min_face_size: side of the crop in pixels of the photo.
        max_roll: turn in the picture plane in degrees, either way.
        max_yaw: turn of the head to the side in degrees, where the annotation knows it.
        max_pitch: nod of the head in degrees, where the annotation knows it.
        max_outside: share of the crop that lies outside the photo.
        min_sharpness: as `sharpness` measures it.
    """

    min_face_size: float = 0.0
    max_roll: float = 180.0
    max_yaw: float = 180.0
    max_pitch: float = 180.0
    max_outside: float = 1.0
    min_sharpness: float = 0.0


def sharpness(crop: np.ndarray) -> float:
    """Variance of the Laplacian of the luminance, in squared levels of 0 to 255.

    On crops of 128 pixels at a margin of 0.15, the 1370 faces of a real annotation run lie
    between 164 and 3397 (median 556); reduced to half their size and enlarged again between 36
    and 403 (106), to a quarter between 7 and 58 (20).

    Args:
        crop: uint8 (height, width, 3).
    """
    return float(cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


@dataclasses.dataclass(frozen=True)
class Geometry:
    """How faces become crops; plain values, since it is sent to workers.

    Attributes:
        crop: size and margin.
        limits: which faces are refused.
        detector: `none` or `mtcnn`.
    """

    crop: alignment.CropSpec = alignment.CropSpec()
    limits: Limits = Limits()
    detector: str = "none"

    def load(self) -> None:
        """Loads the detector, so that it is done once for each worker and not in a photo's time."""
        if self.detector != "none":
            from ganimation_tf.faces import detector  # TensorFlow comes with it

            detector.load()

    def anchors(self, face: FaceAnnotation) -> np.ndarray | None:
        """Eyes and mouth as the annotation has them, checked as far as that goes without pixels.

        Returns:
            float64 (3, 2) as `faces.ANCHORS`; None if the detector must look at the photo.

        Raises:
            GeometryError: if there is nothing to go by, or the face is outside the limits.
        """
        limits = self.limits
        if face.pose is not None:
            for name, value, most in (
                ("pitch", face.pose[0], limits.max_pitch),
                ("yaw", face.pose[1], limits.max_yaw),
            ):
                if abs(value) > most:
                    message = f"{name} of {value:.0f} degrees is beyond {most:g}"
                    raise GeometryError("turned_away", message)
        try:
            if face.anchors is not None:
                anchors = face.anchors
            elif face.landmarks is not None:
                anchors = alignment.anchors_from_landmarks(face.landmarks)
                require_face(face.landmarks, anchors)
            elif self.detector != "none":
                return None
            elif face.box is not None:
                anchors = alignment.anchors_from_box(face.box)
            else:
                message = "has neither landmarks nor a box; --detector mtcnn looks for the face"
                raise GeometryError("no_landmarks", message)
        except GeometryError:
            raise
        except ValueError as error:
            raise GeometryError("bad_geometry", str(error)) from None
        return anchors

    def detected(self, face: FaceAnnotation, pixels: np.ndarray, alone: bool) -> np.ndarray:
        """Eyes and mouth as the detector sees them.

        Args:
            face: has no landmarks.
            pixels: uint8 (height, width, 3), the whole photo.
            alone: whether the annotation has no other face of this photo.

        Returns:
            float64 (3, 2).

        Raises:
            GeometryError: if the detector finds no face, or it cannot be told which one is meant.
        """
        from ganimation_tf.faces import detector

        faces = detector.find_faces(pixels)
        if not faces:
            raise GeometryError("not_detected", f"{self.detector} finds no face in the photo")
        box = face.box
        if box is not None:
            best = max(faces, key=lambda other: detector.overlap(other.box, box))
            if not detector.overlap(best.box, box) > 0:
                message = f"none of the faces that {self.detector} finds is in the annotated box"
                raise GeometryError("not_detected", message)
        elif not alone:
            message = "several annotated faces without box or landmarks: which is which?"
            raise GeometryError("no_landmarks", message)
        else:
            best = max(faces, key=lambda other: other.box[2] * other.box[3])
        return alignment.anchors_from_five_points(best.points)

    def transform(self, anchors: np.ndarray) -> np.ndarray:
        """Crop pixel -> source pixel, float64 (2, 3).

        Raises:
            GeometryError: if the face is too small, too far turned or no face.
        """
        try:
            transform = alignment.crop_transform(anchors, self.crop)
        except ValueError as error:
            raise GeometryError("bad_geometry", str(error)) from None
        side = alignment.scale_of(transform) * (self.crop.size - 1) + 1
        if side < self.limits.min_face_size:
            message = f"the crop is {side:.0f} pixels wide, less than {self.limits.min_face_size:g}"
            if ((anchors >= 0) & (anchors <= 1)).all():
                message += "; fractions of the picture are no pixels: multiply by its width, height"
            raise GeometryError("too_small", message)
        roll = alignment.roll_of(transform)
        if abs(roll) > self.limits.max_roll:
            message = f"roll of {roll:.0f} degrees is beyond {self.limits.max_roll:g}"
            raise GeometryError("turned_away", message)
        return transform

    def useful_scale(self, transform: np.ndarray) -> float:
        """How much smaller the photo may be decoded without loss to the crop."""
        finest = self.crop.size
        if self.limits.min_sharpness > 0:
            finest = max(finest, SHARPNESS_SIDE)
        return alignment.scale_of(transform) * (self.crop.size - 1) / (finest - 1)

    def cut(
        self, face: FaceAnnotation, decoded: Decoded, anchors: np.ndarray, transform: np.ndarray
    ) -> np.ndarray:
        """The crop, uint8 (size, size, 3).

        Args:
            face: what the annotator says.
            decoded: the photo, or a reduced copy of it.
            anchors: float64 (3, 2) in pixels of the photo.
            transform: float64 (2, 3), what `transform` made of them.

        Raises:
            GeometryError: if the face is outside the photo or outside the limits, or was measured
                on another picture.
        """
        require_same_picture(face, decoded, alignment.roll_of(transform))
        height, width = decoded.shape
        if not ((anchors >= -0.5) & (anchors <= [width - 0.5, height - 0.5])).all():
            points = " ".join(f"({x:.0f}, {y:.0f})" for x, y in anchors)
            message = f"eyes and mouth at {points} must lie inside the {width} x {height} image"
            raise GeometryError("outside_image", message)
        outside = sampling.outside_fraction(transform, self.crop.size, decoded.shape)
        if outside > self.limits.max_outside:
            message = f"{outside:.0%} of the crop lie outside, more than "
            raise GeometryError("cut_off", f"{message}{self.limits.max_outside:.0%}")
        try:
            crop = alignment.crop(decoded.pixels, transform, self.crop.size, decoded.reduction)
        except ValueError as error:
            raise GeometryError("bad_geometry", str(error)) from None
        if self.limits.min_sharpness > 0:
            self._require_sharp(decoded, anchors)
        return crop

    def _require_sharp(self, decoded: Decoded, anchors: np.ndarray) -> None:
        spec = alignment.CropSpec(SHARPNESS_SIDE, self.crop.margin)
        transform = alignment.crop_transform(anchors, spec)
        value = sharpness(alignment.crop(decoded.pixels, transform, spec.size, decoded.reduction))
        if value < self.limits.min_sharpness:
            message = f"sharpness {value:.1f} is below {self.limits.min_sharpness:g}"
            raise GeometryError("blurred", message)
