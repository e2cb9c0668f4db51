"""Shapes in, masks out: what the icons are drawn with.  White is ink; a mask knows no colour and no state.

A shape is drawn large and averaged down, so that its edges are smooth; what must be sharp lies on whole pixels.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from PIL import Image, ImageChops, ImageDraw

SIZE_LIMIT = 1024
"""Pixels a side of the largest picture that is drawn."""
GRID = 16.0
"""Shapes are given in units of the smallest icon's pixels, so that its edges fall between pixels."""
BEND = 24
"""Points of one Bézier curve."""

CORNERS = 8
"""Directions in which a mask is grown."""

Point = tuple[float, float]
Mask = Image.Image


class Pen:
    """Draws masks of one size.  Coordinates are `GRID` units, or pixels where it says so."""

    def __init__(self, size: int) -> None:
        assert 0 < size <= SIZE_LIMIT
        self.size = size
        # Small pictures need the finest edges; of large ones, fewer points per pixel are as good.
        self._samples = 8 if size <= 24 else 4
        self._side = size * self._samples
        self._unit = self._side / GRID

    def done(self, mask: Mask) -> Mask:
        """The mask at its own size."""
        return mask.resize((self.size, self.size), Image.Resampling.BOX)

    def blank(self) -> Mask:
        """No ink."""
        return Image.new("L", (self._side, self._side), 0)

    def bell(self, scale: float = 1.0) -> Mask:
        """A whole bell."""
        mask = ImageChops.lighter(self.body(scale=scale), self.clapper(scale))
        return ImageChops.lighter(mask, self.disc(_scaled((8.0, 1.6), scale), 1.2 * scale))

    def body(self, inset: float = 0.0, scale: float = 1.0) -> Mask:
        """The bell without crown and clapper; `inset` moves its outline inwards."""
        side = 3.0 + inset
        half = [
            (1.4 + 1.6 * inset, 12.6 - inset),
            *_curve((1.4 + 1.6 * inset, 12.2 - inset), (2.6 + inset, 11.2 - inset / 2), (side, 10.0), (side, 7.0)),
            *_curve((side, 7.0), (side, 3.8 + inset), (5.2 + inset / 2, 1.6 + inset), (8.0, 1.6 + inset)),
        ]
        outline = half + [(GRID - x, y) for x, y in reversed(half)]
        return self._polygon([_scaled(point, scale) for point in outline])

    def clapper(self, scale: float = 1.0) -> Mask:
        """What hangs below the bell: the lower half of a disc."""
        mask = self.disc(_scaled((8.0, 13.6), scale), 1.9 * scale)
        top = _scaled((0.0, 13.6), scale)[1] * self._unit
        ImageDraw.Draw(mask).rectangle((0, 0, self._side, top), fill=0)
        return mask

    def disc(self, centre: Point, radius: float) -> Mask:
        """A filled circle."""
        mask = self.blank()
        (x, y), r = centre, radius
        ImageDraw.Draw(mask).ellipse([c * self._unit for c in (x - r, y - r, x + r, y + r)], fill=255)
        return mask

    def rounded(self, corner: Point, opposite: Point, radius: float) -> Mask:
        """A filled rectangle with round corners."""
        mask = self.blank()
        box = tuple(round(c * self._unit) for c in (*corner, *opposite))
        ImageDraw.Draw(mask).rounded_rectangle(box, round(radius * self._unit), fill=255)
        return mask

    def slot(self, corner: Point, opposite: Point) -> Mask:
        """A rectangle moved up and left to whole pixels, so that it stays sharp at any size."""
        return self.block(*(math.floor(c * self.size / GRID) for c in (*corner, *opposite)))

    def block(self, left: int, top: int, right: int, bottom: int, radius: float = 0.0) -> Mask:
        """A rectangle, in pixels."""
        mask = self.blank()
        box = [c * self._samples for c in (left, top)] + [c * self._samples - 1 for c in (right, bottom)]
        ImageDraw.Draw(mask).rounded_rectangle(box, round(radius * self._samples), fill=255)
        return mask

    def stroke(self, start: Point, end: Point, width: float) -> Mask:
        """A straight line with round ends."""
        angle = math.atan2(end[1] - start[1], end[0] - start[0])
        dx, dy = math.sin(angle) * width / 2, -math.cos(angle) * width / 2
        (ax, ay), (bx, by) = start, end
        mask = self._polygon([(ax + dx, ay + dy), (bx + dx, by + dy), (bx - dx, by - dy), (ax - dx, ay - dy)])
        for end_point in (start, end):
            mask = ImageChops.lighter(mask, self.disc(end_point, width / 2))
        return mask

    def path(self, points: Sequence[tuple[int, int]], width: int, bend: float) -> Mask:
        """A line `width` thick through squares of so many pixels, given by their corners; its ends are rounded."""
        mask = self.blank()
        for (ax, ay), (bx, by) in pairwise(points):
            if ax == bx or ay == by:
                part = self.block(min(ax, bx), min(ay, by), max(ax, bx) + width, max(ay, by) + width, bend)
            else:
                unit, half = GRID / self.size, width / 2
                part = self.stroke(
                    ((ax + half) * unit, (ay + half) * unit), ((bx + half) * unit, (by + half) * unit), width * unit
                )
            mask = ImageChops.lighter(mask, part)
        return mask

    def grown(self, mask: Mask, by: float) -> Mask:
        """The mask, wider by so much on every side."""
        found = mask
        reach = by * self._unit
        for corner in range(CORNERS):
            angle = math.tau * corner / CORNERS
            moved = self._put(mask, round(reach * math.cos(angle)), round(reach * math.sin(angle)))
            found = ImageChops.lighter(found, moved)
        return found

    def moved(self, mask: Mask, by: Point) -> Mask:
        """The mask, moved by whole pixels so that what was sharp stays so."""
        return self._put(mask, *(round(c * self.size / GRID) * self._samples for c in by))

    def _put(self, mask: Mask, across: int, down: int) -> Mask:
        found = self.blank()
        found.paste(mask, (across, down))
        return found

    def _polygon(self, points: list[Point]) -> Mask:
        mask = self.blank()
        ImageDraw.Draw(mask).polygon([(x * self._unit, y * self._unit) for x, y in points], fill=255)
        return mask


def tinted(mask: Mask, colour: str) -> Image.Image:
    """A picture of one colour whose ink is `mask`."""
    picture = Image.new("RGBA", mask.size, colour)
    picture.putalpha(mask)
    return picture


def _scaled(point: Point, scale: float) -> Point:
    x, y = (GRID / 2 + (c - GRID / 2) * scale for c in point)
    return x, y


def _curve(a: Point, b: Point, c: Point, d: Point) -> list[Point]:
    """Points of a cubic Bézier curve."""
    points = []
    for step in range(BEND + 1):
        t = step / BEND
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        x, y = (sum(w * p[axis] for w, p in zip(weights, (a, b, c, d), strict=True)) for axis in (0, 1))
        points.append((x, y))
    return points
