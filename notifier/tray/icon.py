"""A state in, pictures out: the tray icon at every size, and the program's own icon.

It is one bell whose body tells the state by its shape, so that it is understood without colour too.  It does not
know who shows it.

Tray icons stand on light and on dark panels and cannot ask which: every colour has the luminance (about 0.22) that
contrasts equally with white and with near-black, 4:1 against each.
"""

import io
import math
from collections.abc import Callable
from functools import lru_cache

from PIL import Image, ImageChops, ImageDraw

from notifier.tray.menu import IconState

SIZES = (16, 22, 24, 32, 48, 64)
"""Pixels a side, for hosts that choose the size themselves."""
SIZE_LIMIT = 1024
"""Pixels a side of the largest picture that is drawn."""

COLOURS = {
    IconState.CONNECTED: "#1f84c9",
    IconState.CONNECTING: "#b87a0c",
    IconState.OFFLINE: "#e0484a",
    IconState.PAUSED: "#85858d",
}
TILE_TOP, TILE_BOTTOM = "#3aa0e6", "#1667b0"

SAMPLES = 8
"""Points drawn per pixel and direction, before they are averaged."""
GRID = 16.0
"""Shapes are given in units of the smallest icon's pixels, so that its edges fall between pixels."""

DOTS_FROM = 32
"""Pixels a side below which the dots of "connecting" would run together."""

Point = tuple[float, float]


def tray_images(state: IconState) -> tuple[Image.Image, ...]:
    """The tray icon of `state` at all of `SIZES`."""
    return tuple(tray_image(state, size) for size in SIZES)


@lru_cache(maxsize=64)
def tray_image(state: IconState, size: int) -> Image.Image:
    """The tray icon of `state`, `size` pixels a side.  Do not change the picture: it is cached."""
    pen = _Pen(size)
    return _tinted(_average(_SHAPES[state](pen), size), COLOURS[state])


@lru_cache(maxsize=8)
def app_image(size: int) -> Image.Image:
    """The program's icon, for bubbles, launchers and documents.  Do not change the picture: it is cached."""
    pen = _Pen(size)
    tile = _average(pen.rounded((0.5, 0.5), (15.5, 15.5), 3.6), size)
    shade = Image.linear_gradient("L").resize((size, size))
    picture = Image.composite(
        Image.new("RGB", (size, size), TILE_BOTTOM), Image.new("RGB", (size, size), TILE_TOP), shade
    ).convert("RGBA")
    picture.putalpha(tile)
    picture.alpha_composite(_tinted(_average(pen.bell(scale=0.7), size), "#ffffff"))
    return picture


def app_png(size: int = 256) -> bytes:
    """The program's icon as a PNG file."""
    file = io.BytesIO()
    app_image(size).save(file, "PNG", optimize=True)
    return file.getvalue()


