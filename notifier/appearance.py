"""How the tray icon is to look: the settings of `[tray]`.  Pure.

Whether the file is a picture is seen when it is drawn.
"""

from typing import Literal

from notifier.stream import FilePath, Settings

Style = Literal["auto", "colour", "mono-light", "mono-dark"]


class Appearance(Settings):
    """The tray icon."""

    style: Style = "auto"
    """`"colour"` has a colour for each state; `"mono-light"` is light, for dark panels; `"mono-dark"` is dark, for
    light ones; `"auto"` is what the system's own icons are: of the menu bar's colour on macOS, coloured elsewhere."""
    icon: FilePath | None = None
    """A picture (PNG, JPEG, GIF, WebP, BMP or ICO) in place of the bell; state and count are drawn on it.  The path is
    relative to the configuration file."""
