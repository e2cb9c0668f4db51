"""Bubbles on a real bus: real daemons, and what happens when they or the bus break."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus
from PIL import Image

from notifier.desktop import BubbleUnanswered
from notifier.desktop.bus import REMEMBERED
from notifier.desktop.dbus import DBusDesktop
from notifier.errors import BubbleFailed
from notifier.notification import Action, Notification, Urgency, Withdrawal
from notifier.picture import Pictures
from tests.desktop.notifications import BUILD, Person, drawn, own_daemon, plain
from tests.desktop.rig import NOTIFICATIONS, NotifyCall, Piece, Rig, eventually, notify_call

NOTIFY = f"type='method_call',interface='{NOTIFICATIONS}',member='Notify'"
BUILD_WITH_MARKUP = replace(BUILD, body="1 < 2 & <b>not bold</b>")
PATIENT = 6.0
"""Seconds: a busy machine must not fail a bubble."""


class Shown(DBusDesktop):
    """A desktop that writes down what was done with its bubbles."""

    def __init__(self, rig: Rig, deadline: float) -> None:
        self.person = Person()
        super().__init__(rig.environ["DBUS_SESSION_BUS_ADDRESS"], self.person, deadline=deadline)

    @property
    def clicked(self) -> list[Notification]:
        return self.person.clicked


@asynccontextmanager
async def desktop_on(rig: Rig, deadline: float = PATIENT) -> AsyncIterator[Shown]:
    desktop = Shown(rig, deadline)
    try:
        yield desktop
    finally:
        await desktop.close()


async def said(rig: Rig, desktop: DBusDesktop, *notifications: Notification) -> list[NotifyCall]:
    """Show them, and what was said on the bus for it."""
    async with rig.monitor(NOTIFY) as seen:
        for notification in notifications:
            await desktop.show(notification)
        await eventually("all calls were seen", lambda: len(seen) == len(notifications))
    return [notify_call(message) for message in seen]


async def test_a_bubble_says_what_the_notification_says(rig: Rig, dunst: Piece) -> None:
    async with desktop_on(rig) as desktop:
        (call,) = await said(rig, desktop, BUILD)
        assert desktop.name.startswith("dunst 1.")
    assert (call.app_name, call.title, call.body) == ("sse-notifier", BUILD.title, BUILD.body)
    assert (call.replaces_id, call.expire_ms) == (0, -1)
    assert call.actions == ["default", "Open link"]
    assert {name: (hint.signature, hint.value) for name, hint in call.hints.items()} == {
        "urgency": ("y", 2),
        "category": ("s", "network"),
        "desktop-entry": ("s", "sse-notifier"),
    }
    await eventually("the bubble was on the screen", lambda: rig.bubbles() == 1 and rig.windows("Dunst"))
    rig.screenshot("bubble")


@pytest.mark.parametrize("urgency", Urgency)
async def test_the_urgency_is_a_byte(rig: Rig, dunst: Piece, urgency: Urgency) -> None:
    async with desktop_on(rig) as desktop:
        (call,) = await said(rig, desktop, replace(BUILD, urgency=urgency))
    assert (call.hints["urgency"].signature, call.hints["urgency"].value) == ("y", int(urgency))


async def test_a_click_with_the_mouse_gives_back_the_notification_and_closes_the_bubble(rig: Rig, dunst: Piece) -> None:
    async with desktop_on(rig) as desktop:
        await desktop.show(BUILD)
        await eventually("the bubble was on the screen", lambda: rig.windows("Dunst"))
        window = rig.windows("Dunst")[0]
        rig.click(window.x + window.width // 2, window.y + window.height // 2)
        await eventually("the click came back", lambda: desktop.clicked)
        assert desktop.clicked == [BUILD]
        assert rig.bubbles() == 0


async def test_the_default_action_gives_back_the_notification_of_that_bubble(rig: Rig, dunst: Piece) -> None:
    other = replace(BUILD, title="Build failed: release", key="release")
    async with desktop_on(rig) as desktop:
        await desktop.show(BUILD)
        rig.click_bubble()
        await eventually("the click came back", lambda: len(desktop.clicked) == 1)
        rig.close_bubbles()
        await desktop.show(other)
        rig.click_bubble()
        await eventually("the click came back", lambda: len(desktop.clicked) == 2)
        assert desktop.clicked == [BUILD, other]


async def test_a_notification_without_a_link_cannot_be_clicked(rig: Rig, dunst: Piece) -> None:
    async with desktop_on(rig) as desktop:
        (call,) = await said(rig, desktop, plain("Only text"))
    assert call.actions == []


async def test_the_same_key_takes_the_place_of_the_bubble(rig: Rig, dunst: Piece) -> None:
    fixed = replace(BUILD, title="Build passed: main", urgency=Urgency.NORMAL)
    elsewhere = replace(BUILD, stream="another ci")
    async with desktop_on(rig) as desktop:
        first, second, third = await said(rig, desktop, BUILD, fixed, elsewhere)
        assert rig.bubbles() == 2
    assert first.replaces_id == 0
    assert second.replaces_id > 0
    assert third.replaces_id == 0


async def test_a_bubble_is_taken_back_by_its_key(rig: Rig, dunst: Piece) -> None:
    assert BUILD.key is not None
    async with desktop_on(rig) as desktop:
        await said(rig, desktop, BUILD, replace(BUILD, stream="another ci"))
        await desktop.withdraw(Withdrawal(stream=BUILD.stream, key=BUILD.key))
        await eventually("one bubble was left", lambda: rig.bubbles() == 1)
        await desktop.withdraw(Withdrawal(stream=BUILD.stream, key=BUILD.key))
        await desktop.withdraw(Withdrawal(stream="nobody", key="nothing"))
        assert rig.bubbles() == 1


async def test_without_a_key_each_notification_has_a_bubble_of_its_own(rig: Rig, dunst: Piece) -> None:
    async with desktop_on(rig) as desktop:
        await desktop.show(plain("One"))
        await desktop.show(plain("One"))
        assert rig.bubbles() == 2


async def test_a_bubble_that_was_closed_is_not_replaced(rig: Rig, dunst: Piece) -> None:
    closed = f"type='signal',interface='{NOTIFICATIONS}',member='NotificationClosed'"
    async with desktop_on(rig) as desktop:
        async with rig.monitor(closed) as seen:
            await desktop.show(BUILD)
            rig.close_bubbles()
            await eventually("the daemon said so", lambda: seen)
        (call,) = await said(rig, desktop, BUILD)
    assert call.replaces_id == 0


async def test_markup_in_the_text_stays_text(rig: Rig, dunst: Piece) -> None:
    hostile = plain(
        "<b>Not bold</b> &amp; so", "<i>not italic</i> & 1 < 2\n<a href='https://x.example'>no link</a> &lt;"
    )
    async with desktop_on(rig) as desktop:
        (call,) = await said(rig, desktop, hostile)
    assert call.title == hostile.title
    assert call.body == (
        "&lt;i&gt;not italic&lt;/i&gt; &amp; 1 &lt; 2\n&lt;a href='https://x.example'&gt;no link&lt;/a&gt; &amp;lt;"
    )
    await eventually("the bubble was on the screen", lambda: rig.windows("Dunst"))
    rig.screenshot("bubble-markup")


async def test_text_of_any_script_arrives_unharmed(rig: Rig, dunst: Piece) -> None:
    text = plain("Déjà vu 🚀 \U00010348 done", "עברית عربى 한국어\ne\u0301 \u202bright to left\u202c \ufffe end")
    async with desktop_on(rig) as desktop:
        (call,) = await said(rig, desktop, text)
    assert (call.title, call.body) == (text.title, text.body)
    await eventually("the bubble was on the screen", lambda: rig.windows("Dunst"))
    rig.screenshot("bubble-scripts")


@pytest.mark.usefixtures("no_daemon")
async def test_without_a_daemon_the_person_learns_what_to_install(rig: Rig) -> None:
    async with desktop_on(rig) as desktop:
        for _ in range(3):
            with pytest.raises(BubbleFailed, match=r"No notification daemon .* `apt install dunst`"):
                await desktop.show(BUILD)


async def test_a_daemon_that_was_restarted_gets_the_next_bubble(rig: Rig, dunst: Piece) -> None:
    async with desktop_on(rig) as desktop:
        await desktop.show(BUILD)
        dunst.kill()
        with pytest.raises(BubbleFailed, match="No notification daemon"):
            await desktop.show(BUILD)
        dunst.start()
        (call,) = await said(rig, desktop, BUILD)
        assert call.replaces_id == 0, "the new daemon has never heard of the old bubble"
        rig.click_bubble()
        await eventually("the click came back", lambda: desktop.clicked == [BUILD])


async def test_another_daemon_is_asked_anew_what_it_can_do(rig: Rig, dunst: Piece) -> None:
    async with desktop_on(rig) as desktop:
        (before,) = await said(rig, desktop, plain("Markup", "1 < 2"))
        dunst.kill()
        async with own_daemon(rig.environ["DBUS_SESSION_BUS_ADDRESS"], "body"):
            (after,) = await said(rig, desktop, replace(BUILD, body="1 < 2", link=None))
            assert desktop.name == "own[31m 1"
    assert (before.body, after.body) == ("1 &lt; 2", "1 < 2")
    assert after.actions == []


async def test_a_daemon_that_hangs_fails_each_bubble_and_blocks_none(rig: Rig, dunst: Piece) -> None:
    async with desktop_on(rig, deadline=0.3) as desktop:
        await patiently(desktop, plain("Before"))
        dunst.freeze()
        for title in ("First", "Second", "Third"):
            with pytest.raises(BubbleFailed, match=r"No answer from dunst 1.* within 0\.3 s"):
                await desktop.show(plain(title))
        dunst.thaw()
        await patiently(desktop, plain("After"))
        await eventually("the daemon woke up", lambda: rig.bubbles() == 3)
        rig.close_bubbles()
        assert '"Second"' not in rig.run("dunstctl", "history"), "a daemon that hangs is told no more"


async def patiently(desktop: DBusDesktop, notification: Notification) -> None:
    """Show it, even if the machine is so busy that the short deadline is missed."""
    for _ in range(50):
        try:
            return await desktop.show(notification)
        except BubbleUnanswered as error:
            if await error.outcome:
                return None
        except BubbleFailed:
            continue
    pytest.fail("never shown")


async def test_whoever_was_not_answered_in_time_learns_what_became_of_it(rig: Rig, dunst: Piece) -> None:
    async with desktop_on(rig, deadline=0.3) as desktop:
        await patiently(desktop, plain("Before"))
        dunst.freeze()
        with pytest.raises(BubbleUnanswered) as first:
            await desktop.show(plain("Slow"))
        with pytest.raises(BubbleFailed) as second:
            await desktop.show(plain("Never asked for"))
        assert not isinstance(second.value, BubbleUnanswered)
        dunst.thaw()
        assert await first.value.outcome
        assert rig.bubbles() == 2


async def test_what_was_made_before_the_late_answer_is_not_shown(rig: Rig, dunst: Piece) -> None:
    """It may count what is on the screen by then."""
    async with desktop_on(rig, deadline=2.0) as desktop:
        await desktop.show(plain("Before"))
        dunst.freeze()
        with pytest.raises(BubbleUnanswered) as slow:
            await desktop.show(plain("Slow"))
        digest = asyncio.create_task(desktop.show(plain("2 notifications")))
        await asyncio.sleep(0)
        dunst.thaw()
        with pytest.raises(BubbleFailed, match="was busy with the last bubble until now"):
            await digest
        assert await slow.value.outcome
        assert rig.bubbles() == 2
        await desktop.show(plain("1 notification"))
        assert rig.bubbles() == 3


async def test_what_a_bus_that_died_was_asked_is_never_answered(own_rig: Rig) -> None:
    own_rig.screen.start()
    own_rig.daemon.start()
    async with desktop_on(own_rig, deadline=0.3) as desktop:
        await patiently(desktop, plain("Before"))
        own_rig.daemon.freeze()
        with pytest.raises(BubbleUnanswered) as caught:
            await desktop.show(plain("Slow"))
        own_rig.bus.kill()
        with pytest.raises(BubbleFailed):
            await desktop.show(plain("After"))
        assert caught.value.outcome.cancelled()
        own_rig.daemon.kill()


async def test_a_click_on_a_bubble_that_came_late_is_understood(rig: Rig, dunst: Piece) -> None:
    async with desktop_on(rig, deadline=0.3) as desktop:
        await patiently(desktop, plain("Before"))
        rig.close_bubbles()
        dunst.freeze()
        with pytest.raises(BubbleFailed):
            await desktop.show(BUILD)
        dunst.thaw()
        await eventually("the bubble came", lambda: rig.bubbles() == 1)
        rig.click_bubble()
        await eventually("the click came back", lambda: desktop.clicked == [BUILD])


async def test_a_daemon_that_hangs_and_is_killed_is_replaced(rig: Rig, dunst: Piece) -> None:
    async with desktop_on(rig, deadline=0.3) as desktop:
        await patiently(desktop, plain("Before"))
        dunst.freeze()
        with pytest.raises(BubbleFailed):
            await desktop.show(BUILD)
        dunst.restart()
        await patiently(desktop, BUILD)
        assert rig.bubbles() == 1


async def test_a_bus_that_dies_over_the_question_tells_nothing_of_do_not_disturb(own_rig: Rig) -> None:
    own_rig.screen.start()
    own_rig.daemon.start()
    async with desktop_on(own_rig) as desktop:
        await desktop.meet()
        own_rig.bus.freeze()
        asked = asyncio.create_task(desktop.is_inhibited())
        await asyncio.sleep(0)
        own_rig.bus.kill()
        assert await asked is None
        own_rig.daemon.kill()


async def test_without_a_bus_the_person_learns_why(own_rig: Rig) -> None:
    async with desktop_on(own_rig) as desktop:
        with pytest.raises(BubbleFailed, match=r"The session bus cannot be reached \(No such file or directory\)"):
            await desktop.show(BUILD)


@pytest.mark.parametrize("address", ["", "nonsense", "unix:nonsense", "autolaunch:", "tcp:host=256.0.0.1,port=x"])
async def test_a_nonsensical_address_is_told_and_not_raised(address: str) -> None:
    desktop = DBusDesktop(address or ";", Person())
    with pytest.raises(BubbleFailed, match="The session bus cannot be reached"):
        await desktop.show(BUILD)
    await desktop.close()


async def test_a_bus_that_comes_back_is_connected_to_again(own_rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    own_rig.daemon.start()
    async with desktop_on(own_rig) as desktop:
        await desktop.show(BUILD)
        own_rig.bus.kill()
        with pytest.raises(BubbleFailed, match="The session bus cannot be reached"):
            await desktop.show(BUILD)
        own_rig.bus.start()
        own_rig.daemon.restart()
        (call,) = await said(own_rig, desktop, BUILD)
        assert call.replaces_id == 0
        own_rig.click_bubble()
        await eventually("the click came back", lambda: desktop.clicked == [BUILD])
    gc.collect()
    assert not [record for record in caplog.records if record.levelname == "ERROR"], "an exception got lost"


async def test_a_bus_that_hangs_fails_the_bubble_and_can_be_let_go(own_rig: Rig) -> None:
    own_rig.bus.start()
    own_rig.bus.freeze()
    async with desktop_on(own_rig, deadline=0.3) as desktop:
        with pytest.raises(BubbleFailed, match=r"No answer from the notification daemon within 0\.3 s"):
            await desktop.show(BUILD)


async def test_a_daemon_that_cannot_start_is_not_started_for_each_bubble(own_rig: Rig) -> None:
    starts = own_rig.home / "starts"
    service = f"[D-BUS Service]\nName={NOTIFICATIONS}\nExec=/bin/sh -c 'echo start >>{starts}; exit 3'\n"
    (own_rig.home / "services" / "broken.service").write_text(service)
    own_rig.bus.start()
    async with desktop_on(own_rig) as desktop:
        for _ in range(4):
            with pytest.raises(BubbleFailed):
                await desktop.show(BUILD)
    assert starts.read_text() == "start\n"


@pytest.mark.usefixtures("no_daemon")
async def test_a_bubble_that_the_daemon_refuses_is_not_shown_and_its_words_are_not_repeated(rig: Rig) -> None:
    async with own_daemon(rig.environ["DBUS_SESSION_BUS_ADDRESS"], "body") as daemon, desktop_on(rig) as desktop:
        daemon.error = "org.example.Full"
        with pytest.raises(BubbleFailed, match=r"did not take the bubble \(org.example.Full\)$"):
            await desktop.show(BUILD)
        daemon.error = "org.freedesktop.DBus.Error.ServiceUnknown"  # it went a moment ago
        with pytest.raises(BubbleFailed, match="No notification daemon"):
            await desktop.show(BUILD)
        daemon.error, daemon.signature = None, "s"
        with pytest.raises(BubbleFailed, match="did not take the bubble"):
            await desktop.show(BUILD)


@pytest.mark.usefixtures("no_daemon")
async def test_only_the_newest_bubbles_are_remembered(rig: Rig) -> None:
    async with own_daemon(rig.environ["DBUS_SESSION_BUS_ADDRESS"]) as daemon, desktop_on(rig) as desktop:
        for number in range(REMEMBERED + 1):
            await desktop.show(replace(BUILD, key=str(number)))
        await desktop.show(replace(BUILD, key="0"))
        await desktop.show(replace(BUILD, key=str(REMEMBERED)))
    *_, oldest, newest = daemon.calls
    assert oldest.body[1] == 0
    assert newest.body[1] == REMEMBERED + 1


@pytest.mark.usefixtures("no_daemon")
async def test_a_click_brings_the_token_that_the_daemon_gave_for_it(rig: Rig) -> None:
    async with own_daemon(rig.environ["DBUS_SESSION_BUS_ADDRESS"], "actions") as daemon, desktop_on(rig) as desktop:
        review = replace(BUILD, actions=(Action("Reject", "https://ci.example/no"),))
        await desktop.show(BUILD)
        await desktop.show(replace(review, key="other"))
        for number, key, token in ((1, "default", "one"), (2, "open-0", "two"), (1, "default", "")):
            if token:
                await daemon.say("ActivationToken", number, token)
            await daemon.say("ActionInvoked", number, key)
        await daemon.say("ActivationToken", 2, "of another bubble")
        await daemon.say("ActionInvoked", 1, "default")
        await eventually("all were heard", lambda: len(desktop.person.tokens) == 4)
    assert desktop.person.tokens == ["one", "two", "", ""]


async def test_a_stranger_on_the_bus_cannot_click(rig: Rig, dunst: Piece) -> None:
    async with desktop_on(rig) as desktop, rig.monitor(NOTIFY) as seen:
        await desktop.show(BUILD)
        await eventually("the call was seen", lambda: seen)
        stranger = await MessageBus(rig.environ["DBUS_SESSION_BUS_ADDRESS"]).connect()
        for number in range(1, 100):
            await stranger.send(
                Message(
                    destination=seen[0].sender,
                    path="/org/freedesktop/Notifications",
                    interface=NOTIFICATIONS,
                    member="ActionInvoked",
                    message_type=MessageType.SIGNAL,
                    signature="us",
                    body=[number, "default"],
                )
            )
        stranger.disconnect()
        rig.click_bubble()
        await eventually("the real click came back", lambda: desktop.clicked)
        assert desktop.clicked == [BUILD]


DEPLOY = replace(
    BUILD,
    title="Deploy to production?",
    body="main at 4f2c81a, all tests passed",
    urgency=Urgency.NORMAL,
    actions=(Action("Approve", "https://ci.example/approve"), Action("Reject", "https://ci.example/reject")),
    progress=42,
)


async def test_a_picture_and_a_bar_are_on_the_bubble(rig: Rig, dunst: Piece) -> None:
    async with desktop_on(rig) as desktop:
        await desktop.show(plain("Without"))
        await eventually("the bubble was on the screen", lambda: rig.windows("Dunst"))
        rig.close_bubbles()
        await eventually("the bubble was gone", lambda: not rig.windows("Dunst"))
        desktop.person.pictures = Pictures(image=drawn("#30a0ff", (200, 120)), icon=drawn("#ff0000"))
        (call,) = await said(rig, desktop, DEPLOY)
        width, height, stride, has_alpha, bits, samples, pixels = call.hints["image-data"].value
        assert (width, height, stride, has_alpha, bits, samples) == (200, 120, 800, True, 8, 4)
        assert pixels[4 * (60 * 200 + 100) :][:4] == b"\x30\xa0\xff\xff"
        assert pixels[:4] == bytes(4)
        await eventually("the bubble was on the screen", lambda: rig.windows("Dunst"))
        await eventually("the picture was drawn", lambda: blue_in(rig.screenshot("bubble-picture")) > 1_000)


def blue_in(shot: Path) -> int:
    """How many pixels of a screenshot have the color of our picture."""
    with Image.open(shot) as image:
        colors = image.convert("RGB").getcolors(1 << 20) or []
    return sum(count for count, color in colors if color == (0x30, 0xA0, 0xFF))


async def test_a_button_gives_back_its_action(rig: Rig, dunst: Piece) -> None:
    async with desktop_on(rig) as desktop:
        (call,) = await said(rig, desktop, DEPLOY)
        assert call.actions == ["default", "Open link", "open-0", "Approve", "open-1", "Reject"]
        rig.choose("Reject")
        await eventually("the choice came back", lambda: desktop.person.chosen)
    assert desktop.person.chosen == [(DEPLOY, DEPLOY.actions[1])]
    assert desktop.clicked == []


async def test_only_what_the_person_closes_is_told(rig: Rig, dunst: Piece) -> None:
    assert BUILD.key is not None
    async with desktop_on(rig) as desktop:
        await desktop.show(BUILD)
        await desktop.withdraw(Withdrawal(stream=BUILD.stream, key=BUILD.key))
        other = replace(BUILD, key="other")
        await desktop.show(other)
        rig.close_bubbles()
        await eventually("the closing came back", lambda: desktop.person.dismissed)
        assert desktop.person.dismissed == [other]


async def test_a_pictures_wait_is_not_the_daemons(rig: Rig, dunst: Piece) -> None:
    """Only a daemon that draws pictures is a reason to fetch them."""
    asked: list[Notification] = []

    class Slow(Person):
        async def illustrate(self, notification: Notification) -> Pictures:
            asked.append(notification)
            await asyncio.sleep(0.4)
            return Pictures()

    desktop = DBusDesktop(rig.environ["DBUS_SESSION_BUS_ADDRESS"], Slow(), deadline=PATIENT)
    await desktop.show(BUILD)
    await desktop.close()
    assert asked == [BUILD]
    dunst.kill()
    async with own_daemon(rig.environ["DBUS_SESSION_BUS_ADDRESS"], "body"):
        desktop = DBusDesktop(rig.environ["DBUS_SESSION_BUS_ADDRESS"], Slow(), deadline=PATIENT)
        await desktop.meet()
        await desktop.show(BUILD)
        await desktop.close()
    assert asked == [BUILD]


async def test_xfce_shows_the_bubble_and_its_button(own_rig: Rig) -> None:
    own_rig.xfconf.start()
    own_rig.other_daemon.start()
    async with desktop_on(own_rig) as desktop:
        await desktop.show(BUILD_WITH_MARKUP)
        assert desktop.name.startswith("Xfce Notify Daemon")
        await eventually("the bubble was on the screen", lambda: own_rig.windows("xfce4-notifyd"))
        own_rig.screenshot("bubble-xfce")
        window = own_rig.windows("xfce4-notifyd")[0]

        def clicked() -> list[Notification]:
            own_rig.click(window.x + window.width - 57, window.y + window.height - 31)  # the button, bottom right
            return desktop.clicked

        await eventually("the click came back", clicked)
        assert desktop.clicked == [BUILD_WITH_MARKUP]


async def test_xfce_tells_by_its_settings_whether_it_keeps_bubbles_back(own_rig: Rig) -> None:
    own_rig.xfconf.start()
    own_rig.other_daemon.start()
    async with desktop_on(own_rig) as desktop:
        assert await desktop.is_inhibited() is None, "not met yet"
        await desktop.meet()
        for told in ("true", "false"):
            own_rig.run("xfconf-query", "-c", "xfce4-notifyd", "-p", "/do-not-disturb", "-n", "-t", "bool", "-s", told)
            assert await desktop.is_inhibited() is (told == "true")


@pytest.mark.usefixtures("no_daemon")
async def test_a_daemon_with_inhibitions_tells_them_and_another_one_cannot(rig: Rig) -> None:
    address = rig.environ["DBUS_SESSION_BUS_ADDRESS"]
    for capability, told in (("inhibitions", True), ("body", None)):
        async with own_daemon(address, capability) as daemon, desktop_on(rig) as desktop:
            daemon.inhibited = True
            await desktop.meet()
            assert await desktop.is_inhibited() is told


async def test_xfce_shows_the_picture_beside_text_and_buttons(own_rig: Rig) -> None:
    own_rig.xfconf.start()
    own_rig.other_daemon.start()
    async with desktop_on(own_rig) as desktop:
        desktop.person.pictures = Pictures(image=drawn("#30a0ff", (64, 64)))
        await desktop.show(DEPLOY)
        await eventually("the bubble was on the screen", lambda: own_rig.windows("xfce4-notifyd"))
        await eventually("the picture was drawn", lambda: blue_in(own_rig.screenshot("bubble-xfce-picture")) > 100)
        assert own_rig.windows("xfce4-notifyd")[0].height > 100, "a bar would take the place of the text"
