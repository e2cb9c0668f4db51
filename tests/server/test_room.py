"""server.room: thousands of small buffers have a bound together."""

import asyncio

from server.room import Room


class Connection(asyncio.WriteTransport):
    """So many bytes wait in it; it counts how often it was asked."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size, self.asked, self.is_ended = size, 0, False

    def get_write_buffer_size(self) -> int:
        self.asked += 1
        return self.size

    def is_closing(self) -> bool:
        return self.is_ended

    def abort(self) -> None:
        self.is_ended, self.size = True, 0


def room(limit: int, *sizes: int) -> tuple[Room, list[Connection]]:
    connections = [Connection(size) for size in sizes]
    made = Room(limit, lambda: connections)
    made.took(sum(sizes))
    return made, connections


def test_what_surely_fits_is_not_counted() -> None:
    it, [connection] = room(100, 30)
    assert it.left(70) == 70
    assert connection.asked == 0


def test_what_was_read_meanwhile_makes_room() -> None:
    it, [connection] = room(100, 90)
    connection.size = 10
    assert it.left(50) == 90
    it.took(50)
    connection.size = 60
    assert it.left(50) == 40


def test_those_who_hold_most_go_first_and_no_more_than_needed() -> None:
    it, connections = room(100, 10, 50, 20, 15, 0)
    it.make(20)
    assert [each.is_ended for each in connections] == [False, True, False, False, False]
    assert it.cut_off == 1
    it.make(20)
    assert it.cut_off == 1


def test_nobody_is_ended_where_there_is_room_or_nothing_to_gain() -> None:
    it, connections = room(100, 10, 20)
    it.make(60)
    it, empty = room(100, 0, 0)
    it.make(1_000)
    assert not any(each.is_ended for each in connections + empty)
