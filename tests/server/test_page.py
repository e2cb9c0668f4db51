"""The live page, as a person sees it in Debian's Chromium."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from server.web import serve
from tests.needs import needs
from tests.server.client import publish

pytestmark = pytest.mark.timeout(90)

SHOTS = Path(__file__).parents[2] / "build" / "shots"
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 20_000
"""Milliseconds that a browser may take; the machine may be busy."""

HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=1</script>'


@asynccontextmanager
async def opened(url: str, scheme: str = "light") -> AsyncIterator[Page]:
    """The live page, connected; what its console complains of is an error."""
    [chromium] = needs("chromium", "chromium")
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
        try:
            page = await browser.new_page(
                color_scheme="dark" if scheme == "dark" else "light", viewport={"width": 1000, "height": 900}
            )
            page.set_default_timeout(PATIENCE)
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            await page.goto(url)
            await expect(page.get_by_role("status")).to_have_text("Connected", timeout=PATIENCE)
            yield page
        finally:
            await browser.close()
    assert complaints == []


async def test_published_events_appear_whether_or_not_they_are_json_and_of_every_type() -> None:
    async with serve() as url, opened(url) as page:
        await publish(url, "Backup done")
        await publish(url, '{"temperature": 21.5}')
        await publish(
            url, {"type": "build", "topic": "ci", "title": "Build 7 failed", "body": "2 tests failed\nin 3 s"}
        )
        await publish(url, "[1, 2")
        rows = page.get_by_role("log").get_by_role("listitem")
        await expect(rows).to_have_count(4, timeout=PATIENCE)
        await expect(rows.nth(0)).to_contain_text("[1, 2")
        await expect(rows.nth(1).get_by_role("heading")).to_have_text("Build 7 failed")
        await expect(rows.nth(1)).to_contain_text("2 tests failed\nin 3 s")
        await expect(rows.nth(1)).to_contain_text("type build")
        await expect(rows.nth(1)).to_contain_text("topic ci")
        await expect(rows.nth(2)).to_contain_text('"temperature": 21.5')
        await expect(rows.nth(3)).to_contain_text("Backup done")


async def test_hostile_data_stays_text() -> None:
    async with serve() as url, opened(url) as page:
        await publish(url, HOSTILE)
        await publish(url, {"title": HOSTILE, "body": HOSTILE, "data": {HOSTILE: HOSTILE}, "type": "<b>x</b>"})
        await publish(url, '{"title": "click", "link": "javascript:document.title=1"}')
        rows = page.get_by_role("log").get_by_role("listitem")
        await expect(rows).to_have_count(3, timeout=PATIENCE)
        await expect(rows.nth(2)).to_contain_text(HOSTILE)
        await expect(rows.nth(1).get_by_role("heading")).to_have_text(HOSTILE)
        assert await page.locator("#events :is(img, script, b, a)").count() == 0
        assert await page.title() == "Live events"


async def test_a_link_to_the_web_can_be_followed_and_cannot_reach_back() -> None:
    async with serve() as url, opened(url) as page:
        await publish(url, {"title": "Build", "link": "https://ci.example/7"})
        link = page.get_by_role("link", name="https://ci.example/7")
        await expect(link).to_have_attribute("href", "https://ci.example/7", timeout=PATIENCE)
        await expect(link).to_have_attribute("rel", "noopener noreferrer")


async def test_a_message_can_be_sent_from_the_page() -> None:
    async with serve() as url, opened(url) as page:
        await page.get_by_label("Publish").fill("sent by hand")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("log")).to_contain_text("sent by hand", timeout=PATIENCE)
        await expect(page.get_by_label("Publish")).to_have_value("")


async def test_the_page_keeps_the_newest_events_only() -> None:
    async with serve() as url, opened(url) as page:
        await page.evaluate(
            """async () => {
                for (let n = 0; n < 510; n++) await fetch("/events", {method: "POST", body: `event ${n}.`});
            }"""
        )
        await expect(page.get_by_role("log")).to_contain_text("event 509.", timeout=PATIENCE)
        assert await page.locator("#events li").count() == 500
        await expect(page.locator("#events li").last).to_contain_text("event 10.")


async def test_the_page_says_that_the_connection_is_lost_and_comes_back_with_what_was_missed() -> None:
    [chromium] = needs("chromium", "chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
        page = await browser.new_page()
        async with serve() as url:
            await page.goto(url)
            await expect(page.get_by_role("status")).to_have_text("Connected", timeout=PATIENCE)
            await publish(url, "before")
            await expect(page.get_by_role("log")).to_contain_text("before", timeout=PATIENCE)
        await expect(page.get_by_role("status")).to_contain_text("Connection lost", timeout=PATIENCE)
        async with serve(port=int(url.rpartition(":")[2])):
            await publish(url, "meanwhile")
            await expect(page.get_by_role("log")).to_contain_text("meanwhile", timeout=PATIENCE)
            await expect(page.get_by_role("log")).to_contain_text("Events may be missing", timeout=PATIENCE)
        await browser.close()


LISTEN = """([url]) => new Promise((resolve) => {
    const source = new EventSource(url);
    source.addEventListener("message", (event) => resolve(event.data));
    source.addEventListener("error", () => resolve("refused"));
})"""


async def test_a_browser_lets_only_pages_of_named_origins_listen() -> None:
    [chromium] = needs("chromium", "chromium")
    async with async_playwright() as playwright, serve() as friend, serve() as stranger, serve(origins={friend}) as url:
        browser = await playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
        page = await browser.new_page()
        await publish(url, "for friends")
        for visitor, heard in ((stranger, "refused"), (friend, "for friends")):
            await page.goto(f"{visitor}/health")
            assert await page.evaluate(LISTEN, [f"{url}/events?since=all"]) == heard
        await browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_can_be_looked_at(scheme: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    async with serve() as url, opened(url, scheme) as page:
        await publish(url, "Backup done")
        await publish(url, {"title": "Build 413 of fix-login passed", "body": "214 tests in 52 s", "topic": "ci"})
        await publish(url, '{"sensor": "kitchen", "temperature": 21.5}')
        await publish(
            url,
            {
                "type": "build",
                "topic": "ci",
                "title": "Build 414 of main failed",
                "body": "2 tests failed in test_checkout.py",
                "urgency": "critical",
                "link": "https://ci.example/builds/414",
            },
        )
        await expect(page.get_by_role("log").get_by_role("listitem")).to_have_count(4, timeout=PATIENCE)
        name = "page.png" if scheme == "light" else "page-dark.png"
        assert await page.screenshot(path=SHOTS / name)
