"""What is found of the bubbles of Windows and macOS, with a stand-in for the library that reaches them."""

import asyncio
from dataclasses import dataclass, field

import desktop_notifier as library
import pytest

from notifier.desktop import has_plyer, survey
from notifier.desktop.desk import Desk
from notifier.desktop.survey import look_around

ABLE = frozenset({library.Capability.TITLE})


@dataclass
class System:
    """The library on a system that lets programs show bubbles, or does not, or never says so."""

    able: frozenset[library.Capability] = ABLE
    allowed: bool | Exception | None = True
    asked: list[str] = field(default_factory=list)

    async def get_capabilities(self) -> frozenset[library.Capability]:
        return self.able

    async def has_authorisation(self) -> bool:
        self.asked.append("has_authorisation")
        if self.allowed is None:
            await asyncio.Event().wait()
        if isinstance(self.allowed, Exception):
            raise self.allowed
        return bool(self.allowed)


async def seen(platform: str, system: System) -> Desk:
    return await look_around({}, platform=platform, make=lambda: system)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(
    ("allowed", "may_show"), [(True, True), (False, False), (None, None), (OSError("of the library"), None)]
)
async def test_windows_is_asked_whether_the_person_lets_us(
    monkeypatch: pytest.MonkeyPatch, allowed: bool | Exception | None, may_show: bool | None
) -> None:
    monkeypatch.setattr(survey, "DEADLINE", 0.2)
    desk = await seen("win32", System(allowed=allowed))
    assert (desk.system, desk.system_problem, desk.may_show) == ("Windows", "", may_show)


async def test_macos_is_not_asked_since_that_would_print_a_complaint() -> None:
    system = System()
    desk = await seen("darwin", system)
    assert (desk.system, desk.system_problem, desk.may_show, system.asked) == ("macOS", "", None, [])


async def test_who_shows_no_bubbles_is_told_with_what_is_left() -> None:
    mac, windows = await seen("darwin", System(able=frozenset())), await seen("win32", System(able=frozenset()))
    assert mac.system_problem.startswith("macOS shows bubbles only of app bundles")
    assert windows.system_problem == "Windows has no notifications that desktop-notifier knows"
    assert (mac.has_plyer, windows.has_plyer) == (has_plyer("darwin"), True)
