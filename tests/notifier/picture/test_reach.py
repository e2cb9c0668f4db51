"""Where a stranger may not have this machine go."""

import pytest

from notifier.picture.reach import is_public, may_be_public

PRIVATE = [
    "127.0.0.1", "127.8.9.10", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "224.0.0.251", "239.1.1.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "240.0.0.1",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::fb", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::c0a8:101", "2002:7f00:1::", "2002:c0a8:101::1", "2001:db8::1",
    "64:ff9b:1::7f00:1", "::7f00:1", "::ffff:0:7f00:1", "fec0::1", "5f00::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_from_within_is_not_public(address: str) -> None:
    assert not is_public(address)
    assert not may_be_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)
    assert may_be_public(address)


@pytest.mark.parametrize("text", ["", "example.org", "1.1.1", "0x7f000001", "2130706433", "127.1", "1.1.1.1.1"])
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert not is_public(text)


@pytest.mark.parametrize(
    ("host", "may_be"),
    [
        ("example.org", True), ("EXAMPLE.org.", True), ("xn--bcher-kva.example", True),
        ("localhost", False), ("LOCALHOST.", False), ("x.localhost", False), ("router", False),
        ("printer.local", False), ("nas.lan", False), ("git.internal", False), ("hub.home.arpa", False),
        ("127.1", False), ("2130706433", False), ("0x7f000001", False), ("", False), ("0x", False),
        ("127.0.0.0x1", False), ("169.254.0xa9.0xfe", False), ("10.0x0.0.1", False), ("10.0.0.0X1.", False),
        ("0x.example", True), ("0xcafe.example.org", True), ("1.2.3.example", True),
        ("１２７.０.０.０ｘ１", False), ("127。0。0。1", False), ("127.0.0.0x%31", False),  # noqa: RUF001
    ],
)  # fmt: skip
def test_a_name_for_a_proxy_is_judged_by_its_end(host: str, may_be: bool) -> None:
    assert may_be_public(host) is may_be
