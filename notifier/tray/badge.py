"""A count or a state in, the masks of a badge out.

The digits are drawn on whole pixels and not taken from a font: at 16 pixels a font's are grey and cannot be read.
"""

from dataclasses import dataclass
from functools import reduce

from PIL import ImageChops

from notifier.tray.face import IconState
from notifier.tray.pen import Mask, Pen

COUNT_LIMIT = 99
"""The largest count that is shown as it is."""
PLUS_FROM = 32
"""Pixels a side from which there is room to say that there are more."""

GLYPHS: dict[str, tuple[tuple[tuple[int, int], ...], ...]] = {
    "0": (((0, 0), (2, 0), (2, 4), (0, 4), (0, 0)),),
    "1": (((0, 0), (1, 0), (1, 4)),),
    "2": (((0, 0), (2, 0), (2, 2), (0, 2), (0, 4), (2, 4)),),
    "3": (((0, 0), (2, 0), (2, 4), (0, 4)), ((0, 2), (2, 2))),
    "4": (((0, 0), (0, 2), (2, 2)), ((2, 0), (2, 4))),
    "5": (((2, 0), (0, 0), (0, 2), (2, 2), (2, 4), (0, 4)),),
    "6": (((2, 0), (0, 0), (0, 4), (2, 4), (2, 2), (0, 2)),),
    "7": (((0, 0), (2, 0), (2, 1), (1, 3), (1, 4)),),
    "8": (((0, 0), (2, 0), (2, 4), (0, 4), (0, 0)), ((0, 2), (2, 2))),
    "9": (((2, 2), (0, 2), (0, 0), (2, 0), (2, 4), (0, 4)),),
    "+": (((0, 2), (2, 2)), ((1, 1), (1, 3))),
}
"""Lines through points of a net of three columns and five rows."""


@dataclass(frozen=True, slots=True)
class _Face:
    """Pixels of one size of digits: of a digit alone, of digits side by side."""

    height: int
    alone: int
    beside: int
    line: int
    space: int
    margin: int
    gap: int
    """Free pixels around the badge."""


FACES = {
    16: _Face(height=7, alone=4, beside=3, line=1, space=1, margin=2, gap=1),
    20: _Face(height=10, alone=6, beside=5, line=2, space=1, margin=2, gap=1),
    32: _Face(height=12, alone=7, beside=6, line=2, space=1, margin=3, gap=2),
    48: _Face(height=17, alone=10, beside=9, line=3, space=2, margin=4, gap=2),
    64: _Face(height=22, alone=13, beside=11, line=4, space=2, margin=6, gap=3),
}
"""By the pixels a side of the picture, from these on."""


@dataclass(frozen=True, slots=True)
class Badge:
    """Three masks, large as the pen draws them."""

    ground: Mask
    digits: Mask
    clearing: Mask
    """What has to be free of anything else."""


def badge_text(count: int, size: int) -> str:
    """What a badge says of `count` unread notifications in a picture of `size` pixels; nothing where there is none."""
    if count <= COUNT_LIMIT:
        return str(count) if count > 0 else ""
    # On a small picture a third sign would leave nothing of what the badge is on.
    return f"{COUNT_LIMIT}+" if size >= PLUS_FROM else str(COUNT_LIMIT)


def badge(pen: Pen, text: str) -> Badge:
    """A badge in the lower right corner."""
    face = FACES[_step(pen)]
    widths = [_width(glyph, face, alone=len(text) == 1) for glyph in text]
    inner = sum(widths) + face.space * (len(text) - 1)
    height = face.height + 2 * (face.margin - (1 if face.line == 1 else 0))
    width = max(inner + 2 * face.margin, height)
    right, bottom = pen.size, pen.size
    left, top = right - width, bottom - height
    digits = pen.blank()
    x, y = left + (width - inner) // 2, top + (height - face.height) // 2
    for glyph, glyph_width in zip(text, widths, strict=True):
        for line in GLYPHS[glyph]:
            points = [_pixel(point, x, y, glyph_width, _columns(glyph), face) for point in line]
            digits = ImageChops.lighter(digits, pen.path(points, face.line, bend=0.5 * (face.line - 1)))
        x += glyph_width + face.space
    round_ = height * 0.42
    return Badge(
        ground=pen.block(left, top, right, bottom, round_),
        digits=digits,
        clearing=pen.block(left - face.gap, top - face.gap, right + face.gap, bottom + face.gap, round_ + face.gap),
    )


def sign(pen: Pen, state: IconState) -> Badge:
    """A small disc in the upper left corner that tells a state by its shape."""
    line = max(1, pen.size // 16)
    # Odd, so that a line is in its middle on whole pixels.
    side = 7 * line
    gap = FACES[_step(pen)].gap

    def block(*box: int) -> Mask:
        """A rectangle whose corner and size are given in lines."""
        x, y, width, height = (c * line for c in box)
        return pen.block(x, y, x + width, y + height)

    match state:
        case IconState.CONNECTED:
            parts = [pen.blank()]
        case IconState.CONNECTING:
            parts = [block(1, 3, 1, 1), block(3, 3, 1, 1), block(5, 3, 1, 1)]
        case IconState.DEGRADED:
            parts = [block(3, 3, 3, 1)]
        case IconState.OFFLINE:
            parts = [block(1, 3, 5, 1)]
        case IconState.PAUSED:
            parts = [block(2, 2, 1, 3), block(4, 2, 1, 3)]
        case _:
            parts = [block(3, 1, 1, 3), block(3, 5, 1, 1)]
    return Badge(
        ground=pen.block(0, 0, side, side, side / 2),
        digits=reduce(ImageChops.lighter, parts),
        clearing=pen.block(-gap, -gap, side + gap, side + gap, side / 2 + gap),
    )


def _step(pen: Pen) -> int:
    return max(size for size in FACES if size <= max(pen.size, min(FACES)))


def _columns(glyph: str) -> int:
    """The number of the last column of the net that a glyph uses."""
    return max(x for line in GLYPHS[glyph] for x, _ in line)


def _width(glyph: str, face: _Face, *, alone: bool) -> int:
    width = face.alone if alone else face.beside
    return width if _columns(glyph) == 2 else (width + face.line) // 2


def _pixel(point: tuple[int, int], left: int, top: int, width: int, columns: int, face: _Face) -> tuple[int, int]:
    """The corner of the square that a line through a point of the net covers there."""
    column, row = point
    across = round((width - face.line) * column / columns)
    down = round((face.height - face.line) * row / 4)
    return left + across, top + down
