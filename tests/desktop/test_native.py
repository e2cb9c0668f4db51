"""desktop-notifier: on the real desktop through dunst, and with a stand-in for what other systems do with threads."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.etree import ElementTree

import desktop_notifier as library
import pytest

from notifier.desktop import choose
from notifier.desktop.native import (
    FILES,
    WINDOWS_BODY,
    WINDOWS_TITLE,
    NativeDesktop,
    bubble_of,
    is_loud,
    make_notifier,
    text_for,
)
from notifier.desktop.text import name_of
from notifier.errors import BubbleFailed
from notifier.notification import Action, Notification, Urgency, Withdrawal
from notifier.picture import Pictures
from tests.desktop.notifications import BUILD, Person, drawn, plain
from tests.desktop.rig import NOTIFICATIONS, NotifyCall, Piece, Rig, eventually, notify_call

NOTIFY = f"type='method_call',interface='{NOTIFICATIONS}',member='Notify'"
DEPLOY = replace(
    BUILD, actions=(Action("Approve", "https://ci.example/yes"), Action("Reject", "https://ci.example/no"))
)


@asynccontextmanager
async def native_on(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[NativeDesktop, Person]]:
    """The library finds the bus in the environment of the process, and never hangs up."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", rig.environ["DBUS_SESSION_BUS_ADDRESS"])
    made: list[library.DesktopNotifier] = []

    def make() -> library.DesktopNotifier:
        made.append(make_notifier())
        return made[-1]

    person = Person()
    desktop = NativeDesktop(person, platform="linux", deadline=6.0, make=make)
    try:
        yield desktop, person
    finally:
        await desktop.close()
        for each in made:
            if (bus := getattr(each._backend, "bus", None)) is not None and bus.connected:
                bus.disconnect()
                await bus.wait_for_disconnect()


async def said(rig: Rig, desktop: NativeDesktop, *notifications: Notification) -> list[NotifyCall]:
    async with rig.monitor(NOTIFY) as seen:
        for notification in notifications:
            await desktop.show(notification)
        await eventually("all calls were seen", lambda: len(seen) == len(notifications))
    return [notify_call(message) for message in seen]


