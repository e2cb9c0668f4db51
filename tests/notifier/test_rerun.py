"""notifier.rerun: kept events, decided once more at the times at which they came."""

from itertools import count

from notifier.config import Stream
from notifier.kept import Kept, Kind
from notifier.line import Line
from notifier.notification import Notification
from notifier.preset import GENERIC
from notifier.presets import known
from notifier.rerun import Rerun

NUMBERS = count(1)


def line(preset: str = "generic", **rule: object) -> Line:
    stream = Stream.model_validate({"url": "https://a.example/e", "name": "ci", "preset": preset, "rules": [rule]})
    return Line(stream, {GENERIC.name: GENERIC} | known(), None)


def row(at: float, data: str | None = "", kind: Kind = Kind.EVENT, event_type: str = "message") -> Kept:
    return Kept("ci", at, kind, data, event_type if kind is Kind.EVENT else "", None, next(NUMBERS))


def told(
    rows: list[Kept], rule: dict[str, object], until: float = 10_000.0, preset: str = "generic"
) -> list[tuple[float, str]]:
    rerun = Rerun(lambda: line(preset, **rule))
    return [
        (round(at), outcome.title)
        for at, sample in rerun.play(rows, until)
        for outcome in sample.outcomes
        if isinstance(outcome, Notification)
    ]


DOOR: dict[str, object] = {"problem": "data.door", "for": 300, "title": "Open", "recovered": {"title": "Shut"}}


def test_time_passes_as_it_did() -> None:
    rows = [row(0, '{"door": true}'), row(100, '{"door": false}'), row(200, '{"door": true}')]
    assert told(rows, DOOR) == [(500, "Open")]
    assert told(rows, DOOR, until=400) == []
    assert told([*rows, row(501, '{"door": false}')], DOOR) == [(500, "Open"), (501, "Shut")]


def test_what_falls_due_at_once_is_told_one_by_one_as_the_history_has_it() -> None:
    rows = [row(0, '{"host": "a"}'), row(0, '{"host": "b"}')]
    rerun = Rerun(lambda: line(silence=60, key="{{ data.host }}", title="Nothing from {{ key }}"))
    lapses = [len(sample.outcomes) for _at, sample in rerun.play(rows, 100.0) if sample.event is None]
    assert lapses == [1, 1]


def test_a_clock_that_was_set_back_lets_no_time_pass() -> None:
    rows = [row(1_000, '{"door": true}'), row(500, '{"door": true}'), row(1_200, '{"door": false}')]
    assert told(rows, DOOR) == []


def test_rules_remember_over_a_restart_what_they_do_remember() -> None:
    began = [row(150, kind=Kind.BEGAN), row(151, "{}", Kind.OPENED)]
    rows = [row(0, '{"door": true}'), *began, row(200, '{"door": true}'), row(400, '{"door": false}')]
    assert told(rows, DOOR) == [(300, "Open"), (400, "Shut")]


def test_while_the_program_was_away_nobody_was_silent() -> None:
    silent: dict[str, object] = {"silence": 60, "title": "Silent"}
    began = [row(1_000, kind=Kind.BEGAN), row(1_001, "{}", Kind.OPENED)]
    assert told([row(0, "x"), *began, row(1_030, "x")], silent, until=1_040) == [
        (0, "ci"), (1_030, "ci"),
    ]  # fmt: skip
    ended = row(90, kind=Kind.ENDED)
    assert told([row(0, "x"), ended, *began, row(1_030, "x")], silent, until=1_040)[:2] == [(0, "ci"), (60, "Silent")]
    assert told([row(0, "x"), row(30, kind=Kind.ENDED)], silent) == [(0, "ci")]


def test_what_a_server_repeats_when_it_is_opened_is_not_told() -> None:
    settling = GENERIC.model_copy(update={"settle": 3.0})
    rerun = Rerun(lambda: Line(line().stream, {GENERIC.name: settling}, None))
    rows = [row(0, "before"), row(10, "{}", Kind.OPENED), row(11, "again"), row(14, "new")]
    assert [len(sample.outcomes) for _, sample in rerun.play(rows, 20)] == [1, 0, 1]


def test_the_headers_that_are_kept_give_the_kind_away() -> None:
    lines = [line("auto")]
    list(Rerun(lambda: lines[0]).play([row(0, '{"server": "sse-server/1.0"}', Kind.OPENED)], 1.0))
    assert lines[0].preset.name == "sse-server"


def test_what_was_not_kept_is_counted() -> None:
    rerun = Rerun(line)
    rows = [row(0, None), row(1, "x"), row(2, "12", Kind.TOO_FAST), row(3, "damaged", Kind.TOO_FAST)]
    list(rerun.play([*rows, row(4, "damaged", Kind.OPENED)], 5.0))
    assert (rerun.too_large, rerun.too_fast, [event.data for _, _, event in rerun.events]) == (1, 13, ["x"])
