"""The live page, as a person sees it in Debian's Chromium."""

import json
import re
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Locator, Page, Request, expect

from server.crew import Crew
from server.tokens import Tokens
from server.web import serve
from tests.server.browser import PATIENCE, Chromium, state
from tests.server.client import publish, subscribe

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHOTS = Path(__file__).parents[2] / "build" / "shots"
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=1</script>'


def rows(page: Page) -> Locator:
    return page.get_by_role("list", name="Events, newest first").get_by_role("listitem")


async def fill_with(url: str, count: int) -> None:
    """Publish so many events, a thousand at a time."""
    for start in range(0, count, 1_000):
        lines = [
            json.dumps({"topic": f"t{n % 7}", "title": f"Event {n}.", "body": f"It has {n % 9} words"})
            for n in range(start, min(start + 1_000, count))
        ]
        answer = await publish(url, "\n".join(lines), headers="Content-Type: application/x-ndjson\r\n")
        assert answer.status == 201


async def test_published_events_appear_whether_or_not_they_are_json_and_of_every_type(chromium: Chromium) -> None:
    async with serve() as url, chromium.opened(url) as page:
        await publish(url, "Backup done")
        await publish(url, '{"temperature": 21.5}')
        await publish(
            url, {"type": "build", "topic": "ci", "title": "Build 7 failed", "body": "2 tests failed\nin 3 s"}
        )
        await publish(url, "[1, 2")
        await publish(url, "null")
        shown = rows(page)
        await expect(shown).to_have_count(5, timeout=PATIENCE)
        await expect(shown.nth(0)).to_contain_text("null")
        await expect(shown.nth(1)).to_contain_text("[1, 2")
        await expect(shown.nth(2).get_by_role("heading")).to_have_text("Build 7 failed")
        await expect(shown.nth(2)).to_contain_text("2 tests failed\nin 3 s")
        await expect(shown.nth(2)).to_contain_text("type build")
        await expect(shown.nth(2)).to_contain_text("topic ci")
        await expect(shown.nth(3)).to_contain_text('"temperature": 21.5')
        await expect(shown.nth(4)).to_contain_text("Backup done")


async def test_the_figures_say_so_where_they_are_of_one_of_several_processes(chromium: Chromium) -> None:
    async with serve(crew=Crew(2, 4)) as url, chromium.opened(url) as page:
        figures = page.get_by_role("region", name="Figures of the last two minutes")
        await expect(figures).to_contain_text("of worker 2, which is one of 4", timeout=PATIENCE)


async def test_hostile_data_stays_text(chromium: Chromium) -> None:
    async with serve() as url, chromium.opened(url) as page:
        await publish(url, HOSTILE)
        await publish(url, {"title": HOSTILE, "body": HOSTILE, "data": {HOSTILE: HOSTILE}, "type": "<b>x</b>"})
        await publish(url, '{"title": "click", "link": "javascript:document.title=1"}')
        await publish(url, '{"title": {"toString": 1}, "urgency": "\\" onclick=\\"x", "body": ["<b>"]}')
        shown = rows(page)
        await expect(shown).to_have_count(4, timeout=PATIENCE)
        await expect(shown.nth(3)).to_contain_text(HOSTILE)
        await expect(shown.nth(2).get_by_role("heading")).to_have_text(HOSTILE)
        assert await page.locator("#events :is(img, script, b, a)").count() == 0
        await page.get_by_label("Text").first.fill(HOSTILE)
        await expect(shown).to_have_count(2, timeout=PATIENCE)
        assert await page.title() == "Live events"


async def test_json_that_is_nested_too_deep_is_text_and_hides_no_other_event(chromium: Chromium) -> None:
    async with serve() as url, chromium.opened(url) as page:
        await publish(url, "[" * 5_000 + "]" * 5_000)
        await publish(url, "[" * 150 + "]" * 150)
        await publish(url, "after")
        shown = rows(page)
        await expect(shown).to_have_count(3, timeout=PATIENCE)
        await expect(shown.nth(0)).to_contain_text("after")
        await expect(shown.nth(2)).to_contain_text("[[[[")


async def test_the_browser_itself_would_run_no_script_that_is_not_ours(chromium: Chromium) -> None:
    async with serve() as url, chromium.browsing() as page:
        await page.goto(url)
        inline = """() => {
            const script = document.createElement("script");
            try { script.textContent = "document.title = 1"; document.head.append(script); } catch {}
            try { document.body.innerHTML = "<img src=x onerror='document.title = 1'>"; } catch {}
            try { document.body.setAttribute("onclick", "document.title = 1"); } catch {}
            document.body.click();
        }"""
        await page.evaluate(inline)
        assert await page.title() == "Live events"


