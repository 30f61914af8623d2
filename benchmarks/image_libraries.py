"""CPU milliseconds per photo of each step of a crop, by image library.

    python benchmarks/image_libraries.py [--images 200] [--size 256]

Synthetic faces, one thread, process time, the fastest of five rounds after one that is not counted.
simplejpeg is measured if it is installed. `damaged` says what a library makes of a JPEG of which
the second half is missing.

Pillow stays: in the job, where reading annotations, cropping and encoding come on top, simplejpeg
would save an eighth to a fifth of the CPU time and OpenCV less. That is not worth a second decoder
beside the one that reads every other format that photos come in, says what is wrong with a damaged
file, and decodes large JPEGs at reduced size. (OpenCV 5 refuses half a JPEG, without a reason;
OpenCV 4 returned a picture with a grey lower half.) Crops are OpenCV's: less than half the time.
"""

import argparse
import importlib.util
import io
import time
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from PIL import Image

from ganimation_tf import synthetic
from ganimation_tf.faces import alignment, images

ROUNDS = 5


def milliseconds(step: Callable, items: Sequence) -> float:
    """CPU time of a step, per item."""
    times = []
    for _ in range(ROUNDS + 1):
        started = time.process_time()
        for item in items:
            step(item)
        times.append((time.process_time() - started) / len(items) * 1000)
    return min(times[1:])


def pillow_decode(encoded: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(encoded)))


def opencv_decode(encoded: bytes) -> np.ndarray:
    pixels = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError("cannot be decoded")
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def opencv_encode(pixels: np.ndarray) -> bytes:
    settings = [cv2.IMWRITE_JPEG_QUALITY, 95]
    settings += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), settings)[1].tobytes()


def pillow_crop(pixels: np.ndarray, transform: np.ndarray, size: int) -> np.ndarray:
    data = transform.ravel().tolist()
    image = Image.fromarray(pixels)
    return np.asarray(
        image.transform((size, size), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR)
    )


def opencv_crop(pixels: np.ndarray, transform: np.ndarray, size: int) -> np.ndarray:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(pixels, transform, (size, size), flags=flags)


def libraries() -> dict[str, tuple[Callable, Callable | None, Callable]]:
    """Decoder, cropper and encoder of each library."""
    ways = {
        "this package": (images.decode, None, images.encode_jpeg),
        "Pillow": (pillow_decode, pillow_crop, images.encode_jpeg),
        "OpenCV": (opencv_decode, opencv_crop, opencv_encode),
    }
    if importlib.util.find_spec("simplejpeg"):
        import simplejpeg

        def encode(pixels: np.ndarray) -> bytes:
            return simplejpeg.encode_jpeg(pixels, 95, colorsubsampling="444")

        ways["simplejpeg"] = (simplejpeg.decode_jpeg, None, encode)
    return ways


def damaged(decode: Callable, encoded: bytes) -> str:
    """What becomes of half a file."""
    try:
        shape = decode(encoded[: len(encoded) // 2]).shape
    except (ValueError, OSError) as error:  # each library has its own
        return f"refused ({type(error).__name__})"
    return f"taken for a picture of {shape[1]} x {shape[0]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--size", type=int, default=256)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    spec = alignment.CropSpec()
    photos, crops = [], []
    for number in range(args.images):
        identity, pose, units = synthetic.reproduce(1, number // 8, number % 8)
        face = synthetic.render(identity, units, args.size, pose)
        anchors = alignment.anchors_from_landmarks(face.landmarks)
        photos.append(images.encode_jpeg(face.image))
        crops.append((face.image, alignment.crop_transform(anchors, spec)))
    small = [opencv_crop(pixels, transform, spec.size) for pixels, transform in crops]
    print(f"{args.images} JPEGs of {args.size} px, CPU ms per photo\n")
    print(f"{'':16}{'decode':>8}{'crop':>8}{'encode':>8}  damaged")
    for name, (decode, crop, encode) in libraries().items():
        cut = (
            "-"
            if crop is None
            else f"{milliseconds(lambda c, f=crop: f(*c, spec.size), crops):.3f}"
        )
        times = f"{milliseconds(decode, photos):8.3f}{cut:>8}{milliseconds(encode, small):8.3f}"
        print(f"{name:16}{times}  {damaged(decode, photos[0])}")


if __name__ == "__main__":
    main()
