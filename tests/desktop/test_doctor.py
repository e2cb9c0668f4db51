"""`sse-notifier doctor` on a real desktop, with real streams, as a person types it."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

import notifier
from tests.desktop.rig import Piece, Rig
from tests.notifier.loopback import OK, Act, loopback


async def doctor(rig: Rig, config: Path, **environ: str) -> tuple[int, list[dict[str, object]], str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "notifier", "doctor", "--json", "--seconds", "0.5", "--config", str(config)),
        env={**rig.environ, **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, json.loads(out)["findings"] if out else [], errors.decode()


def told(findings: list[dict[str, object]], topic: str) -> dict[str, object]:
    return next(finding for finding in findings if finding["topic"] == topic)


async def test_a_desktop_that_has_everything_is_well(rig: Rig, dunst: Piece, panel: Piece, tmp_path: Path) -> None:
    async with loopback([OK, b"id: 1\ndata: hello\n\n", Act.HANG]) as server:
        config = tmp_path / "config.toml"
        config.write_text(f'[[streams]]\nurl = "{server.url}"\nname = "ci"\n')
        _, findings, errors = await doctor(rig, config)
    assert errors == ""
    assert {told(findings, topic)["level"] for topic in ("display", "bus", "tray", "daemon")} == {"fine"}
    assert "dunst" in str(told(findings, "daemon")["what"])
    assert {finding["stream"] for finding in findings} == {None, "ci"}
    assert not [finding for finding in findings if finding["level"] == "wrong"]


async def test_what_is_missing_is_told_and_so_is_a_stream_that_cannot_be_followed(rig: Rig, tmp_path: Path) -> None:
    rig.daemon.kill()
    rig.panel.kill()
    async with loopback([b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"] * 3) as server:
        config = tmp_path / "config.toml"
        config.write_text(f'[[streams]]\nurl = "{server.url}?token=s3cret"\nname = "ci"\n')
        code, findings, errors = await doctor(rig, config, DISPLAY=":9999")
    assert code == 1
    assert told(findings, "display")["level"] == "wrong"
    assert told(findings, "tray")["level"] == "note"
    assert told(findings, "daemon")["level"] == "wrong"
    assert any(finding["stream"] == "ci" and finding["level"] == "wrong" for finding in findings)
    assert "s3cret" not in json.dumps(findings) + errors


async def doctor_without_streams(rig: Rig, **environ: str) -> dict[str, tuple[object, object]]:
    """Level and sentence of what is found of bus, tray and bubbles."""
    config = rig.home / "config.toml"
    config.touch()
    _, findings, errors = await doctor(rig, config, **environ)
    assert errors == ""
    topics = ("bus", "tray", "portal", "daemon")
    return {str(each["topic"]): (each["level"], each["what"]) for each in findings if each["topic"] in topics}


async def test_a_bus_that_hangs_is_blamed_alone(own_rig: Rig) -> None:
    own_rig.daemon.start()
    own_rig.bus.freeze()
    assert await doctor_without_streams(own_rig) == {"bus": ("wrong", "the session bus does not answer")}


async def test_a_panel_that_hangs_is_blamed_and_the_daemon_beside_it_is_well(
    rig: Rig, dunst: Piece, panel: Piece
) -> None:
    panel.freeze()
    try:
        found = await doctor_without_streams(rig)
    finally:
        panel.thaw()
    assert found["tray"] == ("wrong", "what shows tray icons is there and does not answer")
    assert found["daemon"][0] == "fine"
    assert "dunst" in str(found["daemon"][1])


async def test_a_daemon_that_hangs_is_blamed_and_the_panel_beside_it_is_well(
    rig: Rig, dunst: Piece, panel: Piece
) -> None:
    dunst.freeze()
    try:
        found = await doctor_without_streams(rig)
    finally:
        dunst.thaw()
    assert found["tray"] == ("fine", "the desktop shows tray icons")
    assert found["daemon"] == ("wrong", "the notification daemon does not answer")


async def test_in_a_snap_the_portal_is_asked_and_the_daemon_where_that_does_not_answer(rig: Rig, dunst: Piece) -> None:
    snap = str(Path(notifier.__file__).parents[1])
    found = await doctor_without_streams(rig, SNAP=snap)
    assert found["portal"] == ("note", "no notification portal answers")
    assert found["daemon"][0] == "fine"
    rig.portal_backend.restart()
    rig.portal.start()
    found = await doctor_without_streams(rig, SNAP=snap)
    assert found["portal"] == ("fine", "bubbles are shown by the notification portal, version 1")
    assert "daemon" not in found
    rig.portal.freeze()
    try:
        found = await doctor_without_streams(rig, SNAP=snap)
    finally:
        rig.portal.thaw()
    assert found["portal"] == ("note", "the notification portal does not answer")


@pytest.mark.usefixtures("no_daemon")
async def test_in_a_snap_without_portal_and_daemon_nobody_is_told_to_install_a_daemon(rig: Rig) -> None:
    found = await doctor_without_streams(rig, SNAP=str(Path(notifier.__file__).parents[1]))
    assert found["portal"] == ("wrong", "no notification portal answers")
    assert "daemon" not in found


async def test_a_broken_configuration_is_one_of_the_findings(rig: Rig, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[[streams]]\nurl = "nonsense"\n')
    code, findings, _ = await doctor(rig, config, DBUS_SESSION_BUS_ADDRESS="unix:path=/nonexistent")
    assert code == 1
    assert "config.toml:2" in str(told(findings, "configuration")["why"])
    assert told(findings, "bus")["level"] == "wrong"
