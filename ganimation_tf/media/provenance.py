"""Pictures that say what they are: synthetic media, made by which model, from which AUs.

The statement is an XMP packet with the properties of the IPTC Photo Metadata Standard 2025.1. It
is put into the finished file; the pixels are not touched. Where it goes in each format is written
in Adobe's XMP specification, part 3.

By hand, because no library of Python's writes all of these formats: exiv2 (pyexiv2) writes no GIF
and no MP4, Pillow neither, and Exempi (python-xmp-toolkit) is not in its wheel.
"""

import dataclasses
import pathlib
import re
import struct
import zlib
from collections.abc import Mapping
from xml.sax.saxutils import escape

from ganimation_tf import __version__, files
from ganimation_tf.errors import UserError

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
    packet = provenance.packet()
    if encoded.startswith(_PNG):
        return _label_png(encoded, packet)
    if encoded.startswith(b"\xff\xd8\xff"):
        return _label_jpeg(encoded, packet)
    if encoded.startswith(b"GIF89a"):
        return _label_gif(encoded, packet)
    if encoded[8:16] == b"WEBPVP8X":
        return _label_webp(encoded, packet)
    if encoded[4:8] == b"ftyp":
        return encoded + _mp4_box(packet)
    kinds = "PNG, JPEG, GIF, MP4 and animated WebP"
    raise ValueError(f"only {kinds} are labelled, got {encoded[:12]!r}...")


def _mp4_box(packet: bytes) -> bytes:
    box = b"uuid" + _MP4_XMP + packet
    return struct.pack(">I", 4 + len(box)) + box


def label_mp4_file(path: pathlib.Path, provenance: Provenance) -> None:
    """Labels an MP4 where it lies, however long it is.

    Raises:
        OSError: if it cannot be written.
    """
    with path.open("ab") as file:
        file.write(_mp4_box(provenance.packet()))


def _label_webp(encoded: bytes, packet: bytes) -> bytes:
    # The flag in the first chunk, VP8X, that there is XMP, and the chunk itself at the end.
    chunk = b"XMP " + struct.pack("<I", len(packet)) + packet + b"\0" * (len(packet) % 2)
    flagged = encoded[:20] + bytes([encoded[20] | 0x04]) + encoded[21:] + chunk
    return flagged[:4] + struct.pack("<I", len(flagged) - 8) + flagged[8:]


def _label_png(encoded: bytes, packet: bytes) -> bytes:
    # Keyword, no compression (two zeros), no language, no translated keyword.
    chunk = b"iTXt" + b"XML:com.adobe.xmp\0" + b"\0\0" + b"\0" + b"\0" + packet
    framed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    end = len(_PNG) + 25  # after the header, which is the first chunk
    return encoded[:end] + framed + encoded[end:]


def _label_jpeg(encoded: bytes, packet: bytes) -> bytes:
    content = b"http://ns.adobe.com/xap/1.0/\0" + packet
    end = 2
    if encoded[2:4] == b"\xff\xe0":  # JFIF's own segment stays first
        end = 4 + struct.unpack(">H", encoded[4:6])[0]
    return (
        encoded[:end] + b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content + encoded[end:]
    )


def _label_gif(encoded: bytes, packet: bytes) -> bytes:
    # Not cut into GIF's sub-blocks: a reader that skips blocks by their length lands, from any
    # byte of the text, in the run 255 ... 0, whose every byte leads to its end.
    trailer = bytes([1, *range(255, -1, -1), 0])
    block = b"\x21\xff\x0bXMP DataXMP" + packet + trailer
    flags = encoded[10]
    end = 13 + (3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0)
    if encoded[end + 3 : end + 14] == b"NETSCAPE2.0":  # the number of repetitions stays first
        end += 19
    return encoded[:end] + block + encoded[end:]


def save(path: pathlib.Path, encoded: bytes, provenance: Provenance | None) -> None:
    """Writes a picture or video whole or not at all, labelled unless `provenance` is None.

    Raises:
        UserError: if it cannot be written.
    """
    path = pathlib.Path(path)
    data = encoded if provenance is None else label(encoded, provenance)
    files.write_whole(path, data)
