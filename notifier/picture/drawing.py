"""The bytes of a picture file in, a small :class:`~notifier.picture.Picture` out.  For a thread, not for the loop.

Nothing of the file survives but its pixels: the picture is decoded, scaled and encoded anew, so no daemon ever parses
what a stranger sent.  Only the first frame of an animation is read.
"""

import io
import warnings
from typing import Final

from notifier.picture import Picture

FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP")
"""Kinds of files that are opened; Pillow knows dozens more that no web page needs."""
PIXELS: Final = 16_000_000
"""Pixels of a file that is still opened: they are 64 MB for a moment.  A small file may claim any number of them."""


def draw(data: bytes, side: int) -> Picture:
    """The picture, at most `side` pixels wide and high.

    Raises:
        ValueError: it is none, is of another kind, is broken, or claims too many pixels.
    """
    from PIL import Image, ImageOps

    # What a stranger's file claims is nobody's to read.  For good: to put the filters back is not safe in a thread.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            width, height = opened.size
            if width * height > PIXELS:
                raise ValueError(f"it has {width} x {height} pixels")
            opened.draft("RGB", (side, side))  # JPEG only: decodes no more pixels than are needed
            drawn = ImageOps.exif_transpose(opened).convert("RGBA")
        drawn.thumbnail((side, side), Image.Resampling.LANCZOS)
        # A colour profile is a stranger's bytes, may be larger than all of our pixels, and would be written too.
        drawn.info.clear()
        png = io.BytesIO()
        drawn.save(png, "PNG")
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(f"it cannot be read ({type(error).__name__})") from error
    return Picture(drawn.width, drawn.height, drawn.tobytes(), png.getvalue())
