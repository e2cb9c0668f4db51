"""The help and the complaints of the command line in the person's language.

Typer takes the help of a command from its docstring and words its complaints itself, both in English; here they are
said again as everything else is.
"""

import re
from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

import typer

from notifier.language import N_, _

COMPLAINTS = (
    N_("No such option: {name}"),
    N_("No such option: {name} Did you mean {meant}?"),
    N_("No such command {name}."),
    N_("No such command {name}. Did you mean {meant}?"),
    N_("Missing command."),
    N_("Missing argument {name}."),
    N_("Missing option {name}."),
    N_("Option {name} requires an argument."),
    N_("Option {name} does not take a value."),
    N_("Got unexpected extra argument ({name})"),
    N_("Got unexpected extra arguments ({name})"),
    N_("Invalid value for {name}: {why}"),
)
"""What typer says, with fields where it says what it is about."""


HELP = N_("Show this message and exit.")


def translate(command: Any) -> None:  # typer does not say what a command is
    """Have `command`, and all below it, say its help in the person's language."""
    for owner in _owners(command):
        owner.help = _(cleandoc(owner.help))
    for each in _commands(command):
        options = list(each.params)
        if option := each.get_help_option(typer.Context(each)):
            option.help = _(HELP)
            options.append(option)
        for option in options:
            if getattr(option, "is_flag", False):
                # Typer would say <bool>, and whoever believes that writes a value after it.
                option.metavar = ""


def fold() -> None:
    """Have the help go on in the next line where it is too wide, instead of being cut.

    Rich counts letters where it should count columns, and would cut the end of a line of Korean off.
    """
    from rich import columns
    from rich.table import Table
    from typer import rich_utils

    class Folding(Table):
        def add_row(self, *cells: Any, **options: Any) -> None:
            super().add_row(*cells, **options)
            for column in self.columns:
                column.overflow = "fold"

    for module in (rich_utils, columns):
        vars(module)["Table"] = Folding


def messages(command: Any) -> Iterator[str]:
    """What there is to translate in the help of `command` and of all below it."""
    for owner in _owners(command):
        yield cleandoc(owner.help)


def complaint(message: str) -> str:
    """What typer says in `message`, in the person's language."""
    for known in COMPLAINTS:
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(known))
        if found := re.fullmatch(pattern, message):
            return _(known, **found.groupdict())
    return message


def _owners(command: Any) -> Iterator[Any]:
    """Commands and their parameters that have a help."""
    for each in _commands(command):
        yield from (owner for owner in (each, *each.params) if getattr(owner, "help", None))


def _commands(command: Any) -> Iterator[Any]:
    yield command
    for each in getattr(command, "commands", {}).values():
        yield from _commands(each)
