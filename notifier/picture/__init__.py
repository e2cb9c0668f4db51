"""What goes beside the words of a bubble: pictures that were fetched, checked and drawn anew.  Values only."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Picture:
    """A small picture; no byte of it comes from a stranger as it was sent."""

    width: int
    """Pixels."""
    height: int
    """Pixels."""
    rgba: bytes = field(repr=False)
    """Red, green, blue and opacity of each pixel, a byte each, row by row from the top; not premultiplied."""
    png: bytes = field(repr=False)
    """The same as a PNG file."""

    def __post_init__(self) -> None:
        assert len(self.rgba) == 4 * self.width * self.height


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of one notification, as far as they could be had."""

    icon: Picture | None = None
    image: Picture | None = None


NONE = Pictures()
