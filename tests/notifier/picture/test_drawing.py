"""Files of strangers, drawn anew or refused."""

import io
import random

import pytest
from PIL import Image

from notifier.desktop.portal import square
from notifier.picture.drawing import PIXELS, draw
from tests.notifier.picture.files import bomb, file


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_each_kind_is_drawn(kind: str) -> None:
    picture = draw(file(kind), 192)
    assert (picture.width, picture.height) == (40, 20)
    assert picture.rgba[3] == 255
    assert all(abs(a - b) < 12 for a, b in zip(picture.rgba[:3], (0x30, 0xA0, 0xFF), strict=True))
    with Image.open(io.BytesIO(picture.png)) as again:
        assert (again.format, again.size, again.convert("RGBA").tobytes()) == ("PNG", (40, 20), picture.rgba)


@pytest.mark.parametrize(("size", "drawn"), [((400, 100), (100, 25)), ((30, 90), (30, 90)), ((5_000, 4), (100, 1))])
def test_a_large_one_is_made_smaller_in_its_proportions(size: tuple[int, int], drawn: tuple[int, int]) -> None:
    picture = draw(file("PNG", size), 100)
    assert (picture.width, picture.height) == drawn


def test_a_photograph_is_turned_as_its_camera_says() -> None:
    made = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(made, "JPEG", exif=exif)
    picture = draw(made.getvalue(), 100)
    assert (picture.width, picture.height) == (20, 40)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_a_colour_profile_however_large_does_not_survive(kind: str) -> None:
    made = io.BytesIO()
    Image.new("RGB", (40, 20)).save(made, kind, icc_profile=random.Random(7).randbytes(1_200_000))
    picture = draw(made.getvalue(), 100)
    assert len(picture.png) < 10_000
    with Image.open(io.BytesIO(square(picture.png))) as shown:
        assert shown.size == (40, 40)


def test_nothing_but_pixels_survives() -> None:
    made = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "secret words"
    Image.new("RGB", (4, 4)).save(made, "PNG", exif=exif)
    assert b"secret words" in made.getvalue()
    assert b"secret words" not in draw(made.getvalue(), 100).png


@pytest.mark.parametrize(
    "data",
    [
        b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG\r\n\x1a\n", file("PNG")[:60],
        file("BMP"), file("TIFF"), file("ICO", (16, 16)), file("PPM"), file("PDF"),
        bomb(65_535, 65_535), bomb(10_000, 9_000), bomb(4_001, 4_000), bomb(1, PIXELS + 1), bomb(0, 5),
    ],
    ids=lambda data: repr(data[:8]) + str(len(data)),
)  # fmt: skip
def test_what_is_broken_of_another_kind_or_too_large_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="it "):
        draw(data, 192)


def test_of_a_picture_that_claims_too_much_it_is_said_how_much() -> None:
    with pytest.raises(ValueError, match="it has 10000 x 9000 pixels"):
        draw(bomb(10_000, 9_000), 192)
