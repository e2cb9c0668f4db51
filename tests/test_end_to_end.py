"""A real server and a real client in processes of their own, and what a person is promised of them."""

import sys
from pathlib import Path

import pytest

from tests.chaos.storm import Plan, Storm


@pytest.mark.timeout(400)
async def test_whatever_is_killed_and_cut_each_event_is_recorded_once_and_handed_to_the_desktop(tmp_path: Path) -> None:
    counts = await Storm(Plan(events=300, kills=8, server_kills=3, life=1.0), tmp_path).run()
    sys.stdout.write(str(counts))
    counts.check()
