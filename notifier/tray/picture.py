"""The file of a person's own icon in, a checked picture out."""

import io
from pathlib import Path

from PIL import Image

from notifier.errors import UsageError
from notifier.language import _

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "ICO")
FILE_LIMIT = 4 << 20
"""Bytes of the file."""
SIDE_LIMIT = 4_096
"""Pixels a side."""
KEPT = 256
"""Pixels a side of what is kept; more is never drawn."""


def read_picture(path: Path) -> Image.Image:
    """The picture in the file at `path`, in RGBA and no larger than `KEPT`.

    Raises:
        UsageError: it cannot be read, is none, or is too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_LIMIT + 1)
    except OSError as error:
        raise UsageError(_("tray.icon: {path} cannot be read ({why})", path=path, why=error.strerror)) from error
    if len(data) > FILE_LIMIT:
        raise UsageError(_("tray.icon: {path} is larger than {limit} MiB", path=path, limit=FILE_LIMIT >> 20))
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if max(image.size) > SIDE_LIMIT:
                raise UsageError(
                    _("tray.icon: {path} is larger than {limit} pixels a side", path=path, limit=SIDE_LIMIT)
                )
            picture = image.convert("RGBA")
    except UsageError:
        raise
    except Exception as error:
        # Decoders fail in their own ways on what strangers made: OSError, SyntaxError, ValueError, struct.error …
        raise UsageError(_("tray.icon: {path} is no picture that can be read; make it a PNG", path=path)) from error
    picture.thumbnail((KEPT, KEPT))
    return picture
