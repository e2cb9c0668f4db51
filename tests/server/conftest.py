"""What the tests of the server share."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import async_playwright

from tests.needs import needs
from tests.server.browser import SWITCHES, Chromium


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Chromium]:
    [program] = needs("chromium", "chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield Chromium(browser)
        await browser.close()
