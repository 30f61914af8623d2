"""The TFRecord framing: length, its checksum, data, its checksum; no TensorFlow needed.

Written and read as TensorFlow does (tensorflow/core/lib/io/record_writer.h): integers are little
endian, checksums are CRC-32C, rotated and shifted ("masked") so that data which holds checksums
does not collide with its own.
"""

import struct
from collections.abc import Iterator
from typing import Any, BinaryIO, Protocol

import google_crc32c

_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")

HEADER_BYTES = _LENGTH.size + _CHECKSUM.size
FOOTER_BYTES = _CHECKSUM.size
"""What stands before and after the data of each record."""


class Sink(Protocol):
    """Whatever bytes can be written to."""

    def write(self, data: bytes, /) -> Any:
        """Takes them."""


def masked_checksum(data: bytes) -> int:
    """The masked CRC-32C of `data`."""
    checksum = google_crc32c.value(data)
    return (((checksum >> 15) | (checksum << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def write(file: Sink, data: bytes) -> None:
    """Appends one record to `file`."""
    length = _LENGTH.pack(len(data))
    file.write(length + _CHECKSUM.pack(masked_checksum(length)))
    file.write(data)
    file.write(_CHECKSUM.pack(masked_checksum(data)))


def read(file: BinaryIO) -> Iterator[bytes]:
    """The records of `file`, each with both of its checksums verified.

    Raises:
        ValueError: naming the record (from 0) that is cut short or damaged.
    """
    number = 0
    while header := file.read(_LENGTH.size + _CHECKSUM.size):
        if len(header) < _LENGTH.size + _CHECKSUM.size:
            raise ValueError(f"TFRecord {number}: file ends inside the length")
        length = header[: _LENGTH.size]
        if masked_checksum(length) != _CHECKSUM.unpack(header[_LENGTH.size :])[0]:
            raise ValueError(f"TFRecord {number}: checksum of the length does not match")
        size = _LENGTH.unpack(length)[0]
        data = file.read(size)
        checksum = file.read(_CHECKSUM.size)
        if len(data) < size or len(checksum) < _CHECKSUM.size:
            raise ValueError(f"TFRecord {number}: file ends inside its {size} bytes")
        if masked_checksum(data) != _CHECKSUM.unpack(checksum)[0]:
            raise ValueError(f"TFRecord {number}: checksum of the data does not match")
        yield data
        number += 1
