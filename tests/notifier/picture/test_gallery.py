"""Pictures from a real server on loopback, which is a private address: what may be fetched, and what never is."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from notifier.notification import Notification
from notifier.picture import NONE, Pictures, gallery
from notifier.picture.download import LIMIT
from notifier.picture.gallery import ABSENCE_LASTS, ICON_LASTS, IMAGE_LASTS, Gallery
from notifier.stream import Stream
from tests.notifier.loopback import Act, Loopback, Script, loopback
from tests.notifier.picture.files import bomb, file

PNG = file("PNG")
PLAIN = Notification(stream="s", title="t")


def answer(body: bytes, kind: str = "image/png", *, status: str = "200 OK", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n".encode() + body


def moved(to: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


def stream_at(url: str, **settings: object) -> Stream:
    return Stream.model_validate({"url": url, "name": "s", "proxy": "none", **settings})


class Time:
    """A clock that goes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@contextlib.asynccontextmanager
async def showing(*scripts: Script) -> AsyncIterator[tuple[Loopback, Stream, Notification]]:
    """A server, the stream that comes from it, and a notification with an icon of its own server."""
    async with loopback(*scripts) as server:
        url = server.url.replace("/events", "/icon.png?token=secret")
        yield server, stream_at(server.url), replace(PLAIN, icon=url)


async def test_an_icon_of_the_streams_own_server_is_had_without_credentials() -> None:
    async with showing([answer(PNG)]) as (server, stream, notification):
        stream = stream.model_validate(
            {"url": stream.url, "name": "s", "proxy": "none", "bearer": "s3cret", "cookies": {"a": "b"}}
        )
        found = await Gallery().illustrate(notification, stream)
    assert found.icon is not None
    assert (found.icon.width, found.icon.height, found.image) == (40, 20, None)
    (head,) = server.heads
    assert head.startswith("GET /icon.png?token=secret HTTP/1.1\r\n")
    assert "s3cret" not in head
    assert "cookie" not in head.lower()


async def test_an_image_and_an_icon_are_had_at_once() -> None:
    async with showing([answer(PNG)], [answer(PNG)]) as (_, stream, notification):
        both = replace(notification, image=f"{notification.icon}&image")
        found = await Gallery().illustrate(both, stream)
    assert found.icon is not None
    assert found.image is not None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost.", "[::1]", "[::ffff:127.0.0.1]", "2130706433"])
async def test_a_private_address_of_anybody_else_is_never_called(host: str) -> None:
    async with loopback([answer(PNG)]) as server:
        notification = replace(PLAIN, icon=f"http://{host}:{server.port}/icon.png", image=f"http://{host}:1/")
        found = await Gallery().illustrate(notification, stream_at("https://hub.example/events"))
        assert found == NONE
        assert server.heads == []


async def test_a_private_address_is_called_where_a_setting_says_so() -> None:
    async with loopback([answer(PNG)]) as server:
        notification = replace(PLAIN, image=f"http://localhost:{server.port}/icon.png")
        stream = stream_at("https://hub.example/events", pictures="any")
        found = await Gallery().illustrate(notification, stream)
    assert found.image is not None


async def test_nothing_is_called_where_a_setting_says_so() -> None:
    async with showing([answer(PNG)]) as (server, stream, notification):
        found = await Gallery().illustrate(notification, stream_at(stream.url, pictures="none"))
        assert (found, server.heads) == (NONE, [])


async def test_a_redirect_is_followed_within_the_streams_server_and_not_to_another_private_one() -> None:
    async with loopback([answer(PNG)]) as inside:
        script = [moved("/new.png")], [answer(PNG)], [moved(f"http://127.0.0.1:{inside.port}/")], [moved("file:///etc")]
        async with showing(*script) as (server, stream, notification):
            found = await Gallery().illustrate(notification, stream)
            assert found.icon is not None
            assert server.heads[1].startswith("GET /new.png ")
            for _ in range(2):
                assert await Gallery().illustrate(notification, stream) == NONE
        assert inside.heads == []


