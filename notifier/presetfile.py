"""A directory of the person's own presets in, the presets in its files and what is wrong with them out.

It reads files and watches none; `preset` says what they mean.
"""

import contextlib
from pathlib import Path

from notifier import preset
from notifier.errors import ConfigurationBroken
from notifier.language import _
from notifier.preset import Preset

DIRECTORY = "presets"
"""Beside the configuration file."""
FILES_LIMIT = 100
"""Files that are read."""
SIZE_LIMIT = 1 << 20
"""Bytes of one file."""


class PresetFiles:
    """The directory; it may not be there."""

    def __init__(self, configuration: Path) -> None:
        self._directory = configuration.parent / DIRECTORY

    def texts(self) -> dict[str, bytes]:
        """What each file that can be read holds, by its name for the person."""
        texts: dict[str, bytes] = {}
        for path in sorted(self._directory.glob("*.toml"))[:FILES_LIMIT]:
            with contextlib.suppress(OSError), path.open("rb") as file:
                texts[f"{DIRECTORY}/{path.name}"] = file.read(SIZE_LIMIT)
        return texts

    def read(self) -> tuple[list[Preset], list[str]]:
        """The presets, and a sentence for each mistake."""
        found: list[Preset] = []
        problems: list[str] = []
        for name, data in self.texts().items():
            try:
                found.append(preset.parse(data.decode("utf-8-sig"), name))
            except ConfigurationBroken as error:
                problems += error.problems
            except UnicodeDecodeError as error:
                line = data[: error.start].count(b"\n") + 1
                problems.append(
                    _("{name}:{line}: this is not UTF-8; have the editor save it as UTF-8", name=name, line=line)
                )
        return found, problems
