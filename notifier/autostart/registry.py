"""The Run key of the person's own registry: Windows starts each of its values at login.

Not yet run on Windows.  What the Task Manager's page "Startup apps" switches stands beside it, in StartupApproved.
"""

import contextlib
import sys
from collections.abc import Sequence
from subprocess import list2cmdline

from notifier.autostart.entry import NAME
from notifier.errors import AutostartFailed
from notifier.language import _

RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
APPROVED = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"


def command_line(command: Sequence[str]) -> str:
    """One line that the programs of Windows part into these words again."""
    return list2cmdline(command)


if sys.platform == "win32":
    import winreg

    class RunKey:
        """The value called `sse-notifier`.

        Args:
            text: Its command line.
        """

        def __init__(self, text: str) -> None:
            self.text = text

        @property
        def place(self) -> str:
            return rf"HKEY_CURRENT_USER\{RUN}\{NAME}"

        def read(self) -> str | None:
            try:
                value, switch = _value(RUN), _value(APPROVED)
            except OSError as error:  # a policy of whoever administers the machine, most likely
                raise AutostartFailed(
                    _("{path} cannot be read ({why})", path=self.place, why=error.strerror)
                ) from error
            # An odd first byte says that the person switched it off there.
            is_off = isinstance(switch, bytes) and switch[:1] != b"" and switch[0] % 2 == 1
            return value if isinstance(value, str) and not is_off else None

        def write(self) -> None:
            try:
                with winreg.CreateKeyEx(winreg.HKEY_CURRENT_USER, RUN, 0, winreg.KEY_SET_VALUE) as key:
                    winreg.SetValueEx(key, NAME, 0, winreg.REG_SZ, self.text)
                _remove(APPROVED)
            except OSError as error:
                raise AutostartFailed(
                    _("{path} cannot be written ({why})", path=self.place, why=error.strerror)
                ) from error

        def remove(self) -> None:
            try:
                _remove(RUN)
            except OSError as error:
                raise AutostartFailed(
                    _("{path} cannot be removed ({why})", path=self.place, why=error.strerror)
                ) from error

    def _value(path: str) -> object:
        with (
            contextlib.suppress(FileNotFoundError),
            winreg.OpenKey(winreg.HKEY_CURRENT_USER, path, 0, winreg.KEY_QUERY_VALUE) as key,
        ):
            return winreg.QueryValueEx(key, NAME)[0]
        return None

    def _remove(path: str) -> None:
        with (
            contextlib.suppress(FileNotFoundError),
            winreg.OpenKey(winreg.HKEY_CURRENT_USER, path, 0, winreg.KEY_SET_VALUE) as key,
        ):
            winreg.DeleteValue(key, NAME)
