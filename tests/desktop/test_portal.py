"""The notification portal: Debian's own on the real desktop, and a strict one for what its versions differ in."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from PIL import Image

import notifier
from notifier.desktop import choose, is_sandboxed
from notifier.desktop.portal import INTERFACE, PATH, PORTAL, PortalDesktop, notification_of, square
from notifier.errors import BubbleFailed
from notifier.notification import Action, Notification, Urgency, Withdrawal
from notifier.picture import NONE, Pictures
from tests.desktop.notifications import BUILD, Person, drawn, plain
from tests.desktop.rig import NOTIFICATIONS, NotifyCall, Piece, Rig, eventually, notify_call

NOTIFY = f"type='method_call',interface='{NOTIFICATIONS}',member='Notify'"
DEPLOY = replace(
    BUILD, actions=(Action("Approve", "https://ci.example/yes"), Action("Reject", "https://ci.example/no"))
)

OWN_SNAP = str(Path(notifier.__file__).parents[1])
"""Where the program would be installed if it were a Snap."""


@pytest.fixture
def portal(rig: Rig, dunst: Piece) -> Piece:
    """Debian's portal on the shared desktop; it shows its bubbles through dunst."""
    # What draws for it does not always get on with a portal that comes later than itself.
    rig.portal_backend.restart()
    rig.portal.start()
    return rig.portal


@asynccontextmanager
async def portal_on(
    rig: Rig, deadline: float = 6.0, desktop: str = "XFCE"
) -> AsyncIterator[tuple[PortalDesktop, Person]]:
    person = Person()
    environ = {"XDG_CURRENT_DESKTOP": desktop}
    made = PortalDesktop(rig.environ["DBUS_SESSION_BUS_ADDRESS"], person, environ, deadline=deadline)
    try:
        yield made, person
    finally:
        await made.close()


async def said(rig: Rig, desktop: PortalDesktop, *notifications: Notification) -> list[NotifyCall]:
    """What the portal made of them for dunst."""
    calls: list[NotifyCall] = []
    async with rig.monitor(NOTIFY) as seen:
        for notification in notifications:
            before = len(seen)
            await desktop.show(notification)
            await eventually("the call was seen", lambda: len(seen) > before)  # noqa: B023
            calls.append(notify_call(seen[-1]))
    return calls


async def test_a_bubble_says_what_the_notification_says(rig: Rig, portal: Piece) -> None:
    async with portal_on(rig) as (desktop, person):
        person.pictures = Pictures(image=drawn("#30a0ff", (200, 120)))
        (call,) = await said(rig, desktop, replace(DEPLOY, body="1 < 2 & <b>not bold</b>", progress=42))
        assert call.title == BUILD.title
        assert call.body == "42 %\n1 ‹ 2 & ‹b›not bold‹/b›"  # noqa: RUF001
        assert call.hints["urgency"].value == 2
        assert call.actions == ["default", "", "open-0", "Approve", "open-1", "Reject"]
        assert list(call.hints["image-data"].value[:2]) == [200, 200]
        await eventually("the bubble was on the screen", lambda: rig.windows("Dunst"))
        rig.screenshot("bubble-portal")


async def test_a_click_and_a_button_come_back(rig: Rig, portal: Piece) -> None:
    async with portal_on(rig) as (desktop, person):
        await said(rig, desktop, DEPLOY)
        rig.click_bubble()
        await eventually("the click came back", lambda: person.clicked == [DEPLOY])
        rig.close_bubbles()
        await said(rig, desktop, DEPLOY)
        rig.choose("Reject")
        await eventually("the choice came back", lambda: person.chosen == [(DEPLOY, DEPLOY.actions[1])])
        assert person.clicked == [DEPLOY]


async def test_the_same_key_takes_the_place_and_can_be_taken_back(rig: Rig, portal: Piece) -> None:
    assert BUILD.key is not None
    async with portal_on(rig) as (desktop, _):
        await said(rig, desktop, BUILD, replace(BUILD, title="Build passed: main"), replace(BUILD, stream="another ci"))
        await eventually("two were left", lambda: rig.bubbles() == 2)
        await desktop.withdraw(Withdrawal(stream=BUILD.stream, key=BUILD.key))
        await desktop.withdraw(Withdrawal(stream="nobody", key="nothing"))
        await eventually("one was left", lambda: rig.bubbles() == 1)


async def test_a_bubble_that_took_anothers_place_and_closed_leaves_the_portal_alive(rig: Rig, portal: Piece) -> None:
    """Debian's backend crashes over this more often than not, if it is told to replace; see `desktop.portal`."""
    async with portal_on(rig) as (desktop, _):
        for number in range(6):
            await desktop.show(BUILD)
            await desktop.show(replace(BUILD, title="In its place"))
            rig.close_bubbles()
            await desktop.show(replace(BUILD, title=f"Anew {number}"))
            await eventually("it was shown", lambda: rig.bubbles() == 1)
            rig.close_bubbles()
        assert rig.portal_backend.running


