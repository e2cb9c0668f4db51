"""Pictures, times and buttons: only where a name leaves no doubt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.adornment import NONE, Adornment, find
from notifier.notification import Action

U = "https://x.example/1"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"image": U}, Adornment(image=U)),
        ({"image": {"url": U}}, Adornment(image=U)),
        ({"alert": {"imageUrl": U}}, Adornment(image=U)),
        ([{"photo_url": U}], Adornment(image=U)),
        ({"photos": U, "imagery": U, "image_count": 3}, NONE),
        ({"image": "nginx:latest"}, NONE),
        ({"image": "file:///etc/passwd"}, NONE),
        ({"image": "https://bank.example@evil.example/"}, NONE),
        ({"user": {"image": U}}, NONE),
        ({"icon": U, "avatar": "https://x.example/2"}, Adornment(icon=U)),
        ({"icon": "dialog-warning"}, NONE),
        ({"timestamp": 1_700_000_000}, Adornment(time=1_700_000_000.0)),
        ({"created_at": "2023-11-14T22:13:20Z", "title": "x"}, Adornment(time=1_700_000_000.0)),
        ({"time": "12:30", "date": "2023-11-14"}, NONE),
        ({"time": 17}, NONE),
        ({"created_at": "2023-11-14T22:13:20"}, NONE),
        ({"actions": [{"label": "Open", "url": U}]}, Adornment(actions=(Action("Open", U),))),
        ({"buttons": [{"text": {"text": "Go"}, "url": U}]}, Adornment(actions=(Action("Go", U),))),
        ({"actions": [{"action": "view", "label": "See", "url": U}]}, Adornment(actions=(Action("See", U),))),
        ({"actions": [{"action": "http", "label": "Delete all", "url": U}]}, NONE),
        ({"actions": [{"label": "Run", "url": "javascript:alert(1)"}, {"label": "", "url": U}, 5]}, NONE),
        ({"actions": [{"label": "Go", "url": U}] * 9}, Adornment(actions=(Action("Go", U),) * 3)),
        ({"actions": "deploy"}, NONE),
        ("text", NONE),
        (None, NONE),
    ],
)  # fmt: skip
def test_what_is_named_is_found_and_nothing_else(value: object, found: Adornment) -> None:
    assert find(value) == found  # type: ignore[arg-type]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["actions", "image", "alert", "url", "x"]), inner),
)


@given(JSON)
def test_nothing_breaks_it(value: object) -> None:
    find(value)  # type: ignore[arg-type]
