"""Picture files for the tests: good ones of each kind, and such as claim more than they hold."""

import io
import struct
import zlib

from PIL import Image


def file(kind: str, size: tuple[int, int] = (40, 20), color: str = "#30a0ff") -> bytes:
    """A picture of one color."""
    made = io.BytesIO()
    Image.new("RGB", size, color).save(made, kind)
    return made.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be so large."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    lines = chunk(b"IDAT", zlib.compress(bytes(1_000_000), 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + lines + chunk(b"IEND", b"")
