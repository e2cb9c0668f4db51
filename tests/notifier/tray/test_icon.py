"""Pictures that tell states and counts apart, at every size and without colour."""

import itertools
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from notifier.tray import icon
from notifier.tray.badge import badge, badge_text
from notifier.tray.face import IconState
from notifier.tray.icon import (
    BADGE,
    CACHED,
    COLOURS,
    DARK,
    DIGITS,
    LIGHT,
    SIZES,
    Dress,
    _drawn,
    app_image,
    tray_image,
    tray_images,
)
from notifier.tray.pen import Pen
from tests.desktop.rig import SHOTS

ASSETS = Path(icon.__file__).parents[1] / "assets"
PANELS = {"light": "#f4f4f4", "dark": "#242424"}
PAIRS = list(itertools.combinations(IconState, 2))
COUNTS = (0, 3, 42, 100)
OWN = Dress(picture=Image.new("RGBA", (90, 60), "#3a9c5f"))


def seen(state: IconState, size: int, panel: str, unread: int = 0, dress: Dress | None = None) -> Image.Image:
    """How the icon looks on a panel to somebody who sees no colour."""
    ground = Image.new("RGBA", (size, size), panel)
    ground.alpha_composite(tray_image(state, size, unread, dress or Dress()))
    return ground.convert("L")


def differing(one: Image.Image, other: Image.Image) -> float:
    """The part of the pixels that differ at a glance."""
    clearly = ImageChops.difference(one, other).point(lambda value: 255 if value > 50 else 0)
    return ImageStat.Stat(clearly).mean[0] / 255


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_two_states_differ_by_shape(panel: str, size: int) -> None:
    for one, other in PAIRS:
        assert differing(seen(one, size, panel), seen(other, size, panel)) > 0.045, (one, other)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ink", [LIGHT, DARK])
def test_two_states_differ_in_one_colour_and_with_a_badge_too(ink: str, size: int) -> None:
    panel, dress = PANELS["dark" if ink == LIGHT else "light"], Dress(ink)
    for one, other in PAIRS:
        assert differing(seen(one, size, panel, dress=dress), seen(other, size, panel, dress=dress)) > 0.045
        assert differing(seen(one, size, panel, 42, dress), seen(other, size, panel, 42, dress)) > 0.012, (one, other)


@pytest.mark.parametrize("size", SIZES)
def test_two_states_differ_on_a_picture_of_ones_own(size: int) -> None:
    for one, other in PAIRS:
        assert differing(seen(one, size, "#242424", dress=OWN), seen(other, size, "#242424", dress=OWN)) > 0.003


@pytest.mark.parametrize("state", IconState)
@pytest.mark.parametrize("size", SIZES)
def test_an_icon_has_its_size_stands_free_and_fills_it(state: IconState, size: int) -> None:
    picture = tray_image(state, size)
    assert (picture.mode, picture.size) == ("RGBA", (size, size))
    alpha = picture.getchannel("A")
    left, top, right, bottom = alpha.point(lambda value: 255 if value > 40 else 0).getbbox() or (0, 0, 0, 0)
    assert right - left >= size * 0.75
    assert bottom - top >= size * 0.8
    assert alpha.getpixel((0, size - 1)) == 0


@pytest.mark.parametrize("colour", [*COLOURS.values(), BADGE])
@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_a_colour_is_seen_on_light_and_dark_panels(colour: str, panel: str) -> None:
    # WCAG 1.4.11, contrast of graphics, asks for 3; the badge has its digits beside.
    assert contrast(colour, panel) >= (2.8 if colour == BADGE else 3)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", IconState)
def test_a_panel_of_the_same_colour_does_not_swallow_it(state: IconState, size: int) -> None:
    panel = Image.new("RGBA", (size, size), COLOURS[state])
    panel.alpha_composite(tray_image(state, size))
    pixels = itertools.product(range(size), range(size))
    seen = [at for at in pixels if contrast(hexed(panel, at), COLOURS[state]) >= 2]
    left, top, right, bottom = min(x for x, _ in seen), min(y for _, y in seen), max(seen)[0], max(y for _, y in seen)
    assert right - left >= size * 0.75
    assert bottom - top >= size * 0.8
    assert len(seen) >= 1.75 * size, "all around, and not in a corner"


def test_digits_and_the_icons_of_one_colour_have_the_contrast_of_text() -> None:
    for one, other in ((DIGITS, BADGE), (LIGHT, PANELS["dark"]), (DARK, PANELS["light"])):
        assert contrast(one, other) >= 4.5, "WCAG 1.4.3"