async def test_a_bubble_says_what_the_notification_says(
    rig: Rig, dunst: Piece, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with native_on(rig, monkeypatch) as (desktop, person):
        person.pictures = Pictures(image=drawn("#30a0ff"))
        (call,) = await said(rig, desktop, replace(DEPLOY, body="1 < 2 & <b>", progress=42))
        path = Path(call.hints["image-path"].value.removeprefix("file://"))
        assert path.read_bytes() == (person.pictures.image and person.pictures.image.png)
        assert (call.app_name, call.title) == ("sse-notifier", BUILD.title)
        assert call.body == "42 %\n1 &lt; 2 &amp; &lt;b&gt;"
        assert call.hints["urgency"].value == 2
        assert call.actions == ["default", "", "open-0", "Approve", "open-1", "Reject"]
        await eventually("the bubble was on the screen", lambda: rig.windows("Dunst"))
        rig.screenshot("bubble-native")
    assert not path.exists()


async def test_a_click_a_button_and_a_closing_come_back(
    rig: Rig, dunst: Piece, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with native_on(rig, monkeypatch) as (desktop, person):
        await desktop.show(DEPLOY)
        rig.click_bubble()
        await eventually("the click came back", lambda: person.clicked == [DEPLOY])
        rig.close_bubbles()
        await desktop.show(DEPLOY)
        rig.choose("Reject")
        await eventually("the choice came back", lambda: person.chosen == [(DEPLOY, DEPLOY.actions[1])])
        rig.close_bubbles()
        other = plain("Put away")
        await desktop.show(other)
        rig.close_bubbles()
        await eventually("the closing came back", lambda: person.dismissed[-1:] == [other])
        assert person.clicked == [DEPLOY]


async def test_the_same_key_takes_the_place_and_can_be_taken_back(
    rig: Rig, dunst: Piece, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with native_on(rig, monkeypatch) as (desktop, person):
        await desktop.show(BUILD)
        await desktop.show(replace(BUILD, title="Build passed: main"))
        await desktop.show(replace(BUILD, stream="another ci"))
        await eventually("two were left", lambda: rig.bubbles() == 2)
        assert BUILD.key is not None
        await desktop.withdraw(Withdrawal(stream=BUILD.stream, key=BUILD.key))
        await desktop.withdraw(Withdrawal(stream="nobody", key="nothing"))
        await eventually("one was left", lambda: rig.bubbles() == 1)
        assert person.dismissed == []


async def test_without_a_daemon_it_fails_in_a_sentence_and_works_again_later(
    rig: Rig, dunst: Piece, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with native_on(rig, monkeypatch) as (desktop, _):
        await desktop.show(plain("Before"))
        dunst.kill()
        with pytest.raises(BubbleFailed, match=r"desktop-notifier did not take the bubble \(DBusError\)"):
            await desktop.show(plain("secret words"))
        with pytest.raises(BubbleFailed, match="desktop-notifier cannot be asked for bubbles"):
            await desktop.show(plain("secret words"))
        dunst.start()
        await desktop.show(plain("After"))
        assert rig.bubbles() == 1
    assert "secret words" not in caplog.text


async def test_a_daemon_that_hangs_fails_the_bubble(rig: Rig, dunst: Piece, monkeypatch: pytest.MonkeyPatch) -> None:
    async with native_on(rig, monkeypatch) as (desktop, _):
        await desktop.show(plain("Before"))
        dunst.freeze()
        desktop._deadline = 0.2
        with pytest.raises(BubbleFailed, match=r"desktop-notifier did not answer within 0\.2 s"):
            await desktop.show(plain("Hangs"))
        dunst.thaw()


@dataclass
class Backend:
    """The library on a system whose callbacks come from a thread of its own, as those of macOS do."""

    allowed: bool = True
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    able: frozenset[library.Capability] = frozenset({library.Capability.TITLE})
    sent: list[library.Notification] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    error: Exception | None = None
    on_clicked: Callable[[str], object] | None = None
    on_dismissed: Callable[[str], object] | None = None
    on_button_pressed: Callable[[str, str], object] | None = None

    def __post_init__(self) -> None:
        self.answers.set()

    async def get_capabilities(self) -> frozenset[library.Capability]:
        return self.able

    async def request_authorisation(self) -> bool:
        await self.answers.wait()
        return self.allowed

    async def send_notification(self, notification: library.Notification) -> str:
        self.sent.append(notification)
        if self.error is not None:
            logging.getLogger("desktop_notifier.backends.base").warning("failed", exc_info=self.error)
        elif notification.on_dispatched is not None:
            notification.on_dispatched()
        return notification.identifier

    async def clear(self, name: str) -> None:
        self.cleared.append(name)

    def from_another_thread(self, function: Callable[..., object] | None, *arguments: str) -> None:
        assert function is not None
        thread = threading.Thread(target=function, args=arguments)
        thread.start()
        thread.join()


@asynccontextmanager
async def on(platform: str, backend: Backend) -> AsyncIterator[tuple[NativeDesktop, Person]]:
    class Threaded(Person):
        def _is_on_the_loop(self) -> None:
            assert asyncio.get_running_loop()

        def activate(self, notification: Notification, token: str = "") -> None:
            self._is_on_the_loop()
            super().activate(notification)

        def choose(self, notification: Notification, action: Action, token: str = "") -> None:
            self._is_on_the_loop()
            super().choose(notification, action)

        def dismiss(self, notification: Notification) -> None:
            self._is_on_the_loop()
            super().dismiss(notification)

    person = Threaded()
    desktop = NativeDesktop(person, platform=platform, deadline=0.3, make=lambda: backend)  # type: ignore[arg-type, return-value]
    try:
        yield desktop, person
    finally:
        await desktop.close()


async def test_what_comes_from_another_thread_is_heard_on_the_loop() -> None:
    backend = Backend()
    async with on("darwin", backend) as (desktop, person):
        assert desktop.name == "macOS"
        shown = [DEPLOY, replace(DEPLOY, key="b"), replace(DEPLOY, key="c")]
        for each in shown:
            await desktop.show(each)
        names = [each.identifier for each in backend.sent]
        backend.from_another_thread(backend.on_clicked, names[0])
        backend.from_another_thread(backend.on_button_pressed, names[1], "open-1")
        backend.from_another_thread(backend.on_dismissed, names[2])
        backend.from_another_thread(backend.on_clicked, "of another run")
        assert (person.clicked, person.chosen, person.dismissed) == ([], [], []), "a callback is only posted"
        await eventually("all came", lambda: person.dismissed)
        assert person.clicked == [shown[0]]
        assert person.chosen == [(shown[1], DEPLOY.actions[1])]
        assert person.dismissed == [shown[2]]


async def test_a_callback_after_the_end_harms_nobody() -> None:
    backend = Backend()

    async def show() -> None:
        async with on("darwin", backend) as (desktop, _):
            await desktop.show(BUILD)

    await asyncio.to_thread(asyncio.run, show())
    backend.from_another_thread(backend.on_clicked, backend.sent[0].identifier)


async def test_the_persons_answer_is_waited_for_and_no_bubble_is_sent_before() -> None:
    backend = Backend()
    backend.answers.clear()
    async with on("darwin", backend) as (desktop, _):
        with pytest.raises(BubbleFailed, match="macOS asks whether this program may show notifications: allow it"):
            await desktop.show(BUILD)
        assert backend.sent == []
        backend.answers.set()
        await desktop.show(BUILD)
        assert len(backend.sent) == 1
        backend.allowed = False
        with pytest.raises(BubbleFailed, match="macOS is set to show no notifications of this program"):
            await desktop.show(BUILD)


async def test_what_the_library_only_logs_is_told() -> None:
    async with on("win32", Backend(error=OSError("secret words"))) as (desktop, _):
        with pytest.raises(BubbleFailed, match=r"^Windows did not take the bubble \(OSError\)$"):
            await desktop.show(BUILD)


async def test_the_same_key_has_the_same_name_on_systems_that_replace_by_name() -> None:
    backend = Backend()
    async with on("win32", backend) as (desktop, _):
        await desktop.show(BUILD)
        await desktop.show(replace(BUILD, title="Build passed: main"))
        first, second = backend.sent
        assert first.identifier == second.identifier
        assert backend.cleared == []
        assert BUILD.key is not None
        await desktop.withdraw(Withdrawal(stream=BUILD.stream, key=BUILD.key))
        assert backend.cleared == [first.identifier]


async def test_of_pictures_only_so_many_files_are_kept() -> None:
    backend = Backend()
    async with on("win32", backend) as (desktop, person):
        person.pictures = Pictures(icon=drawn("red", (2, 2)))
        for number in range(FILES + 3):
            await desktop.show(plain(str(number)))
        paths = [each.icon.as_path() for each in backend.sent if each.icon]
        assert [path.exists() for path in paths] == [False] * 3 + [True] * FILES
    assert not paths[-1].parent.exists()


async def test_a_python_that_is_no_app_bundle_is_told_and_plyer_or_the_terminal_shows_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with on("darwin", Backend(able=frozenset())) as (desktop, _):
        with pytest.raises(BubbleFailed, match="macOS shows bubbles only of app bundles, and this Python is none"):
            await desktop.meet()
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
    choice = await choose({}, Person(), print, platform="win32")
    assert choice.desktop.name == "plyer"
    assert choice.complaint == (
        "Windows cannot be asked for bubbles (FileNotFoundError); "
        "plyer shows plain notifications instead, which cannot be clicked"
    )
    await choice.desktop.close()


async def test_a_system_that_is_late_shows_the_bubbles_from_then_on(
    rig: Rig, dunst: Piece, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "notify-send"
    program.write_text(f'#!/bin/sh\necho "$1" >>"{tmp_path}/said"\n')
    program.chmod(0o700)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
    choice = await choose({"PATH": f"{tmp_path}:/usr/bin:/bin"}, Person(), print, platform="win32")
    desktop = choice.desktop
    await desktop.show(plain("Early"))
    assert desktop.name == "plyer"
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", rig.environ["DBUS_SESSION_BUS_ADDRESS"])
    await desktop.show(plain("Late"))
    assert desktop.name == "Windows"
    assert rig.bubbles() == 1
    assert (tmp_path / "said").read_text() == "Early\n"
    # The library never hangs up.
    bus = desktop._desktop._notifier._backend.bus  # type: ignore[attr-defined]
    await desktop.close()
    bus.disconnect()
    await bus.wait_for_disconnect()


async def test_nobody_looks_for_the_pictures_of_a_bubble_that_cannot_be_shown() -> None:
    class Busy(Person):
        async def illustrate(self, notification: Notification) -> Pictures:
            raise AssertionError("it takes up to three seconds")

    desktop = NativeDesktop(Busy(), platform="darwin", make=lambda: Backend(able=frozenset()))  # type: ignore[arg-type, return-value]
    with pytest.raises(BubbleFailed, match="only of app bundles"):
        await desktop.show(BUILD)
    await desktop.close()


@pytest.mark.parametrize("text", ["x", "&", "<", "한", "🚀", "\ufffe"])
def test_a_toast_is_never_larger_than_windows_takes(text: str) -> None:
    notification = replace(BUILD, title=text * 200, body=text * 2_000, progress=100)
    title, body = text_for("win32", notification)
    assert len(title.encode("utf-16-le")) <= 2 * WINDOWS_TITLE
    assert len(body.encode("utf-16-le")) <= 2 * WINDOWS_BODY
    toast = ElementTree.Element("text")
    toast.text = title + body
    assert len(ElementTree.tostring(toast, encoding="unicode").encode()) < 4_300
    assert ElementTree.fromstring(ElementTree.tostring(toast)).text == title + body


def test_no_text_of_a_bubble_makes_the_toast_unreadable() -> None:
    hostile = "a\ufffe\uffffb"
    made = bubble_of(
        replace(DEPLOY, stream=hostile, title=hostile, body=hostile, actions=(Action(hostile, "https://ci.example/"),)),
        "n",
        "win32",
    )
    toast = ElementTree.Element("toast", {"thread": made.thread or "", "button": made.buttons[0].title})
    toast.text = made.title + made.message
    read = ElementTree.fromstring(ElementTree.tostring(toast, encoding="unicode"))
    assert read.attrib == {"thread": "a\ufffd\ufffdb", "button": "a\ufffd\ufffdb"}
    assert read.text == 2 * "a\ufffd\ufffdb"


@pytest.mark.parametrize(
    ("platform", "body"),
    [("darwin", "1 < 2 & <b>"), ("win32", "1 < 2 & <b>"), ("linux", "1 &lt; 2 &amp; &lt;b&gt;")],
)
def test_markup_stays_text_everywhere(platform: str, body: str) -> None:
    assert text_for(platform, plain("<t>", "1 < 2 & <b>")) == ("<t>", body)


@pytest.mark.parametrize(
    ("platform", "sound", "loud"),
    [
        ("win32", None, True), ("win32", "none", False), ("win32", "bell", True),
        ("darwin", None, False), ("darwin", "none", False), ("darwin", "bell", True),
    ],
)  # fmt: skip
def test_sound_follows_the_habit_of_the_system(platform: str, sound: str | None, loud: bool) -> None:
    assert is_loud(platform, sound) is loud


def test_names_tell_nothing_and_are_short_enough() -> None:
    assert len(name_of(BUILD)) <= 64
    assert BUILD.stream not in name_of(BUILD)
    assert name_of(replace(plain("t"), row=7)) == "row-7"
    assert name_of(plain("t")) == name_of(plain("t")) != name_of(plain("u"))
    made = bubble_of(replace(DEPLOY, urgency=Urgency.LOW), "n", "darwin")
    assert (made.thread, made.urgency, [button.title for button in made.buttons]) == (
        "ci",
        library.Urgency.Low,
        ["Approve", "Reject"],
    )
