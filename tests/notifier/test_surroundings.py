"""What is news: tables of clocks and of what services say."""

import pytest

from notifier.surroundings import LOOK_EVERY, Network, News, Surroundings

UP, DOWN = Network(is_up=True, identity="/wifi"), Network(is_up=False)
OTHER = Network(is_up=True, identity="/cable")


@pytest.mark.parametrize(
    ("ticked", "passed", "slept"),
    [
        (5.0, 5.0, False),
        (5.0, 5.4, False),
        (7.0, 7.0, False),
        (5.0, 12.0, False),
        (5.0, 65.0, True),
        (5.0, 28_800.0, True),
        (28_800.0, 28_800.0, True),
        (5.0, -3_600.0, False),
        (34.0, 34.0, False),
        (36.0, 36.0, True),
    ],
    ids=[
        "a usual look",
        "a clock that is set a little",
        "a busy machine",
        "a short sleep that a connection survives",
        "a minute of sleep",
        "a night",
        "a night on a system whose timers go on",
        "a clock that is set back",
        "a very busy machine",
        "a stopped process",
    ],
)
def test_sleep_is_noticed_by_the_gap_between_the_clocks(ticked: float, passed: float, slept: bool) -> None:
    surroundings = Surroundings(100.0, 1_000.0)
    assert surroundings.look(100.0 + ticked, 1_000.0 + passed) is (News.WOKE if slept else None)


def test_each_sleep_is_news_once_whoever_tells_first() -> None:
    surroundings = Surroundings(0.0, 0.0)
    assert surroundings.look(5.0, 3_605.0) is News.WOKE
    assert surroundings.woke(5.2, 3_605.2) is None
    assert surroundings.look(10.0, 3_610.0) is None
    assert surroundings.woke(300.0, 9_000.0) is News.WOKE
    assert surroundings.look(303.0, 9_003.0) is None


def test_a_month_of_usual_looks_is_no_news() -> None:
    surroundings = Surroundings(0.0, 0.0)
    looks = (surroundings.look(n * LOOK_EVERY, n * (LOOK_EVERY + 0.001)) for n in range(500_000))
    assert not any(looks)


@pytest.mark.parametrize(
    ("said", "news"),
    [
        ([UP, DOWN, UP], [None, News.OFFLINE, News.ONLINE]),
        ([UP, DOWN, DOWN, OTHER], [None, News.OFFLINE, None, News.ONLINE]),
        ([UP, UP, OTHER, OTHER], [None, None, News.ONLINE, None]),
        ([UP, DOWN, None], [None, News.OFFLINE, News.ONLINE]),
        ([DOWN, DOWN, UP, DOWN], [None, None, None, News.OFFLINE]),
        ([None, UP, None, UP], [None, None, None, None]),
        ([None, DOWN, None], [None, None, None]),
    ],
    ids=[
        "away and back",
        "back elsewhere",
        "from wifi to cable",
        "the service goes away while it is down",
        "one who never saw it up is not believed",
        "a service that comes and goes",
        "a service that manages nothing",
    ],
)
def test_the_network_is_news_when_it_goes_and_when_it_comes(
    said: list[Network | None], news: list[News | None]
) -> None:
    surroundings = Surroundings(0.0, 0.0)
    assert [surroundings.hear(network) for network in said] == news
