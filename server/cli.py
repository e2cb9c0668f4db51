"""The command `sse-server`: arguments in, a running server out.  The only place here that prints."""

import asyncio
import errno
import logging
import signal
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from server.demo import PLAYS
from server.web import serve

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def script() -> None:
    """The console entry point."""
    sys.exit(main(sys.argv[1:]))


def main(argv: list[str]) -> int:
    """Run `sse-server` with these arguments and return its exit code."""
    try:
        app(argv, prog_name="sse-server")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"sse-server {version('sse-notifier')}")
        raise typer.Exit


def _known_play(name: str | None) -> str | None:
    if name is not None and name not in PLAYS:
        raise typer.BadParameter("one of " + ", ".join(PLAYS))
    return name


@app.callback(invoke_without_command=True)
def _serve(
    host: Annotated[str, typer.Option(help="Name or address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8080,
    demo: Annotated[
        str | None,
        typer.Option(help="Publish by itself: " + ", ".join(PLAYS) + ".", metavar="NAME", callback=_known_play),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Say what happens, on standard error.")] = False,
    _: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Serve Server-Sent Events that anyone on this machine can publish with curl."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    try:
        asyncio.run(_run(host, port, demo))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return
    except OSError as error:
        print(f"sse-server: {_explain(error, host, port)}", file=sys.stderr)
        raise typer.Exit(1) from error


async def _run(host: str, port: int, demo: str | None) -> None:
    """Serve until the task is cancelled; SIGTERM does that, as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None
    if sys.platform != "win32":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with serve(host=host, port=port, demo=demo) as url:
        print(_greeting(url), flush=True)
        await asyncio.get_running_loop().create_future()


def _greeting(url: str) -> str:
    """The first line is for programs too: the URL is its last word."""
    return (
        f"Serving {url}/\n  publish    curl -d 'Backup done' {url}/events\n  notify me  sse-notifier run {url}/events"
    )


def _explain(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} of {host} is taken; stop the program that has it, or choose another with --port"
        case errno.EACCES:
            return f"port {port} of {host} is not allowed here; choose one above 1023 with --port"
        case errno.EADDRNOTAVAIL:
            return f"{host} is no address of this machine; choose another with --host"
    return f"cannot listen on {host}: {error.strerror or error}; choose another address with --host"
