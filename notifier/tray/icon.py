"""A state and a count in, pictures out: the tray icon at every size, and the program's own icon.

It is one bell whose body tells the state by its shape, so that it is understood without colour too, and a badge that
counts what is unread.  It does not know who shows it.

Tray icons stand on light and on dark panels and cannot ask which: every colour has the luminance (about 0.22) that
contrasts equally with white and with near-black, 4:1 against each.  Some panels have just such a colour themselves, as
waybar's tray does unless it is told otherwise: there a light rim shows the bell.  Who knows the panel may choose one
colour for all.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageChops

from notifier.tray.badge import Badge, badge, badge_text, sign
from notifier.tray.face import IconState
from notifier.tray.pen import GRID, Mask, Pen, tinted

SIZES = (16, 22, 24, 32, 48, 64)
"""Pixels a side, for hosts that choose the size themselves."""

COLOURS = {
    IconState.CONNECTED: "#1f84c9",
    IconState.CONNECTING: "#b87a0c",
    IconState.DEGRADED: "#e06a14",
    IconState.OFFLINE: "#e0484a",
    IconState.PAUSED: "#85858d",
    IconState.ATTENTION: "#a766d9",
}
BADGE, DIGITS = "#cf2136", "#ffffff"
LIGHT, DARK, TEMPLATE = "#f2f2f4", "#2c2c31", "#000000"
"""One colour for all: light, for dark panels; dark, for light ones; what macOS gives a colour of its own."""
TILE_TOP, TILE_BOTTOM = "#3aa0e6", "#1667b0"

RIM = "#ffffff"
RIM_WIDTH, RIM_PIXELS = 0.55, 0.75
"""How far it goes around the bell: in the pen's units, and at least so many pixels.  No light panel shows it."""
DOTS_FROM = 32
"""Pixels a side below which the dots of "connecting" would run together."""
ASIDE = -1.4, 0.0
"""How far the bell makes room for a badge."""
CACHED = 96
"""Pictures that are kept; the largest has 16 KiB."""


@dataclass(frozen=True, eq=False, slots=True)
class Dress:
    """What the icon wears: what of it does not depend on how the streams are doing.

    Args:
        ink: One colour for all of it; None for a colour of its own for each state.
        picture: The person's own, in RGBA, in place of the bell.
    """

    ink: str | None = None
    picture: Image.Image | None = None

    @property
    def is_outline(self) -> bool:
        """Whether the system is to choose the colour."""
        return self.ink == TEMPLATE and self.picture is None


PLAIN = Dress()


def tray_images(state: IconState, unread: int = 0, dress: Dress = PLAIN) -> tuple[Image.Image, ...]:
    """The tray icon at all of `SIZES`."""
    return tuple(tray_image(state, size, unread, dress) for size in SIZES)


def tray_image(state: IconState, size: int, unread: int = 0, dress: Dress = PLAIN) -> Image.Image:
    """The tray icon, `size` pixels a side.  Do not change the picture: it is cached."""
    return _drawn(state, size, badge_text(unread, size), dress)


@lru_cache(maxsize=8)
def app_image(size: int) -> Image.Image:
    """The program's icon, of which `notifier/assets` has two sizes.  Do not change the picture: it is cached."""
    pen = Pen(size)
    tile = pen.done(pen.rounded((0.5, 0.5), (15.5, 15.5), 3.6))
    shade = Image.linear_gradient("L").resize((size, size))
    picture = Image.composite(
        Image.new("RGB", (size, size), TILE_BOTTOM), Image.new("RGB", (size, size), TILE_TOP), shade
    ).convert("RGBA")
    picture.putalpha(tile)
    picture.alpha_composite(tinted(pen.done(pen.bell(scale=0.7)), "#ffffff"))
    return picture


@lru_cache(maxsize=len(IconState))
def sign_png(state: IconState) -> bytes:
    """A PNG of 16 pixels a side: the disc that tells a state in a row of a menu."""
    pen = Pen(32)
    mark = sign(pen, state)
    drawn = tinted(pen.done(mark.ground), COLOURS[state])
    drawn.alpha_composite(tinted(pen.done(mark.digits), DIGITS))
    picture = Image.new("RGBA", (16, 16))
    picture.paste(drawn.crop((0, 0, 14, 14)), (1, 1))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


