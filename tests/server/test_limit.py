"""server.limit: how much is too much."""

import pytest

from server import limit
from server.limit import Crowd, Places, Rate


def test_a_burst_is_allowed_and_then_one_after_another() -> None:
    rate = Rate(per_second=2, burst=3)
    assert [rate.wait("a", 0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert rate.wait("a", 0.25) == 0.25
    assert rate.wait("a", 0.5) == 0
    assert rate.wait("a", 0.5) > 0
    assert [rate.wait("a", 100) for _ in range(4)] == [0, 0, 0, 0.5]


def test_what_is_owed_is_paid_back_before_the_next() -> None:
    rate = Rate(per_second=2, burst=3)
    assert rate.wait("a", 0) == 0
    rate.owe("a", 6)  # 3 - 1 - 6 = -4: five more, at two a second
    assert rate.wait("a", 0) == 2.5
    assert rate.wait("a", 2.5) == 0
    rate.owe("stranger", 6)
    assert rate.wait("stranger", 0) == 0


@pytest.mark.parametrize(
    ("address", "party"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
    ],
)
def test_a_network_that_one_host_may_have_is_one_party(address: str, party: str) -> None:
    assert limit.party(address) == party


def test_addresses_do_not_share_a_rate() -> None:
    rate = Rate(per_second=1, burst=1)
    assert [rate.wait(address, 0) for address in ("a", "b", "a")] == [0, 0, 1]


def test_many_addresses_fill_no_memory() -> None:
    rate = Rate(per_second=1, burst=1)
    for number in range(limit.ADDRESSES_LIMIT + 100):
        rate.wait(str(number), 0)
    assert len(rate._left) == limit.ADDRESSES_LIMIT
    assert rate.wait("0", 0) == 0
    assert rate.wait(str(limit.ADDRESSES_LIMIT + 99), 0) > 0


def test_places_are_bounded_for_each_and_for_all_and_can_be_given_back() -> None:
    places = Places(total=3, each=2)
    assert [places.take(address) for address in ("a", "a", "a", "b", "c")] == [None, None, Crowd.ONE, None, Crowd.ALL]
    places.leave("a")
    assert places.take("c") is None
    assert places.take("d") is Crowd.ALL
    for address in ("a", "b", "c"):
        places.leave(address)
    assert [places.take(address) for address in ("a", "a", "a")] == [None, None, Crowd.ONE]
