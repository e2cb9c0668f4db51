"""What a daemon is told of a notification: a pure mapping, by what it says it can do."""

import io
from dataclasses import replace
from urllib.request import urlopen

import pytest
from PIL import Image

from notifier.desktop.bubble import Server, actions_of, arguments, body_of, hints_of, icon_of, one_line
from notifier.desktop.text import action_of
from notifier.notification import DIGESTS, Action, Notification, Urgency
from notifier.picture import Pictures
from tests.desktop.notifications import BUILD, drawn, plain

ABLE = Server("dunst", "1", "1.2", frozenset({"actions", "body", "body-markup", "body-hyperlinks", "sound"}))
BARE = Server("bare", "1", "1.2", frozenset({"body"}))
RETRY = Action("Run again", "https://ci.example/retry")


def hints(notification: Notification, server: Server = ABLE, pictures: Pictures = Pictures()) -> dict[str, object]:  # noqa: B008
    return {name: (hint.signature, hint.value) for name, hint in hints_of(notification, server, pictures).items()}


@pytest.mark.parametrize(
    ("capabilities", "body", "sent"),
    [
        ({"actions", "body", "body-markup"}, "<b> & \"quoted\" 'too'", "&lt;b&gt; &amp; \"quoted\" 'too'"),
        ({"actions", "body", "body-markup"}, "&amp;", "&amp;amp;"),
        ({"actions", "body"}, "<b> & &amp;", "<b> & &amp;"),
        ({"actions"}, "", ""),
        ({"body"}, "text", "text\nhttps://x.example/?a=1&b=2"),
        ({"body", "body-markup"}, "text", "text\nhttps://x.example/?a=1&amp;b=2"),
        (
            {"body", "body-markup", "body-hyperlinks"},
            "<b>",
            '&lt;b&gt;\n<a href="https://x.example/?a=1&amp;b=2">Open link</a>',
        ),
        ({"body"}, "", "https://x.example/?a=1&b=2"),
    ],
)
def test_the_body_is_read_as_it_was_written_and_holds_the_link_where_no_click_does(
    capabilities: set[str], body: str, sent: str
) -> None:
    notification = replace(plain("t", body), link="https://x.example/?a=1&b=2")
    assert body_of(notification, replace(BARE, capabilities=frozenset(capabilities))) == sent


@pytest.mark.parametrize(
    ("server", "sent"),
    [("dunst", "Copying"), ("Xfce Notify Daemon", "42 %\nCopying"), ("gnome-shell", "42 %\nCopying")],
)
def test_a_daemon_that_draws_no_bar_is_told_the_progress_in_words(server: str, sent: str) -> None:
    copying = replace(plain("t", "Copying"), progress=42)
    assert body_of(copying, replace(BARE, name=server)) == sent
    assert ("value" in hints(copying, replace(BARE, name=server))) is (sent == "Copying")


@pytest.mark.parametrize(
    ("server", "link", "actions", "sent"),
    [
        (ABLE, "https://x.example/", (), ["default", "Open link"]),
        (ABLE, None, (), []),
        (ABLE, None, (RETRY,), ["open-0", "Run again"]),
        (
            ABLE,
            "https://x.example/",
            (RETRY, RETRY),
            ["default", "Open link", "open-0", "Run again", "open-1", "Run again"],
        ),
        (BARE, "https://x.example/", (RETRY,), []),
    ],
)
def test_only_what_can_be_opened_can_be_clicked(
    server: Server, link: str | None, actions: tuple[Action, ...], sent: list[str]
) -> None:
    assert actions_of(replace(BUILD, link=link, actions=actions), server) == sent


@pytest.mark.parametrize("key", sorted(DIGESTS))
def test_a_click_on_what_stands_for_many_shows_the_history(key: str) -> None:
    digest = replace(BUILD, link=None, actions=(), key=key)
    assert actions_of(digest, ABLE) == ["default", "Show history"]


def test_a_key_leads_to_its_action_and_no_other_key_does() -> None:
    notification = replace(BUILD, actions=(RETRY, Action("Logs", "https://ci.example/logs")))
    assert [action_of(key, notification) for key in ("open-0", "open-1", "open-2", "open-", "", "1", "default")] == [
        *notification.actions,
        *[None] * 5,
    ]


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, {}),
        ({"transient": True}, {"transient": ("b", True)}),
        ({"resident": True}, {"resident": ("b", True)}),
        ({"progress": 0}, {"value": ("i", 0)}),
        ({"sound": "message-new-instant"}, {"sound-name": ("s", "message-new-instant")}),
        ({"sound": "none"}, {"suppress-sound": ("b", True)}),
    ],
)
def test_each_hint_has_the_type_of_the_specification(fields: dict[str, object], found: dict[str, object]) -> None:
    usual = {"urgency": ("y", 1), "category": ("s", "network"), "desktop-entry": ("s", "sse-notifier")}
    assert hints(replace(plain("t"), **fields)) == usual | found  # type: ignore[arg-type]


def test_sound_is_told_only_where_it_is_heard() -> None:
    loud, silent = (replace(plain("t"), sound=sound) for sound in ("bell", "none"))
    assert hints(loud, BARE) == hints(silent, BARE) == hints(plain("t"))


@pytest.mark.parametrize("urgency", Urgency)
def test_urgency_is_a_byte(urgency: Urgency) -> None:
    assert hints(replace(BUILD, urgency=urgency))["urgency"] == ("y", int(urgency))


@pytest.mark.parametrize(
    ("specification", "name"),
    [("1.2", "image-data"), ("1.3", "image-data"), ("1.1", "image_data"), ("0.9", "icon_data")],
)
def test_a_picture_is_told_under_the_name_of_the_daemons_specification(specification: str, name: str) -> None:
    picture = drawn("red", (3, 2))
    found = hints(BUILD, replace(ABLE, specification=specification), Pictures(icon=picture))
    assert found[name] == ("(iiibiiay)", [3, 2, 12, True, 8, 4, picture.rgba])


def test_an_image_goes_before_an_icon_and_a_named_icon_stands_beside_it() -> None:
    image, icon = drawn("red"), drawn("blue")
    notification = replace(BUILD, icon="dialog-warning", image="https://x.example/a.png")
    sent = arguments(notification, ABLE, 7, Pictures(icon, image))
    assert (sent[1], sent[2]) == (7, "dialog-warning")
    assert hints(BUILD, ABLE, Pictures(icon, image)) == hints(BUILD, ABLE, Pictures(image=image))
    assert icon_of(replace(BUILD, icon="https://x.example/icon.png")) == icon_of(replace(BUILD, icon=None))


def test_a_bubble_without_an_icon_bears_ours() -> None:
    icon = icon_of(replace(BUILD, icon=None))
    with urlopen(icon) as file, Image.open(io.BytesIO(file.read())) as picture:
        assert picture.size == (48, 48)


@pytest.mark.parametrize(
    ("told", "name"),
    [("dunst", "dunst"), ("evil\n\x1b]0;title\x07 1", "evil]0;title 1"), (" ", ""), ("x" * 1_000, "x" * 64)],
)
def test_what_a_daemon_calls_itself_fits_a_sentence(told: str, name: str) -> None:
    assert one_line(told) == name