async def test_what_is_taken_back_at_once_goes(rig: Rig, portal: Piece) -> None:
    """The portal has taken it before the daemon has given it a number."""
    assert BUILD.key is not None
    async with portal_on(rig) as (desktop, _):
        for _number in range(3):
            await desktop.show(BUILD)
            await desktop.withdraw(Withdrawal(stream=BUILD.stream, key=BUILD.key))
            await said(rig, desktop, replace(BUILD, key="another"))
            assert rig.bubbles() == 1
            await desktop.withdraw(Withdrawal(stream=BUILD.stream, key="another"))


async def test_a_portal_that_was_restarted_gets_the_next_bubble_and_its_click(rig: Rig, portal: Piece) -> None:
    async with portal_on(rig) as (desktop, person):
        await desktop.show(plain("Before"))
        portal.kill()
        with pytest.raises(BubbleFailed, match="No portal answers on the session bus: install xdg-desktop-portal"):
            await desktop.show(plain("Meanwhile"))
        rig.portal_backend.restart()
        portal.start()
        rig.close_bubbles()
        await said(rig, desktop, BUILD)
        rig.click_bubble()
        await eventually("the click came back", lambda: person.clicked == [BUILD])


async def test_a_portal_that_hangs_fails_each_bubble_and_is_told_no_more(rig: Rig, portal: Piece) -> None:
    async with portal_on(rig) as (desktop, _):
        await said(rig, desktop, plain("Before"))
        desktop._deadline = 0.2
        async with rig.monitor(NOTIFY) as seen:
            portal.freeze()
            for title in ("First", "Second", "Third"):
                with pytest.raises(BubbleFailed, match=r"No answer from the notification portal within 0\.2 s"):
                    await desktop.show(plain(title))
            desktop._deadline = 6.0
            portal.thaw()
            for _ in range(5):
                await desktop.show(plain("After"))
                await asyncio.sleep(0.1)
            await eventually("it woke up", lambda: notify_call(seen[-1]).title == "After" if seen else False)
            assert {notify_call(message).title for message in seen} <= {"First", "After"}


async def test_a_bus_that_comes_back_is_connected_to_again(own_rig: Rig) -> None:
    own_rig.portal.start()
    async with portal_on(own_rig) as (desktop, _):
        await desktop.show(BUILD)
        own_rig.bus.kill()
        with pytest.raises(BubbleFailed, match="The session bus cannot be reached"):
            await desktop.show(BUILD)
        own_rig.bus.start()
        for piece in (own_rig.daemon, own_rig.permissions, own_rig.portal_backend, own_rig.portal):
            piece.restart()
        await said(own_rig, desktop, BUILD)


class StrictPortal:
    """A portal of the test that takes only what version 1 documents, with the types that it documents."""

    KEYS = (
        ("title", "s"),
        ("body", "s"),
        ("priority", "s"),
        ("icon", "(sv)"),
        ("default-action", "s"),
        ("buttons", "aa{sv}"),
    )

    def __init__(self, bus: MessageBus, version: int) -> None:
        self.bus, self.version = bus, version
        self.taken: list[tuple[str, dict[str, Variant]]] = []
        self.removed: list[str] = []

    def answer(self, message: Message) -> Message | bool:
        if message.message_type is not MessageType.METHOD_CALL:
            return False
        if message.member == "Get":
            assert message.body == [INTERFACE, "version"]
            return Message.new_method_return(message, "v", [Variant("u", self.version)])
        if (message.interface, message.member, message.signature) == (INTERFACE, "RemoveNotification", "s"):
            self.removed += message.body
            return Message.new_method_return(message)
        assert (message.interface, message.member, message.signature) == (INTERFACE, "AddNotification", "sa{sv}")
        name, told = message.body
        mistakes = [key for key, value in told.items() if (key, value.signature) not in self.KEYS]
        for button in told.get("buttons", Variant("aa{sv}", [])).value:
            mistakes += [
                key for key, value in button.items() if (key, value.signature) not in {("label", "s"), ("action", "s")}
            ]
        if mistakes or told["priority"].value not in ("low", "normal", "high", "urgent"):
            return Message.new_error(message, "org.freedesktop.portal.Error.InvalidArgument", str(mistakes))
        self.taken.append((name, told))
        return Message.new_method_return(message)

    async def invoke(self, path: str, name: str, action: str) -> None:
        await self.bus.send(Message.new_signal(path, INTERFACE, "ActionInvoked", "ssav", [name, action, []]))


