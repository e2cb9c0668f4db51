"""Debian's Chromium, with the live page in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect

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


expect.set_options(timeout=PATIENCE)


class Chromium:
    """One browser for all tests, and a profile of its own for each page."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    @asynccontextmanager
    async def browsing(self, scheme: str = "light", **more: Any) -> AsyncIterator[Page]:
        """An empty page."""
        more = {"viewport": {"width": 1280, "height": 900}, **more}
        context = await self.browser.new_context(color_scheme="dark" if scheme == "dark" else "light", **more)
        context.set_default_timeout(PATIENCE)
        try:
            yield await context.new_page()
        finally:
            await context.close()

    @asynccontextmanager
    async def opened(self, url: str, scheme: str = "light", **more: Any) -> AsyncIterator[Page]:
        """The live page, connected; what its console complains of is an error."""
        complaints: list[str] = []
        async with self.browsing(scheme, **more) as page:
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            await page.goto(url)
            await expect(state(page)).to_have_text("Connected", timeout=PATIENCE)
            yield page
        # A refused request is in the console whatever a page does about it.
        assert [text for text in complaints if "the server responded with a status of" not in text] == []


def state(page: Page) -> Locator:
    return page.get_by_role("banner").get_by_role("status")