async def test_a_link_to_the_web_can_be_followed_and_cannot_reach_back(chromium: Chromium) -> None:
    async with serve() as url, chromium.opened(url) as page:
        await publish(url, {"title": "Build", "link": "https://ci.example/7"})
        link = page.get_by_role("link", name="https://ci.example/7")
        await expect(link).to_have_attribute("href", "https://ci.example/7", timeout=PATIENCE)
        await expect(link).to_have_attribute("rel", "noopener noreferrer")


async def test_a_message_can_be_sent_from_the_page_by_keyboard_and_a_wrong_field_says_so_itself(
    chromium: Chromium,
) -> None:
    async with serve() as url, chromium.opened(url) as page:
        form = page.get_by_role("region", name="Publish")
        await form.get_by_label("Title").focus()
        for text in ("Build 7 failed", "2 tests\n", "ci", "critical", "nonsense"):
            await page.keyboard.type(text)
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        link = form.get_by_label("Link")
        await expect(link).to_have_attribute("aria-invalid", "true", timeout=PATIENCE)
        await expect(link).to_be_focused()
        await expect(link).to_have_accessible_description("an absolute http or https URL of at most 2048 characters")
        await link.fill("https://ci.example/7")
        await page.keyboard.press("Enter")
        await expect(form.get_by_role("status")).to_have_text("Published.", timeout=PATIENCE)
        await expect(link).not_to_have_attribute("aria-invalid", "true")
        await expect(form.get_by_label("Title")).to_have_value("")
        await expect(form.get_by_label("Topic")).to_have_value("ci")
        for text in ("Build 7 failed", "2 tests", "critical", "https://ci.example/7"):
            await expect(rows(page)).to_contain_text(text)
        await page.keyboard.press("Enter")
        body = form.get_by_label("Text")
        await expect(body).to_have_accessible_description("the message is empty; give a body, a title or data")


async def test_ten_thousand_events_are_kept_few_are_laid_out_and_a_screen_reader_hears_of_them_once(
    chromium: Chromium,
) -> None:
    async with serve() as url, chromium.opened(url) as page:
        await page.evaluate(
            """() => {
                window.said = 0;
                new MutationObserver(() => window.said++).observe(document.getElementById("news"), {childList: true});
            }"""
        )
        await fill_with(url, 10_100)
        await expect(rows(page).first).to_contain_text("Event 10099.", timeout=PATIENCE)
        await expect(page.get_by_text("10,000 events, the newest 200 are shown")).to_be_visible(timeout=PATIENCE)
        assert await rows(page).count() == 200
        assert await page.evaluate("document.querySelectorAll('*').length") < 4_000
        await page.get_by_role("button", name="Show more").click()
        await expect(rows(page)).to_have_count(400, timeout=PATIENCE)
        await expect(rows(page).nth(200)).to_be_focused()
        await page.get_by_label("Text").first.fill("event 100.")
        await expect(rows(page)).to_have_count(1, timeout=PATIENCE)
        await page.get_by_label("Text").first.fill("event 99.")
        await expect(page.locator("#count")).to_contain_text("0 of 10,000 events match", timeout=PATIENCE)
        await page.get_by_label("Text").first.fill("event 101")
        await expect(page.locator("#count")).to_contain_text("11 of 10,000 events match", timeout=PATIENCE)
        await fill_with(url, 2)
        await expect(page.locator("#count")).to_contain_text("10 of 10,000 events match", timeout=PATIENCE)
        await expect(rows(page)).to_have_count(10)
        assert await page.evaluate("window.said") <= 5  # one for the events, one for each filter, one to come


async def test_a_screen_reader_hears_of_many_events_in_one_sentence_now_and_then(chromium: Chromium) -> None:
    async with serve() as url, chromium.browsing() as page:
        await page.clock.install()
        await page.goto(url)
        await expect(state(page)).to_have_text("Connected", timeout=PATIENCE)
        news = page.locator("#news")
        await publish(url, "one")
        await expect(news).to_have_text("one", timeout=PATIENCE)
        for text in ("two", "three"):
            await publish(url, text)
        await expect(rows(page)).to_have_count(3, timeout=PATIENCE)
        await page.clock.fast_forward(5_000)
        await expect(news).to_have_text("one")
        await page.clock.fast_forward(10_000)
        await expect(news).to_have_text("2 new events. Latest: three", timeout=PATIENCE)
        await publish(url, "four")
        await expect(rows(page)).to_have_count(4, timeout=PATIENCE)
        await page.get_by_role("button", name="Pause").click()
        await page.clock.fast_forward(30_000)
        await expect(news).to_have_text("2 new events. Latest: three")


