"""Names and values in words."""

import pytest

from notifier import wording
from notifier.payload import Json


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("deploy", "Deploy"),
        ("build_failed", "Build failed"),
        ("build-failed", "Build failed"),
        ("BUILD_FAILED", "Build failed"),
        ("buildFailed", "Build failed"),
        ("Nightly run", "Nightly run"),
        ("order.created", "order.created"),
        ("GitHub", "GitHub"),
        ("iPhone", "IPhone"),
        ("CI", "CI"),
        ("12", "12"),
        ("", ""),
        ("_", ""),
        ("_private__name", "Private name"),
    ],
)
def test_an_identifier_begins_a_sentence(identifier: str, expected: str) -> None:
    assert wording.sentence(identifier) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("jobName", "job name"), ("job_name", "job name"), ("UserID", "user ID"), ("Count", "count"), ("☃", "☃")],
)
def test_a_name_is_a_label(name: str, expected: str) -> None:
    assert wording.label(name) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"status": "failed", "job": "build 12"}, "status: failed · job: build 12"),
        ({"ok": False, "count": 0, "ratio": 0.1 + 0.2, "note": None}, "ok: no · count: 0 · ratio: 0.3"),
        ({"data": {"a": 1}, "build": {"b": 2}}, "a: 1 · build b: 2"),
        ({"a": {"b": {"c": 1}}}, ""),
        ({"tags": ["x", "y"], "empty": [], "many": list(range(9))}, "tags: x, y · many: 0, 1, 2, 3, 4, …"),
        ({"alerts": [{"a": 1}, {"a": 2}]}, "alerts: 2"),
        (
            {"id": 1, "user_id": 2, "createdAt": "now", "avatar": "x"},
            "id: 1 · user id: 2 · created at: now · avatar: x",
        ),
        ({"id": 1, "page": "https://x.example", "n": 3}, "n: 3"),
        ({str(n): n for n in range(20)}, "0: 0 · 1: 1 · 2: 2 · 3: 3 · 4: 4 · 5: 5 · 6: 6 · 7: 7"),
        ({}, ""),
        ([], ""),
        (1e21, "1e+21"),
        (None, ""),
    ],
)
def test_a_value_is_spelled_out_on_one_line(value: Json, expected: str) -> None:
    assert wording.spell_out(value) == expected


def test_what_was_told_already_is_left_out() -> None:
    assert wording.spell_out({"title": "T", "n": 1}, besides=["title"]) == "n: 1"