@asynccontextmanager
async def strict_portal(address: str, version: int) -> AsyncIterator[StrictPortal]:
    bus = await MessageBus(address).connect()
    made = StrictPortal(bus, version)
    bus.add_message_handler(made.answer)
    await bus.request_name(PORTAL)
    try:
        yield made
    finally:
        bus.disconnect()
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("version", "desktop", "body", "removed"),
    [(1, "XFCE", "‹b›", 3), (1, "ubuntu:GNOME", "<b>", 0), (2, "XFCE", "<b>", 0), (1, "", "‹b›", 3)],  # noqa: RUF001
)
async def test_what_old_portals_do_wrong_is_kept_from_them(
    rig: Rig, version: int, desktop: str, body: str, removed: int
) -> None:
    everything = replace(
        DEPLOY, body="<b>", progress=None, icon="dialog-warning", sound="bell", transient=True, resident=True, group="g"
    )
    async with (
        strict_portal(rig.environ["DBUS_SESSION_BUS_ADDRESS"], version) as portal,
        portal_on(rig, desktop=desktop) as (made, person),
    ):
        for urgency in Urgency:
            await made.show(replace(everything, urgency=urgency))
        person.pictures = Pictures(icon=drawn("red"))
        await made.show(everything)
        assert [told["body"].value for _, told in portal.taken] == [body] * 4
        assert len({name for name, _ in portal.taken}) == 1
        assert portal.removed == [name for name, _ in portal.taken][:removed]
        assert [told["icon"].value[0] for _, told in portal.taken] == ["themed"] * 3 + ["bytes"]


async def test_a_stranger_on_the_bus_cannot_click(rig: Rig) -> None:
    address = rig.environ["DBUS_SESSION_BUS_ADDRESS"]
    async with strict_portal(address, 1) as portal, portal_on(rig) as (made, person):
        await made.show(BUILD)
        ((name, _),) = portal.taken
        stranger = StrictPortal(await MessageBus(address).connect(), 1)
        await stranger.invoke("/org/freedesktop/portal/desktop", name, "default")
        stranger.bus.disconnect()
        await stranger.bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        await portal.invoke("/org/freedesktop/portal/desktop", "another", "default")
        await portal.invoke("/org/freedesktop/portal/desktop", name, "unknown")
        await portal.invoke("/org/freedesktop/portal/desktop", name, "default")
        await eventually("the real click came back", lambda: person.clicked)
        assert person.clicked == [BUILD]


async def test_in_a_snap_the_portal_is_chosen_if_there_is_one_and_the_daemon_otherwise(rig: Rig, dunst: Piece) -> None:
    environ = rig.environ | {"SNAP": OWN_SNAP}
    choice = await choose(environ, Person(), print, platform="linux")
    assert choice.desktop.name.startswith("dunst")
    await choice.desktop.close()
    async with strict_portal(rig.environ["DBUS_SESSION_BUS_ADDRESS"], 1):
        choice = await choose(environ, Person(), print, platform="linux")
        assert choice.desktop.name == "the notification portal"
        await choice.desktop.close()


async def test_in_a_snap_a_portal_that_is_late_shows_what_comes_from_then_on(rig: Rig, dunst: Piece) -> None:
    choice = await choose(rig.environ | {"SNAP": OWN_SNAP}, Person(), print, platform="linux")
    await choice.desktop.show(plain("Before"))
    assert rig.bubbles() == 1
    async with strict_portal(rig.environ["DBUS_SESSION_BUS_ADDRESS"], 1) as portal:
        await choice.desktop.show(plain("After"))
        assert choice.desktop.name == "the notification portal"
        assert [told["title"].value for _name, told in portal.taken] == ["After"]
        assert rig.bubbles() == 1
    await choice.desktop.close()


async def test_without_a_bus_the_person_learns_why(own_rig: Rig) -> None:
    async with portal_on(own_rig) as (desktop, _):
        with pytest.raises(BubbleFailed, match=r"The session bus cannot be reached \(No such file or directory\)"):
            await desktop.show(BUILD)


async def test_what_a_stranger_sends_straight_to_us_is_no_click(rig: Rig, portal: Piece) -> None:
    told = f"type='method_call',interface='{INTERFACE}',member='AddNotification'"
    async with portal_on(rig) as (desktop, person), rig.monitor(told) as seen:
        await desktop.show(BUILD)
        await eventually("the call was seen", lambda: seen)
        stranger = await MessageBus(rig.environ["DBUS_SESSION_BUS_ADDRESS"]).connect()
        await stranger.send(
            Message(
                path=PATH, interface=INTERFACE, member="ActionInvoked", message_type=MessageType.SIGNAL,
                signature="ssav", body=[seen[0].body[0], "default", []], destination=seen[0].sender,
            )
        )  # fmt: skip
        stranger.disconnect()
        rig.click_bubble()
        await eventually("the real click came back", lambda: person.clicked)
        assert person.clicked == [BUILD]


def test_a_sandbox_is_known(tmp_path: Path) -> None:
    info = tmp_path / ".flatpak-info"
    assert not is_sandboxed({}, info)
    assert is_sandboxed({"SNAP": OWN_SNAP}, info)
    assert not is_sandboxed({"SNAP": "/snap/code/1"}, info), "of the terminal that it was started in"
    info.touch()
    assert is_sandboxed({}, info)


def test_a_picture_is_made_square() -> None:
    with Image.open(io.BytesIO(square(drawn("red", (20, 8)).png))) as made:
        assert (made.size, made.getpixel((10, 10)), made.getpixel((0, 0))) == ((20, 20), (255, 0, 0, 255), (0, 0, 0, 0))
    png = drawn("red").png
    assert square(png) == png


def test_nothing_is_told_that_is_not_there() -> None:
    assert set(notification_of(plain("t"), NONE, is_plain=True)) == {"title", "body", "priority", "default-action"}
