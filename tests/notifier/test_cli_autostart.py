"""`sse-notifier autostart` as a person types it."""

from pathlib import Path

from tests.notifier.test_cli import command


async def test_it_is_switched_on_told_and_switched_off(tmp_path: Path) -> None:
    async def told(*words: str) -> tuple[int, str, str]:
        async with command(tmp_path, "autostart", *words) as tool:
            return await tool.result()

    entry = tmp_path / ".config/autostart/sse-notifier.desktop"
    assert await told("status") == (1, "off\n", "")
    code, out, errors = await told("on")
    assert (code, out) == (0, f"sse-notifier starts at login ({entry})\n")
    assert errors.startswith("sse-notifier: as yet it could not start: ")
    async with command(tmp_path, "config", "init") as tool:
        await tool.result()
    assert "names no stream yet" in (await told("on"))[2]
    assert await told("status") == (0, f"on ({entry})\n", "")
    assert "another program or configuration" in (await told("status", "--config", "work.toml"))[1]
    assert await told("off") == (0, "sse-notifier does not start at login\n", "")
    assert not entry.exists()
