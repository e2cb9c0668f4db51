"""Pictures that tell the states apart, at every size and without colour."""

import io
import itertools

import pytest
from PIL import Image, ImageChops, ImageStat

from notifier.tray.icon import COLOURS, SIZES, app_image, app_png, tray_image, tray_images
from notifier.tray.menu import IconState
from tests.desktop.rig import SHOTS

PANELS = {"light": "#f4f4f4", "dark": "#242424"}
PAIRS = list(itertools.combinations(IconState, 2))


def grey(state: IconState, size: int, panel: str) -> Image.Image:
    """How the icon looks on a panel to somebody who sees no colour."""
    ground = Image.new("RGBA", (size, size), panel)
    ground.alpha_composite(tray_image(state, size))
    return ground.convert("L")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
@pytest.mark.parametrize(("one", "other"), PAIRS, ids=[f"{a.value}-{b.value}" for a, b in PAIRS])
def test_two_states_differ_by_shape(one: IconState, other: IconState, panel: str, size: int) -> None:
    difference = ImageChops.difference(grey(one, size, panel), grey(other, size, panel))
    clearly = difference.point(lambda value: 255 if value > 50 else 0)
    assert ImageStat.Stat(clearly).mean[0] / 255 > 0.06, "of the pixels differ at a glance"


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


@pytest.mark.parametrize("colour", COLOURS.values())
@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_a_colour_is_seen_on_light_and_dark_panels(colour: str, panel: str) -> None:
    bright, dark = sorted((luminance(colour), luminance(panel)), reverse=True)
    assert (bright + 0.05) / (dark + 0.05) >= 3, "WCAG 1.4.11: contrast of graphics"


def test_a_picture_is_drawn_once() -> None:
    assert tray_images(IconState.PAUSED)[0] is tray_image(IconState.PAUSED, SIZES[0])
    assert [picture.width for picture in tray_images(IconState.PAUSED)] == list(SIZES)


def test_the_icon_of_the_program_is_a_png() -> None:
    with Image.open(io.BytesIO(app_png(128))) as picture:
        assert (picture.format, picture.size, picture.mode) == ("PNG", (128, 128), "RGBA")
    assert app_image(48).getpixel((0, 0))[3] == 0  # type: ignore[index]


def test_every_state_at_every_size_on_one_sheet_for_a_person_to_look_at() -> None:
    step = [size + 14 for size in SIZES]
    sheet = Image.new("RGBA", (2 * sum(step), 84 * len(IconState)))
    for side, panel in enumerate(PANELS.values()):
        left = side * sum(step)
        sheet.paste(Image.new("RGBA", (sum(step), sheet.height), panel), (left, 0))
        for line, state in enumerate(IconState):
            for place, size in enumerate(SIZES):
                at = (left + sum(step[:place]) + 7, 84 * line + 42 - size // 2)
                sheet.alpha_composite(tray_image(state, size), at)
    SHOTS.mkdir(parents=True, exist_ok=True)
    sheet.save(SHOTS / "icons.png")


def luminance(colour: str) -> float:
    """WCAG 2.2, "relative luminance"."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
