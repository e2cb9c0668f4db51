"""What starts at login, judged by those who read it: GLib, desktop-file-validate, systemd and plistlib."""

import json
import plistlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from notifier.autostart import entry
from notifier.autostart.registry import command_line
from notifier.errors import AutostartFailed
from tests.needs import needs

ODD = [
    "plain",
    "with space",
    "100%",
    "50%%",
    "$HOME",
    'say "hi"',
    "it's",
    "back\\slash",
    "\\",
    "a;b|c&d",
    "`id`",
    "",
    "한글",
]
Write = Callable[[list[str]], str]
TELL = "import json, os, sys; open(os.environ['TOLD'], 'w').write(json.dumps(sys.argv[1:]))"


@pytest.mark.parametrize("write", [entry.application, entry.autostart])
def test_glib_starts_what_the_entry_means(tmp_path: Path, write: Write) -> None:
    (gio,) = needs("libglib2.0-bin", "gio")
    script, told = tmp_path / "a script.py", tmp_path / "told"
    script.write_text(TELL)
    file = tmp_path / "entry.desktop"
    file.write_text(write([sys.executable, str(script), *ODD]))
    subprocess.run([gio, "launch", str(file)], check=True, env={"TOLD": str(told), "HOME": str(tmp_path)}, timeout=9)
    assert json.loads(_when_written(told)) == ODD


@pytest.mark.parametrize("write", [entry.application, entry.autostart])
def test_the_specification_s_own_validator_finds_nothing(tmp_path: Path, write: Write) -> None:
    (validate,) = needs("desktop-file-utils", "desktop-file-validate")
    file = tmp_path / "sse-notifier.desktop"
    file.write_text(write(["/opt/an app/sse-notifier", "run", "--config", "/home/ann/a b.toml"]))
    result = subprocess.run([validate, str(file)], capture_output=True, text=True, check=False, timeout=9)
    assert (result.returncode, result.stdout) == (0, "")


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    (analyze,) = needs("systemd", "systemd-analyze")
    unit = tmp_path / "sse-notifier.service"
    program = tmp_path / "$HOME 100%" / "sse-notifier"
    program.parent.mkdir()
    program.symlink_to(sys.executable)
    unit.write_text(entry.systemd_unit([program, *ODD]))
    result = subprocess.run(
        [analyze, "--user", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        timeout=9,
        env={"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )
    assert str(unit) not in result.stderr
    assert "sse-notifier.service:" not in result.stderr


def test_launchd_is_given_each_word_as_it_is() -> None:
    keys = plistlib.loads(entry.launch_agent(["/usr/bin/python3", *ODD]).encode())
    assert keys["ProgramArguments"] == ["/usr/bin/python3", *ODD]
    assert (keys["Label"], keys["RunAtLoad"]) == ("sse-notifier", True)


def test_windows_is_given_a_line_that_its_programs_part_into_the_same_words() -> None:
    assert command_line([r"C:\Program Files\Python\pythonw.exe", "-m", "notifier", "run"]) == (
        r'"C:\Program Files\Python\pythonw.exe" -m notifier run'
    )


@pytest.mark.parametrize(
    ("text", "is_off"),
    [
        ("[Desktop Entry]\nExec=x\n", False),
        ("[Desktop Entry]\nHidden=true\n", True),
        ("[Desktop Entry]\nHidden = true\n", True),
        ("[Desktop Entry]\nX-GNOME-Autostart-enabled=false\n", True),
        ("[Desktop Entry]\nX-MATE-Autostart-enabled=false\n", True),
        ("[Desktop Entry]\nX-GNOME-Autostart-enabled=true\nX-MATE-Autostart-enabled=false\n", True),
        ("[Desktop Entry]\nX-GNOME-Autostart-enabled=true\nHidden=false\n", False),
    ],
)
def test_an_entry_that_a_person_unticked_starts_nothing(text: str, is_off: bool) -> None:
    assert entry.is_switched_off(text) is is_off


@pytest.mark.parametrize("write", [entry.application, entry.systemd_unit])
def test_a_line_break_cannot_add_a_line(write: Write) -> None:
    with pytest.raises(AutostartFailed, match=r"^'a\\nExec=/bin/evil' cannot be started at login: .* a line break"):
        write(["/bin/x", "a\nExec=/bin/evil"])


def test_a_dollar_is_doubled_where_systemd_looks_for_variables_and_nowhere_else() -> None:
    unit = entry.systemd_unit(["/opt/$x/sse-notifier", "run", "--config", "/a/$b.toml"])
    assert "\nExecStart=/opt/$x/sse-notifier run --config /a/$$b.toml\n" in unit


def test_the_entry_that_packages_install_is_the_same() -> None:
    packaged = Path(entry.__file__).parent.parent / "assets" / "sse-notifier.desktop"
    assert packaged.read_text() == entry.application(["sse-notifier", "run"])


def _when_written(file: Path) -> str:
    # `gio launch` does not wait for what it starts.
    for _ in range(900):
        if file.is_file() and (text := file.read_text()):
            return text
        subprocess.run(["sleep", "0.01"], check=True)
    raise AssertionError("nothing was started")