@pytest.mark.parametrize("size", SIZES)
def test_each_count_reads_differently_and_its_digits_are_sharp(size: int) -> None:
    pen = Pen(size)
    digits = {text: pen.done(badge(pen, text).digits) for text in [str(n) for n in range(1, 100)]}
    for one, other in itertools.combinations(digits, 2):
        if len(one) == len(other):
            assert ImageChops.difference(digits[one], digits[other]).getbbox(), (one, other)
    strong = [sum(mask.histogram()[224:]) for mask in digits.values()]
    weak = [sum(mask.histogram()[32:224]) for mask in digits.values()]
    assert sum(strong) > 3 * sum(weak), "most ink is on whole pixels"


@pytest.mark.parametrize(
    ("count", "size", "text"),
    [(-1, 16, ""), (0, 48, ""), (1, 16, "1"), (99, 16, "99"), (100, 22, "99"), (100, 32, "99+"), (10**9, 64, "99+")],
)
def test_a_count_is_written_as_far_as_there_is_room(count: int, size: int, text: str) -> None:
    assert badge_text(count, size) == text


@pytest.mark.parametrize("size", SIZES)
def test_a_badge_is_whole_and_leaves_the_bell_a_part(size: int) -> None:
    for count in COUNTS[1:]:
        pen = Pen(size)
        box = pen.done(badge(pen, badge_text(count, size)).ground).getbbox()
        assert box is not None
        assert (box[2], box[3]) == (size, size)
        assert box[0] > 0
        assert size * 0.3 < box[1] < size * 0.6


def test_a_picture_is_drawn_once_and_not_all_are_kept() -> None:
    assert tray_images(IconState.PAUSED, 3)[0] is tray_image(IconState.PAUSED, SIZES[0], 3)
    assert [picture.width for picture in tray_images(IconState.PAUSED)] == list(SIZES)
    for count in range(2 * CACHED):
        tray_image(IconState.PAUSED, 16, count)
    assert _drawn.cache_info().currsize <= CACHED


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", [(90, 60), (10, 10), (1, 300), (256, 256)])
def test_a_picture_of_ones_own_keeps_its_proportions(size: int, shape: tuple[int, int]) -> None:
    dress = Dress(picture=Image.new("RGBA", shape, "#3a9c5f"))
    box = tray_image(IconState.CONNECTED, size, dress=dress).getchannel("A").getbbox()
    assert box is not None
    width, height = box[2] - box[0], box[3] - box[1]
    assert max(width, height) == size
    assert abs(width * shape[1] - height * shape[0]) <= max(shape)


def test_every_state_at_every_size_on_one_sheet_for_a_person_to_look_at() -> None:
    sizes = SIZES[:-1]
    width, line = sum(sizes) + 12 * len(sizes) + 12, 60
    sheet = Image.new("RGB", (len(COUNTS) * width, 6 * len(IconState) * line))
    dresses = [(PANELS["light"], Dress()), (PANELS["dark"], Dress()), (PANELS["light"], Dress(DARK))]
    dresses += [(PANELS["dark"], Dress(LIGHT)), (PANELS["light"], OWN), (PANELS["dark"], OWN)]
    for row, ((panel, dress), state) in enumerate(itertools.product(dresses, IconState)):
        sheet.paste(panel, (0, row * line, sheet.width, (row + 1) * line))
        for place, count in enumerate(COUNTS):
            left = place * width + 12
            for size in sizes:
                picture = tray_image(state, size, count, dress)
                sheet.paste(picture, (left, row * line + (line - size) // 2), picture)
                left += size + 12
    SHOTS.mkdir(parents=True, exist_ok=True)
    sheet.save(SHOTS / "icons.png", optimize=True)


@pytest.mark.parametrize(("name", "size"), [("sse-notifier.png", 256), ("sse-notifier-48.png", 48)])
def test_the_packaged_icons_are_what_is_drawn(name: str, size: int) -> None:
    with Image.open(ASSETS / name) as packaged:
        difference = ImageChops.difference(packaged.convert("RGBA"), app_image(size))
    assert max(highest for _lowest, highest in difference.getextrema()) <= 2  # type: ignore[misc]


def hexed(picture: Image.Image, at: tuple[int, int]) -> str:
    """A pixel as a colour is written."""
    red, green, blue, _ = picture.getpixel(at)  # type: ignore[misc]
    return f"#{red:02x}{green:02x}{blue:02x}"


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """WCAG 2.2, "relative luminance"."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
