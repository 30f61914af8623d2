"""Encoded pictures to pixels inside the TensorFlow graph, refused before they can do harm.

A header of a few bytes can claim any size, and a decoder allocates what it claims; so the size is
read from the header and checked first. Only JPEG and PNG are let in. TensorFlow's decoder knows
GIF too, but unpacks all frames of a file before anyone can ask how many there are.
"""

import tensorflow as tf

from ganimation_tf.export.signature import IMAGE_BYTES, MAX_PIXELS

_PNG = tuple(b"\x89PNG\r\n\x1a\n")
_PNG_FIRST_CHUNK = tuple(b"IHDR")
_JPEG = (0xFF, 0xD8, 0xFF)
_PNG_HEADER_BYTES = 24
"""A PNG: 8 bytes of magic; length and name of the first chunk; width and height, big endian."""


def decode_pictures(encoded: tf.Tensor, size: int) -> tf.Tensor:
    """JPEG or PNG (B,) to float32 (B, size, size, 3) in [0, 1]; other sizes are resampled.

    Raises, when the graph runs:
        tf.errors.InvalidArgumentError: for another format, a damaged picture or too many pixels.
    """
    return tf.map_fn(lambda data: _decode(data, size), encoded, fn_output_signature=tf.float32)


def _decode(encoded: tf.Tensor, size: int) -> tf.Tensor:
    header, is_jpeg = _recognize(encoded)
    with tf.control_dependencies([header]):
        shape = tf.cond(is_jpeg, lambda: _jpeg_size(encoded), lambda: _png_size(header))
    height, width = shape[0], shape[1]
    # A product could overflow: a PNG's sides have 32 bits each.
    small = width <= MAX_PIXELS // tf.maximum(height, 1)
    rule = f"{IMAGE_BYTES} must be a picture of at most {MAX_PIXELS} pixels; got width and height:"
    with tf.control_dependencies([tf.debugging.Assert(small, [rule, width, height])]):
        image = tf.io.decode_image(tf.identity(encoded), channels=3, expand_animations=False)
    image.set_shape((None, None, 3))
    image = tf.image.resize(image, (size, size), antialias=True)
    return image / 255.0


def _recognize(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The first bytes, int64 (24,), zeros where the file is shorter; whether it is a JPEG.

    What is neither JPEG nor PNG fails here.
    """
    begin = tf.strings.substr(encoded, 0, _PNG_HEADER_BYTES) + b"\0" * _PNG_HEADER_BYTES
    header = tf.io.decode_raw(tf.strings.substr(begin, 0, _PNG_HEADER_BYTES), tf.uint8)
    header = tf.cast(tf.ensure_shape(header, (_PNG_HEADER_BYTES,)), tf.int64)
    is_jpeg = tf.reduce_all(header[:3] == _JPEG)
    is_png = tf.reduce_all(header[:8] == _PNG) & tf.reduce_all(header[12:16] == _PNG_FIRST_CHUNK)
    rule = f"{IMAGE_BYTES} must be JPEG or PNG; got a file of this length and these first bytes:"
    length = tf.strings.length(encoded)
    known = tf.debugging.Assert(is_jpeg | is_png, [rule, length, header[:8]], summarize=8)
    with tf.control_dependencies([known]):
        return tf.identity(header), is_jpeg


def _jpeg_size(encoded: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.io.extract_jpeg_shape(encoded)[:2], tf.int64)


def _png_size(header: tf.Tensor) -> tf.Tensor:
    powers = tf.constant([2**24, 2**16, 2**8, 1], tf.int64)
    width = tf.reduce_sum(header[16:20] * powers)
    height = tf.reduce_sum(header[20:24] * powers)
    return tf.stack([height, width])