async def test_what_changes_every_second_is_not_read_out(chromium: Chromium) -> None:
    async with serve() as url, chromium.opened(url) as page:
        speaking = page.locator("output, [aria-live], [role=status], [role=alert], [role=log], [role=timer]")
        names = await speaking.evaluate_all("(found) => found.map((each) => each.id)")
        assert set(names) == {"state", "token-error", "news", "answer", "copied"}


async def test_events_are_filtered_by_topic_type_and_text(chromium: Chromium) -> None:
    async with serve() as url, chromium.opened(url) as page:
        for topic in ("ops/db1", "ops/db2", "builds"):
            for kind in ("message", "alarm"):
                await publish(url, f"from {topic}", path=f"/events?topic={topic}&type={kind}")
        shown = rows(page)
        await expect(shown).to_have_count(6, timeout=PATIENCE)
        search = page.get_by_role("search")
        for field, text, count in (
            ("Topic", "ops/*", 4),
            ("Type", "alarm", 2),
            ("Text", "FROM OPS/DB2", 1),
            ("Topic", "builds", 0),
            ("Text", "", 1),
        ):
            await search.get_by_label(field).fill(text)
            await expect(shown).to_have_count(count, timeout=PATIENCE)
        await publish(url, "new", path="/events?topic=builds&type=alarm")
        await publish(url, "new", path="/events?topic=builds")
        await expect(shown).to_have_count(2, timeout=PATIENCE)
        topics = page.get_by_role("list", name="Topics heard")
        await search.get_by_label("Type").fill("")
        await topics.get_by_role("button", name="builds", pressed=True).click()
        await expect(shown).to_have_count(8, timeout=PATIENCE)
        await topics.get_by_role("button", name="ops/db2").click()
        await expect(shown).to_have_count(2, timeout=PATIENCE)


async def test_a_pause_holds_the_list_and_counts_what_waits(chromium: Chromium) -> None:
    async with serve() as url, chromium.opened(url) as page:
        await publish(url, "before")
        await expect(rows(page)).to_have_count(1, timeout=PATIENCE)
        await page.get_by_role("button", name="Pause").press("Enter")
        for number in range(3):
            await publish(url, f"while paused {number}")
        resume = page.get_by_role("button", name="Resume (3 waiting)", pressed=True)
        await expect(resume).to_be_visible(timeout=PATIENCE)
        await expect(rows(page)).to_have_count(1)
        await page.get_by_role("search").get_by_label("Text").fill("2")
        await expect(page.get_by_role("button", name="Resume (1 waiting)")).to_be_visible(timeout=PATIENCE)
        await expect(rows(page)).to_have_count(0)
        await page.get_by_role("search").get_by_label("Text").fill("")
        await resume.click()
        await expect(rows(page)).to_have_count(4, timeout=PATIENCE)
        await expect(page.get_by_role("button", name="Pause")).to_be_visible()


async def test_what_was_published_before_can_be_looked_at(chromium: Chromium) -> None:
    async with serve() as url:
        await publish(url, "from before")
        async with chromium.opened(url) as page:
            await expect(page.get_by_text("Nothing yet.")).to_be_visible()
            await page.get_by_label("From").select_option("an hour ago")
            await expect(rows(page)).to_contain_text("from before", timeout=PATIENCE)


async def test_subscribers_and_rates_are_shown_and_said(chromium: Chromium) -> None:
    async with serve() as url, subscribe(url), chromium.opened(url) as page:
        picture = page.get_by_role("img", name="Subscribers, last two minutes: now 2, lowest 2, highest 2")
        await expect(picture).to_be_visible(timeout=PATIENCE)
        await fill_with(url, 100)
        for name in ("Events", "Deliveries"):
            picture = page.get_by_role("img", name=re.compile(rf"{name} per second, .* highest [1-9]"))
            await expect(picture).to_be_visible(timeout=PATIENCE)
        line = page.locator("#deliveries-rate .line")
        await expect(line).to_have_attribute("d", re.compile("^M.*L"), timeout=PATIENCE)