@lru_cache(maxsize=CACHED)
def _drawn(state: IconState, size: int, count: str, dress: Dress) -> Image.Image:
    pen = Pen(size)
    mark = badge(pen, count) if count else None
    if dress.picture is not None:
        drawn = _own(dress.picture, state, pen)
        if mark is not None:
            drawn.putalpha(ImageChops.subtract(drawn.getchannel("A"), pen.done(mark.clearing)))
    else:
        mask = _SHAPES[state](pen)
        outline = ImageChops.lighter(pen.bell(), mask)
        if mark is not None:
            mask, outline = (ImageChops.subtract(pen.moved(each, ASIDE), mark.clearing) for each in (mask, outline))
            if dress.ink is not None:
                # Of one colour, the digits are holes.
                mask = ImageChops.lighter(mask, ImageChops.subtract(mark.ground, mark.digits))
        drawn = tinted(pen.done(mask), dress.ink or COLOURS[state])
        if dress.ink is None:
            drawn.alpha_composite(tinted(pen.done(_rim(pen, outline, mark)), RIM))
    if mark is not None and (dress.ink is None or dress.picture is not None):
        drawn.alpha_composite(tinted(pen.done(mark.ground), BADGE))
        drawn.alpha_composite(tinted(pen.done(mark.digits), DIGITS))
    return drawn


def _rim(pen: Pen, outline: Mask, mark: Badge | None) -> Mask:
    """What lies around the bell, but not in the badge's clearing."""
    width = max(RIM_WIDTH, RIM_PIXELS * GRID / pen.size)
    rim = ImageChops.subtract(pen.grown(outline, width), outline)
    return ImageChops.subtract(rim, mark.clearing) if mark is not None else rim


def _own(picture: Image.Image, state: IconState, pen: Pen) -> Image.Image:
    """The person's picture; in its upper left corner a disc tells the state, unless all is well."""
    scale = pen.size / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    fitted = picture.resize((width, height), Image.Resampling.LANCZOS)
    drawn = Image.new("RGBA", (pen.size, pen.size))
    drawn.paste(fitted, ((pen.size - width) // 2, (pen.size - height) // 2))
    if state is IconState.CONNECTED:
        return drawn
    if state is not IconState.ATTENTION:
        drawn = Image.merge("RGBA", (*[drawn.convert("L")] * 3, drawn.getchannel("A")))
    mark = sign(pen, state)
    drawn.putalpha(ImageChops.subtract(drawn.getchannel("A"), pen.done(mark.clearing)))
    drawn.alpha_composite(tinted(pen.done(mark.ground), COLOURS[state]))
    drawn.alpha_composite(tinted(pen.done(mark.digits), DIGITS))
    return drawn


def _connected(pen: Pen) -> Mask:
    """A full bell."""
    return pen.bell()


def _connecting(pen: Pen) -> Mask:
    """An empty bell; where there is room, three dots in it."""
    if pen.size < DOTS_FROM:
        return ImageChops.subtract(pen.bell(), pen.body(inset=1.6))
    mask = ImageChops.subtract(pen.bell(), pen.body(inset=1.25))
    for x in (5.5, 8.0, 10.5):
        mask = ImageChops.lighter(mask, pen.disc((x, 8.0), 0.85))
    return mask


def _degraded(pen: Pen) -> Mask:
    """A bell that is empty on its right."""
    hollow = pen.body(inset=1.6 if pen.size < DOTS_FROM else 1.25)
    return ImageChops.subtract(pen.bell(), ImageChops.darker(hollow, pen.slot((8.0, 0.0), (16.0, 16.0))))


def _offline(pen: Pen) -> Mask:
    """A bell struck out."""
    start, end = (1.8, 1.8), (14.2, 14.2)
    mask = ImageChops.subtract(pen.bell(), pen.stroke(start, end, 4.4))
    return ImageChops.lighter(mask, pen.stroke(start, end, 1.9))


def _paused(pen: Pen) -> Mask:
    """A bell with the two bars of "pause" cut out."""
    bar = pen.slot((5.0, 5.0), (7.0, 11.0))
    bars = ImageChops.lighter(bar, bar.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    return ImageChops.subtract(pen.bell(), bars)


def _attention(pen: Pen) -> Mask:
    """A bell with an exclamation mark cut out."""
    point = ImageChops.lighter(pen.slot((7.0, 4.0), (9.0, 8.0)), pen.slot((7.0, 9.0), (9.0, 11.0)))
    return ImageChops.subtract(pen.bell(), point)


_SHAPES: dict[IconState, Callable[[Pen], Mask]] = {
    IconState.CONNECTED: _connected,
    IconState.CONNECTING: _connecting,
    IconState.DEGRADED: _degraded,
    IconState.OFFLINE: _offline,
    IconState.PAUSED: _paused,
    IconState.ATTENTION: _attention,
}
