"""Files that are pictures, and files that are none."""

import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from notifier.errors import UsageError
from notifier.tray.picture import FILE_LIMIT, FORMATS, KEPT, SIDE_LIMIT, read_picture


@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_is_read_in_each_format_and_kept_small(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "icon"
    Image.new("RGB", (512, 256), "#336699").save(file, kind)
    picture = read_picture(file)
    assert picture.mode == "RGBA"
    assert max(picture.size) <= KEPT
    assert picture.getpixel((picture.width // 2, picture.height // 2))[3] == 255  # type: ignore[index]


def bomb(side: int) -> bytes:
    """A PNG that says it has `side` pixels a side, and has none."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "is no picture that can be read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "make it a PNG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "is no picture that can be read"),
        (bomb(100), "is no picture that can be read"),
        (bomb(SIDE_LIMIT + 1), "larger than 4096 pixels a side"),
        (bomb(200_000), "is no picture that can be read"),
        (bytes(FILE_LIMIT + 1), "is larger than 4 MiB"),
    ],
)
def test_what_is_no_picture_is_refused_in_a_sentence(data: bytes, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "icon.png"
    file.write_bytes(data)
    with pytest.raises(UsageError, match=complaint) as caught:
        read_picture(file)
    assert "icon.png" in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"tray.icon: .*missing.png cannot be read \(No such file"):
        read_picture(tmp_path / "missing.png")
