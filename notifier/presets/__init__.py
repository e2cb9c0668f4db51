"""A preset's name in, the preset that comes with the program out.  It reads nothing but this package's own files."""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from notifier import preset
from notifier.errors import UsageError
from notifier.language import _
from notifier.preset import GENERIC, Preset


@cache
def names() -> tuple[str, ...]:
    """The names of all presets that come with the program, sorted."""
    found = (file.name for file in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


@cache
def bundled(name: str) -> Preset:
    """The preset of that name; ``generic`` is the one that knows nothing.

    Raises:
        UsageError: there is none.
    """
    if name == GENERIC.name:
        return GENERIC
    if name not in names():
        raise UsageError(_("there is no preset {name!r}; there are {names}", name=name, names=", ".join(names())))
    return preset.parse(files(__name__).joinpath(f"{name}.toml").read_text("utf-8"), f"{name}.toml", proven=True)


def known(own: Iterable[Preset] = ()) -> dict[str, Preset]:
    """Every preset by its name, the person's own ones first; one of the same name takes the place of ours."""
    mine = {one.name: one for one in own}
    return mine | {name: bundled(name) for name in names() if name not in mine}
