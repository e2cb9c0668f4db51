"""Which proxy is on the way, as tables."""

import pytest
from pydantic import SecretStr

from notifier.environment import Environment
from notifier.proxy import Proxies, Proxy, from_environment, is_loopback, read_proxy

HTTP = {"http_proxy": "http://proxy.example:3128", "https_proxy": "http://secure.example:3129"}


def way(url: str, **variables: str) -> str:
    proxy = from_environment(Environment(variables)).proxy_for(url)
    return str(proxy) if proxy else ""


@pytest.mark.parametrize(
    ("url", "variables", "proxy"),
    [
        ("http://a/", {}, ""),
        ("http://a/", HTTP, "http://proxy.example:3128"),
        ("https://a/", HTTP, "http://secure.example:3129"),
        ("https://a/", {"http_proxy": "http://p"}, ""),
        ("https://a/", {"all_proxy": "socks5://p"}, "socks5://p:1080"),
        ("https://a/", {"https_proxy": "http://p", "all_proxy": "socks5://q"}, "http://p:80"),
        ("https://a/", {"HTTPS_PROXY": "p:3128"}, "http://p:3128"),
        ("https://a/", {"https_proxy": "http://lower", "HTTPS_PROXY": "http://upper"}, "http://lower:80"),
        ("https://a/", {"https_proxy": "", "HTTPS_PROXY": "http://upper"}, "http://upper:80"),
        ("http://127.0.0.1:8080/", HTTP, ""),
        ("http://[::1]/", HTTP, ""),
        ("http://localhost/", HTTP, ""),
        ("http+unix://%2Frun%2Fx.sock/", HTTP, ""),
        ("http://a/", {"http_proxy": "http://[2001:db8::1]:3128"}, "http://[2001:db8::1]:3128"),
    ],
)
def test_the_environment_names_proxies_by_scheme(url: str, variables: dict[str, str], proxy: str) -> None:
    assert way(url, **variables) == proxy


@pytest.mark.parametrize(
    ("no_proxy", "url", "is_straight"),
    [
        ("example.org", "http://example.org/", True),
        ("example.org", "http://EXAMPLE.org/", True),
        ("example.org", "http://a.example.org/", True),
        (".example.org", "http://a.example.org/", True),
        ("*.example.org", "http://a.example.org/", True),
        ("example.org", "http://badexample.org/", False),
        ("a, example.org ,b", "http://example.org/", True),
        ("a example.org", "http://example.org/", True),
        ("*", "http://anything/", True),
        ("example.org:8080", "http://example.org:8080/", True),
        ("example.org:8080", "http://example.org/", False),
        ("10.0.0.0/8", "http://10.1.2.3/", True),
        ("10.0.0.0/8", "http://11.1.2.3/", False),
        ("10.0.0.0/8", "http://example.org/", False),
        ("nonsense/99", "http://10.1.2.3/", False),
        ("0.0.1", "http://10.0.0.1/", False),
        ("2001:db8::1", "http://[2001:db8::1]/", True),
        ("[2001:db8::1]:81", "http://[2001:db8::1]:81/", True),
        ("2001:db8::/32", "http://[2001:db8::1]/", True),
        (",", "http://a/", False),
    ],
)
def test_no_proxy_names_what_is_reached_straight(no_proxy: str, url: str, is_straight: bool) -> None:
    assert (way(url, **HTTP, no_proxy=no_proxy) == "") == is_straight


def test_credentials_of_a_proxy_are_decoded_and_never_shown() -> None:
    proxy = read_proxy("http://ann:s3%40cret@proxy:3128", None)
    assert (proxy.user, proxy.password) == ("ann", SecretStr("s3@cret"))
    assert "s3" not in f"{proxy!r} {proxy}"
    assert "ann" not in f"{proxy!r} {proxy}"


def test_a_table_keeps_the_password_apart() -> None:
    table = {"url": "http://proxy:${PORT}", "user": "ann", "password": "${PASSWORD}"}
    proxy = read_proxy(table, Environment({"PORT": "81", "PASSWORD": "s3cret"}))
    assert proxy == Proxy("http", "proxy", 81, "ann", SecretStr("s3cret"))


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("proxy:3128", "did you mean http://proxy:3128 ?"),
        ("ftp://proxy", 'is "environment", "none" or a URL with http, https, socks5'),
        ("http://", 'is "environment", "none" or a URL'),
        ("http://ann:s3cret@proxy:port", "is no URL of a proxy"),
        ("http://ann:s3/cret@proxy", "is no URL of a proxy"),
        ("ann:s3cret@proxy", 'is "environment"'),
        (True, 'is "environment", "none", a URL in quotes, or'),
        ({"user": "ann"}, 'is "environment", "none", a URL in quotes, or'),
        ({"url": "http://a", "usr": "s3cret"}, "url, user and password, but not 'usr'"),
        ({"url": "http://ann:s3cret@a", "password": "s3cret"}, "in its URL and beside it"),
        ({"url": "http://${HOST}"}, "needs .*HOST.*, which is not set"),
    ],
)
def test_what_is_no_proxy_is_said_without_its_password(value: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        read_proxy(value, Environment())
    assert "s3" not in str(caught.value)


def test_a_broken_variable_is_named() -> None:
    with pytest.raises(ValueError, match="HTTPS_PROXY is no URL of a proxy"):
        from_environment(Environment({"HTTPS_PROXY": "http://ann:s3cret@p:port"}))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("app.localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("192.168.0.1", False),
        ("localhost.example.org", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_alone(host: str, expected: bool) -> None:
    assert is_loopback(host) == expected


def test_a_proxy_that_was_asked_for_by_name_is_used_for_everything() -> None:
    proxy = Proxy("http", "p", 1)
    assert Proxies(proxy, proxy, loopback=True).proxy_for("http://127.0.0.1/") == proxy
