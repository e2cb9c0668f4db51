"""The desktop that the other tests stand on is a real one, and can be broken and mended."""

import os

from dbus_fast import MessageType

from tests.desktop.rig import NOTIFICATIONS, WATCHER, Piece, Rig, eventually, notify_call, until


def test_a_bubble_is_on_the_screen_and_goes_when_it_is_clicked(rig: Rig, dunst: Piece) -> None:
    rig.run("notify-send", "A title", "A body")
    until("the bubble was there", lambda: rig.bubbles() == 1)
    until("its window was there", lambda: rig.windows("Dunst"))
    window = rig.windows("Dunst")[0]
    rig.screenshot("rig-bubble")
    rig.click(window.x + window.width // 2, window.y + window.height // 2)
    until("the bubble was gone", lambda: rig.bubbles() == 0)


async def test_the_monitor_sees_what_was_said_to_the_daemon(rig: Rig, dunst: Piece) -> None:
    async with rig.monitor(f"type='method_call',interface='{NOTIFICATIONS}',member='Notify'") as seen:
        rig.run("notify-send", "-u", "critical", "-c", "im", "A title", "A body")
        await eventually("the call was seen", lambda: len(seen) == 1)
    assert seen[0].message_type is MessageType.METHOD_CALL
    call = notify_call(seen[0])
    assert (call.title, call.body, call.hints["category"].value) == ("A title", "A body", "im")
    assert (call.hints["urgency"].signature, call.hints["urgency"].value) == ("y", 2)


def test_a_panel_with_a_tray_host_comes_back_after_a_crash(rig: Rig, panel: Piece) -> None:
    assert rig.has_owner(WATCHER)
    panel.kill()
    until("the watcher was gone", lambda: not rig.has_owner(WATCHER))
    panel.start()
    assert rig.has_owner(WATCHER)
    until("the panel was drawn", lambda: rig.windows("xfce4-panel"))
    rig.screenshot("rig-panel")


def test_two_desktops_run_at_once_and_share_nothing(rig: Rig, dunst: Piece, own_rig: Rig) -> None:
    own_rig.daemon.start()
    own_rig.run("notify-send", "For one of them")
    until("the bubble was there", lambda: own_rig.bubbles() == 1)
    assert rig.bubbles() == 0
    assert rig.environ["DISPLAY"] != own_rig.environ["DISPLAY"]


def test_nothing_is_left_of_a_desktop_once_it_is_closed() -> None:
    with Rig() as rig:
        rig.bus.start()
        bus = rig.bus.pid
        assert group_lives(bus)
    assert not group_lives(bus)
    assert not rig.home.exists()


def group_lives(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True
