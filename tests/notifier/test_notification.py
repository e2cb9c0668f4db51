"""What may reach a desktop, and what never constructs."""

import math

import pytest

from notifier.notification import Action, Notification


@pytest.mark.parametrize(
    "fields",
    [
        {"icon": "https://x.example/icon.png"},
        {"icon": "dialog-warning"},
        {"icon": "org.gnome.Builder"},
        {"image": "http://x.example/camera.jpg"},
        {"sound": "message-new-instant"},
        {"sound": "none"},
        {"group": "deploys"},
        {"progress": 0},
        {"progress": 100},
        {"time": 0.0},
        {"actions": (Action("Open", "https://x.example/"),) * 3},
        {"transient": True, "resident": True},
    ],
)
def test_what_a_desktop_can_take(fields: dict[str, object]) -> None:
    Notification(stream="s", title="t", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fields",
    [
        {"icon": ""},
        {"icon": "/etc/passwd"},
        {"icon": "../x"},
        {"icon": "file:///etc/passwd"},
        {"icon": "javascript:alert(1)"},
        {"icon": "-x"},
        {"image": "dialog-warning"},
        {"image": "file:///x.png"},
        {"sound": "a b"},
        {"sound": "/x.ogg"},
        {"group": ""},
        {"group": "a\nb"},
        {"group": "x" * 201},
        {"progress": -1},
        {"progress": 101},
        {"time": math.inf},
        {"time": math.nan},
        {"actions": (Action("Open", "https://x.example/"),) * 4},
    ],
)
def test_what_never_constructs(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"^an? |^progress"):
        Notification(stream="s", title="t", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("label", "link"),
    [
        ("", "https://x.example/"),
        (" ", "https://x.example/"),
        ("a\nb", "https://x.example/"),
        ("x" * 61, "https://x.example/"),
        ("Open", "file:///etc/passwd"),
        ("Open", "javascript:alert(1)"),
    ],
)
def test_an_action_has_a_label_and_opens_the_web(label: str, link: str) -> None:
    with pytest.raises(ValueError, match="action"):
        Action(label, link)
