"""This machine and a configuration in, what was seen of both out.  It looks, and changes nothing."""

import asyncio
import os
import platform
import shutil
import stat
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from notifier import __version__
from notifier.autostart import Autostart, State
from notifier.checkup import Access, Configuration, History, Machine, Start
from notifier.config import Config
from notifier.configfile import ConfigFile
from notifier.desktop.survey import look_around
from notifier.diagnosis import diagnose
from notifier.environment import Environment
from notifier.errors import Ailment, ConfigurationMissing, NotifierError, StoreError, UsageError
from notifier.finding import Finding
from notifier.history import read_history
from notifier.language import _
from notifier.patience import within
from notifier.preset import Preset
from notifier.probe import Probe
from notifier.proxy import from_environment
from notifier.stream import Stream

PACKAGES = ("aiohttp", "dbus-fast", "desktop-notifier", "jinja2", "pillow", "plyer", "pydantic", "pystray")
"""Those whose versions matter when something is odd."""
PATIENCE = 8.0
"""Seconds for each of configuration, history and autostart; a history that is locked takes five to say so."""
AT_ONCE = 20
"""Streams that are looked at at a time."""
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


async def look_at_machine(
    file: ConfigFile, history: Path, autostart: Autostart, environ: Mapping[str, str]
) -> tuple[Machine, Config]:
    """What there is on this machine, and of the configuration what is in order."""
    desk = await look_around(environ)
    looks = _look_at_configuration(file), _look_at_history(history), _look_at_autostart(autostart)
    (configuration, config), kept, (start, place) = await asyncio.gather(*looks)
    proxies, proxy_problem = _proxies(environ)
    machine = Machine(
        desk=desk,
        version=__version__,
        python=platform.python_version(),
        system=platform.system(),
        platform=sys.platform,
        packages=_packages(),
        configuration=configuration,
        history=kept,
        autostart=start,
        autostart_place=place,
        proxies=proxies,
        proxy_problem=proxy_problem,
        now=time.time(),
    )
    return machine, config


async def look_at_streams(
    streams: Sequence[Stream], presets: Mapping[str, Preset], seconds: float
) -> list[tuple[str, list[Finding]]]:
    """What is to be said of each stream, after a look of so many seconds, in their order."""
    places = asyncio.Semaphore(AT_ONCE)

    async def look(stream: Stream) -> tuple[str, list[Finding]]:
        async with places:
            return stream.name, diagnose(await Probe(stream, presets, lambda _: None).run(seconds))

    return await asyncio.gather(*map(look, streams))


async def _look_at_configuration(file: ConfigFile) -> tuple[Configuration, Config]:
    path = str(file.path)

    def look() -> tuple[Configuration, Config]:
        try:
            config, mistakes = file.salvage()
        except ConfigurationMissing as error:
            # A link to nowhere is there, and an editor or `config init` would stumble over it.
            access = Access.CLOSED if file.path.is_symlink() else Access.MISSING
            return Configuration(path=path, access=access, problem=str(error)), Config()
        except UsageError as error:
            return Configuration(path=path, access=Access.CLOSED, problem=str(error)), Config()
        found = Configuration(
            path=path,
            mistakes=mistakes,
            streams=len(config.streams),
            mode=stat.S_IMODE(file.path.stat().st_mode) if sys.platform != "win32" else 0o600,
            has_secrets=any(stream.has_credentials for stream in config.streams),
        )
        return found, config

    try:
        return await within(PATIENCE, look)
    except TimeoutError:
        return Configuration(path=path, access=Access.SLOW), Config()


async def _look_at_history(path: Path) -> History:
    def look() -> History:
        exists = path.exists()
        found = History(
            path=str(path),
            access=Access.READ if exists else Access.MISSING,
            is_writable=_may_write(path) if exists else True,
            size=path.stat().st_size if exists else 0,
            free=_free(path),
        )
        try:
            read_history(path, limit=1)
        except StoreError as error:
            return replace(found, access=Access.CLOSED, problem=str(error), ailment=error.ailment)
        return found

    try:
        return await within(PATIENCE, look)
    except TimeoutError:
        return History(path=str(path), access=Access.SLOW)
    except OSError as error:
        problem = _("The history {path} cannot be read because {reason}", path=path, reason=error.strerror)
        return History(path=str(path), access=Access.CLOSED, problem=problem, ailment=Ailment.CLOSED)


async def _look_at_autostart(autostart: Autostart) -> tuple[Start, str]:
    def look() -> tuple[Start, str]:
        found = {State.ON: Start.ON, State.OFF: Start.OFF, State.OTHER: Start.OTHER}[autostart.state()]
        return found, autostart.place() or ""

    try:
        return await within(PATIENCE, look)
    except NotifierError as error:
        return Start.UNKNOWN, str(error)
    except TimeoutError:
        return Start.UNKNOWN, _("its folder does not answer; it may lie on a network drive that is away")


def _may_write(path: Path) -> bool:
    """SQLite writes to files beside it too."""
    effective = os.access in os.supports_effective_ids
    return all(os.access(place, os.W_OK, effective_ids=effective) for place in (path, path.parent))


def _free(path: Path) -> int | None:
    for place in path.parents:
        if place.is_dir():
            return shutil.disk_usage(place).free
    return None


def _proxies(environ: Mapping[str, str]) -> tuple[dict[str, str], str]:
    try:
        from_environment(Environment(environ))
    except ValueError as error:
        return {}, str(error)
    given = {name: environ.get(name) or environ.get(name.upper()) or "" for name in PROXIES}
    # Credentials stand before the @.
    return {name: value.rpartition("@")[2] for name, value in given.items() if value}, ""


def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
