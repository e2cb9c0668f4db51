"""notifier.allowance: so many bytes at once, and so many a second."""

from notifier.allowance import Allowance


def test_a_burst_and_then_the_rate() -> None:
    allowance = Allowance(burst=100, rate=10)
    assert [allowance.take(60, now) for now in (0.0, 0.0, 1.0, 2.0, 100.0)] == [True, False, False, True, True]
    assert not allowance.take(101, 1_000.0)


def test_a_clock_that_was_set_back_gives_nothing() -> None:
    allowance = Allowance(burst=100, rate=10)
    assert [allowance.take(100, now) for now in (50.0, 0.0, 5.0, 10.0)] == [True, False, False, True]
