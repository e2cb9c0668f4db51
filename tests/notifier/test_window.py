"""How many a window lets through, and whom it takes for a flood."""

from notifier.window import Window


def let(window: Window, *moments: float) -> list[bool]:
    said = []
    for now in moments:
        said.append(window.hear(now))
        if said[-1]:
            window.let(now)
        else:
            window.stop()
    return said


def test_so_many_are_let_through_in_any_window() -> None:
    assert let(Window(2, 10), 0, 4, 8, 20, 21) == [True, True, False, True, True]


def test_who_floods_gets_nothing_through_until_fewer_come() -> None:
    window = Window(2, 10)
    assert not any(let(window, *range(40))[2:])
    assert let(window, 60) == [True]


def test_room_comes_back_with_time() -> None:
    window = Window(2, 10)
    assert let(window, 0, 6) == [True, True]
    assert [window.room(now) for now in (6, 9.9, 10, 16)] == [0, 0, 1, 2]
