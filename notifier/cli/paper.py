"""What a command has to report, laid out: marks and headlines on a terminal, the same words plain in a pipe."""

from rich.console import Console
from rich.text import Text

from notifier.cli.terminal import print_line
from notifier.cli.wrap import wrapped
from notifier.desktop.log import safe
from notifier.finding import Finding, Level

MARKS = {Level.FINE: ("✓", "green"), Level.NOTE: ("!", "yellow"), Level.WRONG: ("✗", "bold red")}
WIDEST = 110
"""Columns of text; longer lines are hard to read."""
NARROWEST = 10
"""Columns of text; a terminal that is narrower breaks the lines itself."""


class Paper:
    """Standard output of a command that reports."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False, emoji=False)
        self._is_terminal = self._console.is_terminal
        self.width = min(self._console.width, WIDEST) if self._is_terminal else None
        """Columns; None in a pipe, where lines are as long as they are."""

    def line(self, text: str = "", *, style: str = "", mark: str = "", mark_style: str = "", indent: int = 0) -> None:
        """One line; on a terminal as many as it takes, the later ones below the beginning of the first."""
        margin = indent + (len(mark) + 1 if mark else 0)
        parts = wrapped(text, max(self.width - margin, NARROWEST)) if self.width else [text]
        for number, part in enumerate(parts):
            said = Text(" " * indent)
            if mark:
                said.append(mark if number == 0 else " " * len(mark), mark_style)
                said.append(" ")
            said.append(safe(part), style)
            self._print(said)

    def head(self, text: str) -> None:
        """What comes next."""
        self.line()
        self.line(text, style="bold")

    def fields(self, pairs: list[tuple[str, str]]) -> None:
        """Names and what they are, below each other."""
        widest = max(len(name) for name, _value in pairs)
        for name, value in pairs:
            self.line(value, mark=f"{name:<{widest}} ", mark_style="dim", indent=2)

    def finding(self, finding: Finding, *, about: str = "") -> None:
        """What was found out, what it means, and what to do."""
        mark, style = MARKS[finding.level]
        self.line(
            f"{about}{finding.what}",
            mark=mark,
            mark_style=style,
            style="bold" if finding.level is Level.WRONG else "",
            indent=2,
        )
        if finding.why:
            self.line(finding.why, style="dim", indent=4)
        if finding.todo:
            self.line(finding.todo, mark="→", mark_style="cyan", indent=4)

    def block(self, text: str) -> None:
        """Lines to copy, as they are."""
        for line in text.splitlines():
            self._print(Text(line, "cyan"))

    def _print(self, text: Text) -> None:
        with self._console.capture() as printed:
            self._console.print(text, soft_wrap=True, end="")
        print_line(printed.get())
