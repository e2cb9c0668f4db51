"""Command line in, exit code out: find the command, and say in one sentence what went wrong.

Exit codes: 0 done or ended by the person, 1 it did not work, 2 it was asked for wrongly.
"""

import io
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Annotated

import typer

from notifier import __version__, language
from notifier.cli import help as helps
from notifier.cli.terminal import Output, languages, say
from notifier.errors import NobodyReads, NotifierError, UsageError
from notifier.language import _

COMMANDS = {
    "run": "run",
    "demo": "run",
    "probe": "probe",
    "record": "record",
    "replay": "record",
    "watch": "watch",
    "history": "history",
    "rules": "rules",
    "config": "configuration",
    "autostart": "autostart",
    "doctor": "doctor",
    "test": "test",
}
"""Commands and the module of this package that has them: only the one that is wanted is imported."""


def main(argv: list[str], *, begin: Callable[[], object] = lambda: None) -> int:
    """Run a command line; its exit code.  Errors are one sentence on standard error.

    Args:
        begin: called when what the command needs is imported, just before it runs.
    """
    # A stranger's letter that the terminal cannot show is no reason to end.
    if sys.stdout is sys.__stdout__ and isinstance(sys.stdout, io.TextIOWrapper):
        out = sys.stdout
        sys.stdout = Output(
            out.buffer,
            out.encoding,
            "backslashreplace",
            line_buffering=out.line_buffering,
            write_through=out.write_through,
        )
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace")
    language.speak(os.environ, languages)
    try:
        if any(not argument.isprintable() and _has_surrogates(argument) for argument in argv):
            raise UsageError(_("an argument is not text in the encoding of this system; check the locale"))
        command = typer.main.get_command(app(argv))
        helps.translate(command)
        if not argv or "--help" in argv:
            helps.fold()
        begin()
        code = command.main(args=argv, prog_name="sse-notifier", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except NobodyReads:
        return 0
    except UsageError as error:
        return _complain(str(error), 2)
    except typer.TyperException as error:
        problem = helps.complaint(error.format_message())
        context = getattr(error, "ctx", None)
        return _complain(
            _(
                "{problem} ({command} --help tells more)",
                problem=problem,
                command=context.command_path if context else "sse-notifier",
            ),
            2,
        )
    except NotifierError as error:
        return _complain(str(error), 1)
    except (typer.Abort, KeyboardInterrupt):
        return 0
    # So typer says that Ctrl-C ended it.
    return code if isinstance(code, int) and code != 128 + signal.SIGINT else 0


def app(argv: list[str]) -> typer.Typer:
    """The command that `argv` names, or all of them where it names none."""
    program = typer.Typer(name="sse-notifier", add_completion=False, pretty_exceptions_enable=False)
    program.callback(invoke_without_command=True)(_options)
    first = argv[0] if argv else ""
    wanted = COMMANDS.get(first)
    for module in [wanted] if wanted else [] if first == "--version" else dict.fromkeys(COMMANDS.values()):
        import_module(f"notifier.cli.{module}").add(program)
    return program


def _options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Native desktop notifications from any Server-Sent Events stream."""
    if version:
        print(f"sse-notifier {__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _complain(sentence: str, code: int) -> int:
    say(sentence)
    return code