class _Pen:
    """Draws masks: white is ink.  Coordinates are `GRID` units."""

    def __init__(self, size: int) -> None:
        assert 0 < size <= SIZE_LIMIT
        self.size = size
        self.pixels = size * SAMPLES
        self.unit = self.pixels / GRID

    def bell(self, scale: float = 1.0) -> Image.Image:
        mask = ImageChops.lighter(self.body(scale=scale), self.clapper(scale))
        return ImageChops.lighter(mask, self.disc(self._scaled((8.0, 1.6), scale), 1.2 * scale))

    def body(self, inset: float = 0.0, scale: float = 1.0) -> Image.Image:
        """The bell without crown and clapper; `inset` moves its outline inwards."""
        side = 3.0 + inset
        half = [
            (1.4 + 1.6 * inset, 12.6 - inset),
            *_curve((1.4 + 1.6 * inset, 12.2 - inset), (2.6 + inset, 11.2 - inset / 2), (side, 10.0), (side, 7.0)),
            *_curve((side, 7.0), (side, 3.8 + inset), (5.2 + inset / 2, 1.6 + inset), (8.0, 1.6 + inset)),
        ]
        outline = half + [(GRID - x, y) for x, y in reversed(half)]
        return self._polygon([self._scaled(point, scale) for point in outline])

    def clapper(self, scale: float = 1.0) -> Image.Image:
        """What hangs below the bell: the lower half of a disc."""
        mask = self.disc(self._scaled((8.0, 13.6), scale), 1.9 * scale)
        top = self._scaled((0.0, 13.6), scale)[1] * self.unit
        ImageDraw.Draw(mask).rectangle((0, 0, self.pixels, top), fill=0)
        return mask

    def disc(self, centre: Point, radius: float) -> Image.Image:
        mask = self._blank()
        (x, y), r = centre, radius
        ImageDraw.Draw(mask).ellipse([c * self.unit for c in (x - r, y - r, x + r, y + r)], fill=255)
        return mask

    def rounded(self, corner: Point, opposite: Point, radius: float) -> Image.Image:
        mask = self._blank()
        box = tuple(round(c * self.unit) for c in (*corner, *opposite))
        ImageDraw.Draw(mask).rounded_rectangle(box, round(radius * self.unit), fill=255)
        return mask

    def slot(self, corner: Point, opposite: Point) -> Image.Image:
        """A rectangle moved up and left to whole pixels, so that it stays sharp at any size."""
        left, top, right, bottom = (math.floor(c * self.size / GRID) * SAMPLES for c in (*corner, *opposite))
        mask = self._blank()
        ImageDraw.Draw(mask).rectangle((left, top, right - 1, bottom - 1), fill=255)
        return mask

    def stroke(self, start: Point, end: Point, width: float) -> Image.Image:
        """A straight line with round ends."""
        angle = math.atan2(end[1] - start[1], end[0] - start[0])
        dx, dy = math.sin(angle) * width / 2, -math.cos(angle) * width / 2
        (ax, ay), (bx, by) = start, end
        mask = self._polygon([(ax + dx, ay + dy), (bx + dx, by + dy), (bx - dx, by - dy), (ax - dx, ay - dy)])
        for end_point in (start, end):
            mask = ImageChops.lighter(mask, self.disc(end_point, width / 2))
        return mask

    def _blank(self) -> Image.Image:
        return Image.new("L", (self.pixels, self.pixels), 0)

    def _scaled(self, point: Point, scale: float) -> Point:
        return tuple(GRID / 2 + (c - GRID / 2) * scale for c in point)  # type: ignore[return-value]

    def _polygon(self, points: list[Point]) -> Image.Image:
        mask = self._blank()
        ImageDraw.Draw(mask).polygon([(x * self.unit, y * self.unit) for x, y in points], fill=255)
        return mask


def _connected(pen: _Pen) -> Image.Image:
    """A full bell."""
    return pen.bell()


def _connecting(pen: _Pen) -> Image.Image:
    """An empty bell; where there is room, three dots in it."""
    if pen.size < DOTS_FROM:
        return ImageChops.subtract(pen.bell(), pen.body(inset=1.6))
    mask = ImageChops.subtract(pen.bell(), pen.body(inset=1.25))
    for x in (5.5, 8.0, 10.5):
        mask = ImageChops.lighter(mask, pen.disc((x, 8.0), 0.85))
    return mask


def _offline(pen: _Pen) -> Image.Image:
    """A bell struck out."""
    start, end = (1.8, 1.8), (14.2, 14.2)
    mask = ImageChops.subtract(pen.bell(), pen.stroke(start, end, 4.4))
    return ImageChops.lighter(mask, pen.stroke(start, end, 1.9))


def _paused(pen: _Pen) -> Image.Image:
    """A bell with the two bars of "pause" cut out."""
    bar = pen.slot((5.0, 5.0), (7.0, 11.0))
    bars = ImageChops.lighter(bar, bar.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    return ImageChops.subtract(pen.bell(), bars)


_SHAPES: dict[IconState, Callable[[_Pen], Image.Image]] = {
    IconState.CONNECTED: _connected,
    IconState.CONNECTING: _connecting,
    IconState.OFFLINE: _offline,
    IconState.PAUSED: _paused,
}


def _average(mask: Image.Image, size: int) -> Image.Image:
    return mask.resize((size, size), Image.Resampling.BOX)


def _tinted(mask: Image.Image, colour: str) -> Image.Image:
    picture = Image.new("RGBA", mask.size, colour)
    picture.putalpha(mask)
    return picture


def _curve(a: Point, b: Point, c: Point, d: Point, steps: int = 24) -> list[Point]:
    """Points of a cubic Bézier curve."""
    points = []
    for step in range(steps + 1):
        t = step / steps
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        points.append(
            (
                sum(w * p[0] for w, p in zip(weights, (a, b, c, d), strict=True)),
                sum(w * p[1] for w, p in zip(weights, (a, b, c, d), strict=True)),
            )
        )
    return points
