"""`run` and `demo`: follow streams and show what they say, with an icon in the tray."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from notifier import config
from notifier.appearance import Appearance
from notifier.cli.autostart import autostart_of
from notifier.cli.desktop import follow, open_desktop
from notifier.cli.options import File, Headers, NoTray, PlainCredentials, Urls, Verbose
from notifier.cli.place import config_file, history_path, page_path, state_path
from notifier.cli.terminal import ending, is_read, log, print_line, say
from notifier.config import Config
from notifier.configfile import ConfigFile
from notifier.desktop import bus_to_use, session_bus
from notifier.errands import Errands
from notifier.errors import ConfigurationBroken, TrayUnavailable, UsageError
from notifier.language import _
from notifier.lookout import Lookout, system_bus
from notifier.loop import LoopThread, hearing
from notifier.status import Command, Verb
from notifier.store import Store
from notifier.surroundings import News
from notifier.tray.tray import Tray

if TYPE_CHECKING:
    from notifier.agent import Agent, Reload


def add(app: typer.Typer) -> None:
    """Give `app` these commands."""
    app.command()(run)
    app.command()(demo)


def run(
    urls: Urls = None,
    file: File = None,
    header: Headers = None,
    allow_plain_credentials: PlainCredentials = False,
    no_tray: NoTray = False,
    verbose: Verbose = False,
) -> int:
    """Follow streams and show their events as notifications, with an icon in the tray.

    sse-notifier run https://ntfy.sh/mytopic/sse
    """
    log(verbose=verbose)
    if not urls:
        if header or allow_plain_credentials:
            raise UsageError(_("--header and --allow-plain-credentials are for URLs; the configuration has its own"))
        return _run_configured(file, with_tray=not no_tray)
    if file is not None:
        raise UsageError(_("follow either URLs or a configuration; the URLs can be written into it"))
    settings = config.from_arguments(urls, header or (), os.environ, allow_plain_credentials=allow_plain_credentials)
    return _run(contextlib.nullcontext(settings), history_path(), with_tray=not no_tray)


def demo(no_tray: NoTray = False, verbose: Verbose = False) -> int:
    """Start the bundled server on a free port and show what it publishes."""
    log(verbose=verbose)
    return _run(_demo_server(), None, with_tray=not no_tray)


@contextlib.asynccontextmanager
async def _demo_server() -> AsyncIterator[Config]:
    from server.web import serve

    async with serve(demo="build") as base:
        print_line(_("The demo server is at {base} - open it in a browser, or publish to it:", base=base))
        print_line(f"  curl -d 'Hello from curl' {base}/events")
        print_line(_("Ctrl-C ends the demo."))
        yield config.from_arguments([f"{base}/events"])


def _run_configured(given: Path | None, *, with_tray: bool) -> int:
    file = config_file(given)
    settings = file.read_to_follow()
    with file.locked(state_path() / "locks"):
        return _run(contextlib.nullcontext(settings), history_path(), with_tray=with_tray, file=file, given=given)


def _run(
    settings: contextlib.AbstractAsyncContextManager[Config],
    history: Path | None,
    *,
    with_tray: bool,
    file: ConfigFile | None = None,
    given: Path | None = None,
) -> int:
    """The agent on its loop in the background, the tray on the main thread.

    Args:
        file: The configuration that is followed; None for URLs.
        given: Where the person said that it is.
    """
    sessions: list[tuple[Agent, Errands]] = []
    tray = Tray(
        lambda command: loop.post(_obey, sessions, command),
        missing=lambda error: say(_("No tray icon: {error}.", error=error)),
    )

    async def session() -> None:
        async with settings as config:
            tray.dress(config.tray)
            # Two fifths of what has to be imported; meanwhile the icon appears.
            from notifier.agent import Agent

            with contextlib.closing(Store(history, clock=time.time, tell=say)) as store:
                lookout = Lookout(system_bus(os.environ), session_bus(os.environ))
                errands = Errands(
                    file or config_file(None),
                    lambda limit, stream: store.history(limit=limit, stream=stream),
                    page_path(),
                    # At login there are no URLs from a command line.
                    None if file is None else autostart_of(given),
                    os.environ,
                )
                agent = Agent(
                    config,
                    store,
                    open_desktop,
                    follow,
                    lambda status: tray.update(replace(status, autostart=errands.starts_at_login)),
                    reload=None if file is None else partial(_reload, file.follow, tray.dress),
                    errands=errands.table(),
                    stay=file is not None,
                    watch=partial(_watch, lookout, leave) if ends_with_session else lookout.run,
                    environ=os.environ,
                )
                sessions.append((agent, errands))
                await agent.run()

    def leave() -> None:
        say(_("The desktop session is over, and with it this program."))
        loop.stop()

    # Who keeps it from hanging up, as nohup does, or goes without a tray, may want it to outlive the session.
    ends_with_session = with_tray and sys.platform.startswith("linux") and signal.SIGHUP in ending()
    # Without a session bus there is neither tray nor bubble; choosing who shows bubbles says so, once.
    if sys.platform.startswith("linux") and bus_to_use(os.environ, is_read=is_read()) is None:
        with_tray = False
    loop = LoopThread(session, on_exit=tray.stop)
    signals: dict[int, Callable[[], None]] = dict.fromkeys(ending(), loop.stop)
    if file is not None and hasattr(signal, "SIGHUP") and signal.SIGHUP in signals and not _has_terminal():
        # Without a terminal nobody hangs up; then it asks to read the configuration again, as it does of services.
        signals[signal.SIGHUP] = partial(loop.post, file.look_again)
    with hearing(signals), loop:
        try:
            if with_tray:
                tray.run()
            else:
                loop.wait()
        except TrayUnavailable as error:
            say(_("No tray icon: {error}.", error=error))
            loop.wait()
    return 0


def _has_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


async def _watch(lookout: Lookout, leave: Callable[[], None], tell: Callable[[News], None]) -> None:
    """The network and the clocks, and the session, whose end is ours."""
    from notifier.desktop.session import over

    async def stay() -> None:
        await over(os.environ)
        leave()

    async with asyncio.TaskGroup() as group:
        group.create_task(lookout.run(tell), name="lookout")
        group.create_task(stay(), name="session")


async def _reload(
    reload: "Reload",
    dress: Callable[[Appearance], None],
    current: Config,
    taken: Callable[[Config], None],
    refused: Callable[[ConfigurationBroken], None],
) -> None:
    """What concerns the tray's looks, the agent need not know."""

    def take(config: Config) -> None:
        dress(config.tray)
        taken(config)

    await reload(current, take, refused)


def _obey(sessions: "list[tuple[Agent, Errands]]", command: Command) -> None:
    for agent, errands in sessions:
        if command.verb is Verb.LOOK:
            errands.look()
        # Quitting is the tray's to do: it lets go of the main thread, which cancels the agent.
        if command.verb is not Verb.QUIT:
            agent.obey(command)
