"""The command `sse-server`: arguments in, an exit code out.  Only this package prints."""

import signal
import sys
from collections.abc import Callable

import typer

from server.cli import messages, tokens
from server.cli.serve import serve
from server.cli.terminal import NobodyReads, OutputFailed, failed

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
app.callback(invoke_without_command=True)(serve)
app.command()(messages.publish)
app.command()(messages.tail)

token = typer.Typer(rich_markup_mode=None, help="Tokens that let in who has one.")
token.callback(invoke_without_command=True)(tokens.show_help)
token.command()(tokens.add)
token.command("list")(tokens.list_)
token.command()(tokens.revoke)
app.add_typer(token, name="token")


def main(argv: list[str], *, begin: Callable[[], object] = lambda: None) -> int:
    """Run `sse-server` with these arguments and return its exit code.

    Args:
        begin: called just before the command runs.
    """
    try:
        begin()
        code = app(args=argv, prog_name="sse-server", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()  # at exit, nobody could say any more that it failed
    except NobodyReads:
        return 0
    except OutputFailed as error:
        return failed(str(error)).exit_code
    except typer.TyperException as error:
        print(f"sse-server: {error.format_message()} ({_command_path(argv)} --help tells more)", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except SystemExit as end:
        code = end.code
    return code if isinstance(code, int) else 0


def _command_path(argv: list[str]) -> str:
    """The command that these arguments begin with; an error has it too, but not that of an option without its value."""
    path, commands = "sse-server", getattr(typer.main.get_command(app), "commands", {})
    for word in argv:
        if word not in commands:
            break
        path, commands = f"{path} {word}", getattr(commands[word], "commands", {})
    return path