async def test_behind_a_proxy_it_goes_over_the_proxy_and_private_hosts_are_refused_by_name() -> None:
    async with loopback([answer(PNG)]) as proxy:
        stream = stream_at("https://hub.example/events", proxy=f"http://127.0.0.1:{proxy.port}")
        for host in ("10.0.0.1", "localhost", "router", "nas.lan", "[fd00::1]"):
            refused = replace(PLAIN, icon=f"http://{host}/icon.png")
            assert await Gallery().illustrate(refused, stream) == NONE
        assert proxy.heads == []
        found = await Gallery().illustrate(replace(PLAIN, icon="http://cdn.example/icon.png"), stream)
        assert found.icon is not None
        assert proxy.heads[0].startswith("GET http://cdn.example/icon.png HTTP/1.1")


async def test_a_circle_of_redirects_ends() -> None:
    async with showing([moved("/again")]) as (server, stream, notification):
        assert await Gallery().illustrate(notification, stream) == NONE
        assert len(server.heads) == 4


@pytest.mark.parametrize(
    "script",
    [
        [answer(b"not found", status="404 Not Found")],
        [answer(PNG, "text/html")],
        [answer(PNG, "application/json")],
        [answer(b"<svg/>", "image/svg+xml")],
        [answer(b"x" * (LIMIT + 1))],
        [answer(PNG, length=LIMIT + 1), Act.HANG],
        [b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n", b"x" * (LIMIT + 1), Act.HANG],
        [answer(bomb(30_000, 30_000))],
        [answer(PNG[:40])],
        [answer(PNG, length=len(PNG) + 10)],
        [b"no HTTP at all\r\n\r\n"],
        [Act.RESET],
    ],
)
async def test_what_is_no_picture_leaves_the_bubble_without_one(script: Script) -> None:
    async with showing(script) as (_, stream, notification):
        assert await Gallery().illustrate(notification, stream) == NONE


async def test_a_server_that_hangs_delays_one_bubble_and_not_the_next(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", gallery.__name__)
    async with showing([Act.HANG]) as (server, stream, notification):
        album = Gallery(patience=0.1)
        assert await album.illustrate(notification, stream) == NONE
        async with asyncio.timeout(2):
            assert await album.illustrate(replace(notification, icon=f"{notification.icon}2"), stream) == NONE
        assert len(server.heads) == 1
    assert "no picture from 127.0.0.1 within" in caplog.text
    assert "secret" not in caplog.text


async def test_an_icon_is_kept_for_long_and_an_image_for_a_moment() -> None:
    async with showing([answer(PNG)]) as (server, stream, notification):
        clock = Time()
        album = Gallery(clock=clock)
        pictured = replace(notification, image=f"{notification.icon}&image")
        for clock.now in (0.0, IMAGE_LASTS - 1):
            assert await album.illustrate(pictured, stream) != NONE
            assert len(server.heads) == 2
        clock.now = IMAGE_LASTS + 1
        await album.illustrate(pictured, stream)
        assert len(server.heads) == 3
        clock.now = ICON_LASTS + 1
        await album.illustrate(notification, stream)
        assert len(server.heads) == 4


async def test_what_was_not_there_is_asked_for_again_after_a_while() -> None:
    async with showing([answer(b"", status="404 Not Found")], [answer(PNG)]) as (_, stream, notification):
        clock = Time()
        album = Gallery(clock=clock)
        for clock.now in (0.0, ABSENCE_LASTS - 1):
            assert await album.illustrate(notification, stream) == NONE
        clock.now = ABSENCE_LASTS + 1
        assert (await album.illustrate(notification, stream)).icon is not None


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "BYTES", 20_000)
    async with showing([answer(PNG)]) as (server, stream, notification):
        album = Gallery()
        for number in (*range(8), 7, 0):
            await album.illustrate(replace(notification, icon=f"{notification.icon}{number}"), stream)
        assert len(server.heads) == 9, "the newest is still known, the oldest is not"


async def test_what_one_stream_may_fetch_another_may_not_see() -> None:
    async with showing([answer(PNG)]) as (server, stream, notification):
        album = Gallery()
        assert (await album.illustrate(notification, stream)).icon is not None
        other = stream_at("https://hub.example/events").model_copy(update={"name": "other"})
        assert await album.illustrate(notification, other) == NONE
        assert len(server.heads) == 1


async def test_a_named_icon_a_digest_and_a_strange_stream_need_no_picture() -> None:
    album = Gallery()
    stream = stream_at("https://hub.example/events")
    assert await album.illustrate(replace(PLAIN, icon="dialog-warning"), stream) == Pictures()
    assert await album.illustrate(replace(PLAIN, icon="https://hub.example/i.png"), None) == NONE
