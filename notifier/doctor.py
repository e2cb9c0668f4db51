"""This machine and a configuration in, what was seen of both out.  It looks, and changes nothing."""

import asyncio
import os
import platform
import shutil
import stat
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from notifier import __version__
from notifier.autostart import Autostart, State
from notifier.checkup import Machine, Screen, Start
from notifier.config import Config
from notifier.configfile import ConfigFile
from notifier.desktop.desk import look_around
from notifier.diagnosis import Finding, diagnose
from notifier.environment import Environment
from notifier.errors import ConfigurationBroken, NotifierError, UsageError
from notifier.history import read_history
from notifier.preset import Preset
from notifier.probe import Probe
from notifier.proxy import from_environment
from notifier.stream import Stream

PACKAGES = ("aiohttp", "dbus-fast", "desktop-notifier", "jinja2", "pillow", "plyer", "pydantic", "pystray")
"""Those whose versions matter when something is odd."""
AT_ONCE = 20
"""Streams that are looked at at a time."""
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


async def look_at_machine(
    file: ConfigFile, history: Path, autostart: Autostart, environ: Mapping[str, str]
) -> tuple[Machine, Config | None]:
    """What there is on this machine, and the configuration if it is one."""
    desk = await look_around(environ)
    screen = Screen(
        is_linux=desk.is_linux,
        wayland=desk.wayland,
        x11=desk.x11,
        display_answers=desk.display_answers,
        environment=desk.environment,
        has_bus=bool(desk.bus),
        bus_problem=desk.bus_problem,
        has_watcher=desk.has_watcher,
        has_host=desk.has_host,
        daemon=desk.daemon,
        daemon_problem=desk.daemon_problem,
        capabilities=desk.capabilities,
        is_inhibited=desk.is_inhibited,
    )
    config, problems = await asyncio.to_thread(_configuration, file)
    history_problem = await asyncio.to_thread(_history_problem, history)
    start, place = _autostart(autostart)
    proxies, proxy_problem = _proxies(environ)
    exists, mode = _mode(file.path)
    has_history, size = _size(history)
    machine = Machine(
        screen=screen,
        version=__version__,
        python=platform.python_version(),
        system=platform.system(),
        packages=_packages(),
        config=str(file.path),
        config_exists=exists,
        config_problems=problems,
        streams=len(config.streams) if config else 0,
        config_mode=mode if sys.platform != "win32" else 0o600,
        has_secrets=config is not None and any(stream.has_credentials for stream in config.streams),
        history=str(history),
        history_exists=has_history,
        history_size=size,
        history_problem=history_problem,
        free=_free(history),
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


def _configuration(file: ConfigFile) -> tuple[Config | None, Sequence[str]]:
    try:
        return file.read(), ()
    except ConfigurationBroken as error:
        return None, error.problems
    except UsageError as error:
        return None, (str(error),)


def _history_problem(path: Path) -> str:
    try:
        read_history(path, limit=1)
    except NotifierError as error:
        return str(error)
    return ""


def _mode(path: Path) -> tuple[bool, int]:
    try:
        return True, stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return os.path.lexists(path), 0o600


def _size(path: Path) -> tuple[bool, int]:
    try:
        return True, path.stat().st_size
    except OSError:
        return False, 0


def _free(path: Path) -> int | None:
    for place in path.parents:
        if place.is_dir():
            return shutil.disk_usage(place).free
    return None


def _autostart(autostart: Autostart) -> tuple[Start, str]:
    try:
        found = {State.ON: Start.ON, State.OFF: Start.OFF, State.OTHER: Start.OTHER}[autostart.state()]
        return found, autostart.place() or ""
    except NotifierError as error:
        return Start.UNKNOWN, str(error)


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
