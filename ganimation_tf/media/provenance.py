"""Pictures that say what they are: synthetic media, made by which model, from which AUs.

The statement is an XMP packet with the properties of the IPTC Photo Metadata Standard 2025.1. It
is put into the finished file; the pixels are not touched. Where it goes in each format is written
in Adobe's XMP specification, part 3.

By hand, because no library of Python's writes all of these formats: exiv2 (pyexiv2) writes no GIF
and no MP4, Pillow neither, and Exempi (python-xmp-toolkit) is not in its wheel.
"""

import dataclasses
import io
import os
import pathlib
import re
import struct
import zlib
from collections.abc import Mapping
from typing import BinaryIO
from xml.sax.saxutils import escape

from ganimation_tf import __version__, files
from ganimation_tf.errors import UserError
from ganimation_tf.media import webp

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's term for a picture of which a part came out of a trained model."""

_NAMESPACES = {
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xmp": "http://ns.adobe.com/xap/1.0/",
}
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 forbids, section 2.2; names come from a server's card."""

MAX_PACKET_BYTES = 65_502
"""What a JPEG has room for."""

_MP4_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclasses.dataclass(frozen=True)
class Provenance:
    """What a picture came from.

    Attributes:
        model_name, model_version: of the export, as its card has them.
        action_units: the wanted intensities by name, in [0, 1].

    Raises:
        UserError: if the statement is longer than `MAX_PACKET_BYTES`.
    """

    model_name: str
    model_version: int
    action_units: Mapping[str, float]

    def __post_init__(self):
        if (size := len(self.packet())) > MAX_PACKET_BYTES:
            raise UserError(
                f"what a file says of its origin must have at most {MAX_PACKET_BYTES} bytes, "
                f"got {size} with {len(self.action_units)} AUs"
            )

    @classmethod
    def of(cls, card, action_units) -> "Provenance":
        """That of a picture which the model of `card` made for this AU vector (N,)."""
        named = dict(zip(card.action_units, map(float, action_units), strict=True))
        return cls(card.model_name, card.version, named)

    def packet(self) -> bytes:
        """The XMP packet, UTF-8."""
        units = " ".join(f"{name}={value:.2f}" for name, value in self.action_units.items())
        properties = {
            "Iptc4xmpExt:DigitalSourceType": SOURCE_TYPE,
            "Iptc4xmpExt:AISystemUsed": self.model_name,
            "Iptc4xmpExt:AISystemVersionUsed": str(self.model_version),
            "Iptc4xmpExt:AIPromptInformation": units,
            "xmp:CreatorTool": f"ganimation-tf {__version__}",
        }
        summary = (
            f"Synthetic media: the expression of this face was made by the model "
            f"{self.model_name}, version {self.model_version}, for {units}"
        )
        lines = [f"<{name}>{_text(text)}</{name}>" for name, text in properties.items()]
        names = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _NAMESPACES.items())
        text = (
            '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
            f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {names}>'
            f'<rdf:Description rdf:about="">{"".join(lines)}<dc:description><rdf:Alt>'
            f'<rdf:li xml:lang="x-default">{_text(summary)}</rdf:li>'
            "</rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
            '<?xpacket end="r"?>'
        )
        return text.encode()


def _text(text: str) -> str:
    return escape(_NO_XML.sub("", text))


def label(encoded: bytes, provenance: Provenance) -> bytes:
    """The same picture or video with the statement in it.

    Args:
        encoded: a PNG, JPEG, GIF, MP4 or animated WebP.

    Raises:
        ValueError: if it is none of these.
    """
    file = io.BytesIO(encoded)
    _label(file, provenance.packet())
    return file.getvalue()


def label_file(path: pathlib.Path, provenance: Provenance) -> None:
    """Labels a file where it lies; a GIF, MP4 or WebP is not read for it, however long it is.

    Raises:
        OSError: if it cannot be written.
        ValueError: as `label`.
    """
    with path.open("r+b") as file:
        _label(file, provenance.packet())


def _label(file: BinaryIO, packet: bytes) -> None:
    start = file.read(24)
    if start.startswith(_PNG):
        # Keyword, no compression (two zeros), no language, no translated keyword.
        text = b"iTXt" + b"XML:com.adobe.xmp\0" + b"\0\0" + b"\0" + b"\0" + packet
        framed = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
        _insert(file, len(_PNG) + 25, framed)  # after the header, which is the first chunk
    elif start.startswith(b"\xff\xd8\xff"):
        content = b"http://ns.adobe.com/xap/1.0/\0" + packet
        jfif = start[2:4] == b"\xff\xe0"  # its own segment stays first
        place = 4 + struct.unpack(">H", start[4:6])[0] if jfif else 2
        _insert(file, place, b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content)
    elif start.startswith(b"GIF89a"):
        file.seek(-1, os.SEEK_END)  # the byte that ends it
        _insert(file, file.tell(), _gif_block(packet))
    elif start[8:16] == b"WEBPVP8X":
        _append_to_webp(file, start[20], packet)
    elif start[4:8] == b"ftyp":
        box = b"uuid" + _MP4_XMP + packet
        file.seek(0, os.SEEK_END)
        file.write(struct.pack(">I", 4 + len(box)) + box)
    else:
        kinds = "PNG, JPEG, GIF, MP4 and animated WebP"
        raise ValueError(f"only {kinds} are labelled, got {start[:12]!r}...")


def _insert(file: BinaryIO, place: int, content: bytes) -> None:
    file.seek(place)
    rest = file.read()
    file.seek(place)
    file.write(content + rest)


def _gif_block(packet: bytes) -> bytes:
    # Not cut into GIF's sub-blocks: a reader that skips blocks by their length lands, from any
    # byte of the text, in the run 255 ... 0, whose every byte leads to its end.
    return b"\x21\xff\x0bXMP DataXMP" + packet + bytes([1, *range(255, -1, -1), 0])


def _append_to_webp(file: BinaryIO, flags: int, packet: bytes) -> None:
    # The flag in the first chunk, VP8X, that there is XMP, and the chunk itself at the end.
    file.seek(20)
    file.write(bytes([flags | webp.XMP]))
    file.seek(0, os.SEEK_END)
    file.write(webp.chunk(b"XMP ", packet))
    webp.end_riff(file)


def save(path: pathlib.Path, encoded: bytes, provenance: Provenance | None) -> None:
    """Writes a picture or video whole or not at all, labelled unless `provenance` is None.

    Raises:
        UserError: if it cannot be written.
    """
    path = pathlib.Path(path)
    data = encoded if provenance is None else label(encoded, provenance)
    files.write_whole(path, data)