async def test_a_server_that_needs_a_token_is_given_it_in_a_header_and_nothing_else_learns_it(
    chromium: Chromium, tmp_path: Path
) -> None:
    tokens = Tokens(tmp_path / "tokens.json")
    token = tokens.add("page", ("*",), ("*",))
    async with serve(tokens=tokens) as url, chromium.browsing() as page:
        asked: list[Request] = []
        page.on("request", lambda request: asked.append(request))
        await page.goto(url)
        await expect(state(page)).to_have_text("A token is needed", timeout=PATIENCE)
        field = page.get_by_label("Token", exact=True)
        await expect(field).to_be_focused()
        await page.keyboard.type("wrong")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_have_text("The server does not know this token.", timeout=PATIENCE)
        await field.fill(token)
        await page.keyboard.press("Enter")
        await expect(state(page)).to_have_text("Connected", timeout=PATIENCE)
        await expect(field).to_be_hidden()
        await expect(page.get_by_role("list", name="Events, newest first")).to_be_focused()
        await page.get_by_label("Title").fill("sent with a token")
        await page.keyboard.press("Enter")
        await expect(rows(page)).to_contain_text("sent with a token", timeout=PATIENCE)
        bearers = [await each.header_value("Authorization") for each in asked]
        assert bearers.count(f"Bearer {token}") >= 2
        assert not [each.url for each in asked if token in each.url]
        kept = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
        assert token not in kept
        assert token not in await page.content()
        assert "Bearer TOKEN" in await page.locator(".snippet").first.inner_text()


async def test_a_line_to_connect_with_is_copied_whole(chromium: Chromium) -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    async with serve() as url, chromium.opened(url, permissions=permissions) as page:
        button = page.locator(".copy").first
        await expect(button).to_have_accessible_description("Notifications on your desktop")
        await button.press("Enter")
        await expect(button).to_have_text("Copied")
        assert await page.evaluate("navigator.clipboard.readText()") == f"sse-notifier run {url}/events"


async def test_a_browser_without_javascript_says_how_to_listen_in_a_way_that_works(chromium: Chromium) -> None:
    async with serve() as url, chromium.browsing(java_script_enabled=False) as page:
        await page.goto(url)
        advice = page.locator("noscript p")  # which get_by_text leaves out
        await expect(advice).to_be_visible()
        await expect(advice).to_contain_text("curl -N and the address of this page, followed by events.")
        assert page.url + "events" == f"{url}/events"
        await expect(page.locator("#snippet-listen ~ pre")).to_have_text("curl -N ADDRESS/events", use_inner_text=True)


async def test_light_and_dark_are_chosen_by_the_system_until_a_person_chooses(chromium: Chromium) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    async with serve() as url, chromium.opened(url, "dark") as page:
        dark = await page.evaluate(ground)
        await page.get_by_role("button", name="Theme: system").click()
        await expect(page.get_by_role("button", name="Theme: light")).to_be_visible()
        light = await page.evaluate(ground)
        assert light != dark
        await page.reload()
        await expect(page.get_by_role("button", name="Theme: light")).to_be_visible()
        assert await page.evaluate(ground) == light
        await page.get_by_role("button", name="Theme: light").click()
        assert await page.evaluate(ground) == dark


async def test_the_page_says_that_the_connection_is_lost_and_comes_back_with_what_was_missed(
    chromium: Chromium,
) -> None:
    async with chromium.browsing() as page:
        async with serve() as url:
            await page.goto(url)
            await expect(state(page)).to_have_text("Connected", timeout=PATIENCE)
            await publish(url, "before")
            await expect(rows(page)).to_contain_text("before", timeout=PATIENCE)
        await expect(state(page)).to_have_text("Connection lost, trying again", timeout=PATIENCE)
        async with serve(port=int(url.rpartition(":")[2])):
            await publish(url, "meanwhile")
            await page.get_by_role("button", name="Try now").click()
            await expect(state(page)).to_have_text("Connected", timeout=PATIENCE)
            await expect(rows(page).nth(0)).to_contain_text("meanwhile", timeout=PATIENCE)
            await expect(rows(page).nth(1)).to_contain_text("Events may be missing", timeout=PATIENCE)


LISTEN = """([url]) => new Promise((resolve) => {
    const source = new EventSource(url);
    source.addEventListener("message", (event) => resolve(event.data));
    source.addEventListener("error", () => resolve("refused"));
})"""


async def test_a_browser_lets_only_pages_of_named_origins_listen(chromium: Chromium) -> None:
    async with chromium.browsing() as page, serve() as friend, serve() as stranger, serve(origins={friend}) as url:
        await publish(url, "for friends")
        for visitor, heard in ((stranger, "refused"), (friend, "for friends")):
            await page.goto(f"{visitor}/health")
            assert await page.evaluate(LISTEN, [f"{url}/events?since=all"]) == heard


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_can_be_looked_at_and_keeps_the_rules_of_accessibility(chromium: Chromium, scheme: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    async with serve() as url, chromium.opened(url, scheme) as page:
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
        await expect(rows(page)).to_have_count(4, timeout=PATIENCE)
        found = await Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        name = "page.png" if scheme == "light" else "page-dark.png"
        assert await page.screenshot(path=SHOTS / name)
