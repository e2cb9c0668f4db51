"""A command in; the text of what starts it at login out: desktop entry, systemd unit, LaunchAgent.  Pure.

Follows the Desktop Entry Specification 1.4 ("The Exec key") and Desktop Application Autostart Specification 0.5,
systemd.service(5) and systemd.syntax(7), and launchd.plist(5).
"""

from collections.abc import Sequence
from pathlib import PurePath

from notifier.errors import AutostartFailed
from notifier.language import _

NAME = "sse-notifier"
"""Of the entries' files; bubbles give it as the hint `desktop-entry`, which is how desktops find name and icon."""
TITLE = "SSE Notifier"
ABOUT = "Notifications from event streams"
ENABLED = ("X-GNOME-Autostart-enabled", "X-MATE-Autostart-enabled")
"""What the settings of a desktop write in the place of Hidden."""

Command = Sequence[str | PurePath]


def application(command: Command) -> str:
    """The entry of the desktop's list of applications."""
    return "\n".join([*_head(command), "Categories=Network;", "StartupNotify=false", ""])


def autostart(command: Command) -> str:
    """The entry of the autostart folder."""
    # The tray's own retry would do; GNOME merely draws the icon sooner when it is not asked at its busiest.
    return "\n".join([*_head(command), "X-GNOME-Autostart-enabled=true", "X-GNOME-Autostart-Delay=2", ""])


def is_switched_off(text: str) -> bool:
    """Whether an autostart entry says that it starts nothing, as desktops write it when a person unticks it."""
    pairs = dict(line.replace(" ", "").partition("=")[::2] for line in text.splitlines())
    return pairs.get("Hidden", "").lower() == "true" or any(pairs.get(key, "").lower() == "false" for key in ENABLED)


def systemd_unit(command: Command) -> str:
    """The user unit."""
    return "\n".join(
        [
            "[Unit]",
            f"Description={TITLE}",
            "PartOf=graphical-session.target",
            "After=graphical-session.target",
            "",
            "[Service]",
            f"ExecStart={_systemd_line([str(part) for part in command])}",
            # What a person must mend, such as a broken configuration, is not mended by trying again.
            "Restart=on-failure",
            "RestartPreventExitStatus=1 2",
            "RestartSec=5",
            "",
            "[Install]",
            "WantedBy=graphical-session.target",
            "",
        ]
    )


def launch_agent(command: Command) -> str:
    """The property list."""
    keys = {
        "Label": NAME,
        "ProgramArguments": [str(part) for part in command],
        "RunAtLoad": True,
        "LimitLoadToSessionType": "Aqua",
        "ProcessType": "Interactive",
    }
    import plistlib  # here, since only macOS needs it

    return plistlib.dumps(keys).decode()


def _head(command: Command) -> list[str]:
    return [
        "[Desktop Entry]",
        "Type=Application",
        "Version=1.4",
        f"Name={TITLE}",
        f"Comment={ABOUT}",
        f"Exec={' '.join(_exec_word(str(part)) for part in command)}",
        f"Icon={NAME}",
        "Terminal=false",
    ]


def _exec_word(word: str) -> str:
    """One argument: quoted, then escaped once more as every string of a desktop entry is."""
    word = _one_line(word).replace("%", "%%")
    if word and not any(letter in word for letter in " \t\"'\\><~|&;$*?#()`"):
        return word
    quoted = "".join(f"\\{letter}" if letter in '"`$\\' else letter for letter in word)
    return f'"{quoted}"'.replace("\\", "\\\\")


def _systemd_line(words: Sequence[str]) -> str:
    """The program's own path, in which no variable is looked for, and its arguments."""
    program, *arguments = words
    return " ".join([_systemd_word(program), *(_systemd_word(word.replace("$", "$$")) for word in arguments)])


def _systemd_word(word: str) -> str:
    escaped = _one_line(word).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if not word or any(letter in word for letter in " \t\"'\\;") else escaped


def _one_line(word: str) -> str:
    if any(letter in word for letter in "\n\r\0"):
        raise AutostartFailed(
            _(
                "{path} cannot be started at login: no desktop entry and no unit has room for a line break; rename it",
                path=repr(word),
            )
        )
    return word
