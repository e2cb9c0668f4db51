"""The conversation around a stream, without a connection."""

import json

import pytest

from notifier import preset, presets
from notifier.errors import StreamFailed, StreamLost, UsageError
from notifier.exchange import Response
from notifier.handshake import ANSWER_LIMIT, Session, root
from notifier.preset import Handshake
from notifier.sse import Event

HOST = "https://ci.example"


def bundled(name: str) -> Handshake:
    found = presets.bundled(name).handshake
    assert found is not None
    return found


JENKINS = bundled("jenkins")


def shake(toml: str) -> Handshake:
    found = preset.parse(f'name = "mine"\ntitle = "Mine"\n{toml}', "mine.toml").handshake
    assert found is not None
    return found


def begun(handshake: Handshake, url: str = f"{HOST}/events") -> Session:
    session = Session(handshake, url, "1f")
    session.begin()
    return session


def ok(value: object = "") -> tuple[Response, bytes]:
    return Response(200, "application/json"), json.dumps(value).encode()


@pytest.mark.parametrize(
    ("url", "at_home", "client_id", "stream"),
    [
        ("/sse-gateway/listen/desk", "", "desk", "/sse-gateway/listen/desk"),
        ("/jenkins/sse-gateway/listen/desk", "/jenkins", "desk", "/jenkins/sse-gateway/listen/desk"),
        ("/a/b/sse-gateway/listen/my%20desk", "/a/b", "my desk", "/a/b/sse-gateway/listen/my%20desk"),
        ("/sse-gateway/listen/desk?x=1", "", "desk", "/sse-gateway/listen/desk?x=1"),
        ("/sse-gateway/listen/desk;jsessionid=node01", "", "desk", "/sse-gateway/listen/desk"),
        ("/sse-gateway/listen/", "", "sse-notifier-1f", "/sse-gateway/listen/sse-notifier-1f"),
        ("/ci/sse-gateway/listen", "/ci", "sse-notifier-1f", "/ci/sse-gateway/listen/sse-notifier-1f"),
        ("/sse-gateway/listen/;jsessionid=a", "", "sse-notifier-1f", "/sse-gateway/listen/sse-notifier-1f"),
        ("", "", "sse-notifier-1f", "/sse-gateway/listen/sse-notifier-1f"),
        ("/", "", "sse-notifier-1f", "/sse-gateway/listen/sse-notifier-1f"),
        ("/jenkins/", "/jenkins", "sse-notifier-1f", "/jenkins/sse-gateway/listen/sse-notifier-1f"),
    ],
)
def test_a_url_says_where_jenkins_is_and_who_we_are(url: str, at_home: str, client_id: str, stream: str) -> None:
    session = begun(JENKINS, HOST + url)
    assert session.url == HOST + stream
    assert root(JENKINS, HOST + url) == at_home
    first = session.next_request()
    assert first is not None
    assert first.url == f"{HOST}{at_home}/crumbIssuer/api/json"
    session.answer(Response(404))
    second = session.next_request()
    assert second is not None
    assert second.url == f"{HOST}{at_home}/sse-gateway/connect?clientId={client_id.replace(' ', '%20')}"


def test_all_of_jenkins_handshake_in_order() -> None:
    session = begun(JENKINS, f"{HOST}/jenkins/sse-gateway/listen/desk")
    asked = []
    for answer in ({"crumb": "s3cret", "crumbRequestField": "x"}, {"status": "ok"}):
        request = session.next_request()
        assert request is not None
        assert session.next_request() is request
        asked.append(request)
        session.answer(*ok(answer))
    assert session.next_request() is None
    session.opened(Event("open", '{"dispatcherId": "a\\"b"}', ""))
    request = session.next_request()
    assert request is not None
    asked.append(request)
    session.answer(*ok({"status": "ok"}))
    assert session.next_request() is None
    assert [(each.method, each.url.removeprefix(HOST + "/jenkins")) for each in asked] == [
        ("GET", "/crumbIssuer/api/json"),
        ("GET", "/sse-gateway/connect?clientId=desk"),
        ("POST", "/sse-gateway/configure?batchId=1"),
    ]
    assert all(each.is_home and not each.is_stream for each in asked)
    assert json.loads(asked[2].body or b"") == {
        "dispatcherId": 'a"b',
        "subscribe": [{"jenkins_channel": "job"}],
        "unsubscribe": [],
    }
    assert asked[2].headers["Jenkins-Crumb"] == "s3cret"
    assert asked[2].headers["Content-Type"] == "application/json"
    assert "s3cret" not in repr(asked) + repr(session)


def test_a_proven_session_only_says_the_rest_again() -> None:
    session = begun(JENKINS)
    session.is_proven = True
    session.begin()
    assert session.next_request() is None
    session.opened(Event("open", "{}", ""))
    assert session.next_request() is not None
    session.answer(*ok({"status": "ok"}))
    assert not session.is_proven


@pytest.mark.parametrize(
    ("response", "error", "sentence"),
    [
        (Response(401), StreamFailed, "401 Unauthorized to /hello of the handshake: it wants to know who you are"),
        (Response(403), StreamFailed, "403 Forbidden to /hello .* check the token's rights"),
        (Response(404), StreamFailed, "404 Not Found to /hello .* check the path"),
        (Response(418), StreamFailed, "418 I'm a Teapot to /hello .*: check the address"),
        (Response(408), StreamLost, "408"),
        (Response(429), StreamLost, "429"),
        (Response(500), StreamLost, "500"),
        (Response(599), StreamLost, "answered 599 to /hello of the handshake$"),
        (Response(503), StreamLost, "503 Service Unavailable to /hello of the handshake$"),
        (Response(302), StreamFailed, "302"),
        (Response(302, location="https://evil.example/hello"), StreamFailed, "to another server"),
        (Response(302, location="//evil.example/"), StreamFailed, "to another server"),
        (Response(302, location="http://ci.example/hello"), StreamFailed, "to another server"),
        (Response(302, location="https://ci.example:444/"), StreamFailed, "to another server"),
        (Response(302, location="http://[/"), StreamFailed, "to another server"),
        (Response(302, location="ftp://ci.example/"), StreamFailed, "to another server"),
    ],
)
def test_what_becomes_of_an_answer(response: Response, error: type[Exception], sentence: str) -> None:
    session = begun(shake('[[handshake.before]]\npath = "/hello?key=s3cret"'))
    session.next_request()
    with pytest.raises(error, match=sentence) as caught:
        session.answer(response)
    assert "s3cret" not in str(caught.value)


def test_a_redirect_at_home_is_followed_and_not_for_ever() -> None:
    session = begun(shake('[[handshake.before]]\npath = "/a"'))
    for _ in range(3):
        session.next_request()
        session.answer(Response(301, location="https://user:pw@ci.example/b"))
        request = session.next_request()
        assert request is not None
        assert (request.url, request.method, request.is_home) == (f"{HOST}/b", "GET", True)
    with pytest.raises(StreamFailed, match="too often"):
        session.answer(Response(301, location="/b"))


@pytest.mark.parametrize(
    ("status", "is_followed"), [(307, True), (308, True), (301, False), (302, False), (303, False)]
)
def test_a_post_stays_one_or_is_not_followed(status: int, is_followed: bool) -> None:
    session = begun(shake('[[handshake.before]]\nmethod = "POST"\npath = "/a"\nbody = "{}"'))
    session.next_request()
    if not is_followed:
        with pytest.raises(StreamFailed, match=str(status)):
            session.answer(Response(status, location="/b"))
        return
    session.answer(Response(status, location="/b"))
    request = session.next_request()
    assert request is not None
    assert (request.method, request.body, request.url) == ("POST", b"{}", f"{HOST}/b")


def test_what_is_expected_and_not_true_is_tried_again() -> None:
    session = begun(shake('[[handshake.before]]\npath = "/a"\nexpect = "answer.ok"'))
    session.next_request()
    assert session.wants_answer
    answer: object
    for answer in ({"ok": False}, "<html>", []):
        with pytest.raises(StreamLost, match="did not accept /a of the handshake"):
            session.answer(*ok(answer))
    session.answer(*ok({"ok": 1}))
    assert session.next_request() is None


def test_an_answer_that_is_too_large_is_none() -> None:
    session = begun(shake('[[handshake.before]]\npath = "/a"\nkeep = "a"'))
    session.next_request()
    with pytest.raises(StreamFailed, match="more than 65,536 bytes"):
        session.answer(Response(200), b" " * (ANSWER_LIMIT + 1))


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "\x00", "x" * 5_000])
def test_what_a_server_says_forges_no_header(value: str) -> None:
    toml = (
        '[[handshake.before]]\npath = "/a"\nkeep = "a"\n[[handshake.before]]\npath = "/b"\nheaders = {X-A = "{{ a }}"}'
    )
    session = begun(shake(toml))
    session.next_request()
    session.answer(*ok(value))
    with pytest.raises(StreamFailed, match="for /b of the handshake cannot be sent") as caught:
        session.next_request()
    assert "Evil" not in str(caught.value)


@pytest.mark.parametrize("value", ["@evil.example/", "//evil.example/", "http://evil.example/", "/../x"])
def test_what_a_server_says_leads_nowhere_else(value: str) -> None:
    toml = '[[handshake.before]]\npath = "/a"\nkeep = "a"\n[[handshake.before]]\npath = "/{{ a }}"'
    session = begun(shake(toml))
    session.next_request()
    session.answer(*ok(value))
    request = session.next_request()
    assert request is not None
    assert request.url == f"{HOST}/{value}"


def test_a_form_is_sent_as_pages_send_it() -> None:
    toml = '[[handshake.before]]\nmethod = "POST"\npath = "/login"\nform = { name = "{{ client_id }}", x = "a&b" }'
    request = begun(shake(toml)).next_request()
    assert request is not None
    assert request.body == b"name=sse-notifier-1f&x=a%26b"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_without_listen_the_stream_is_where_the_person_said() -> None:
    handshake = shake('[[handshake.before]]\npath = "/hello"')
    session = begun(handshake, f"{HOST}/a/events?x=1")
    assert session.url == f"{HOST}/a/events?x=1"
    request = session.next_request()
    assert request is not None
    assert request.url == f"{HOST}/hello"
    assert not session.has_more


def test_a_unix_socket_is_an_origin_too() -> None:
    session = begun(JENKINS, "http+unix://%2Frun%2Fj.sock/sse-gateway/listen/desk")
    request = session.next_request()
    assert request is not None
    assert request.url == "http+unix://%2Frun%2Fj.sock/crumbIssuer/api/json"
    session.answer(Response(302, location="http://localhost/x"))
    request = session.next_request()
    assert request is not None
    assert request.url == "http+unix://%2Frun%2Fj.sock/x"


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        ('path = "hello"', "mine.toml:4: .*path"),
        ('path = "@evil.example/"', "mine.toml:4: .*path"),
        ('path = "/{{"', "no template"),
        ('path = "/"\nbody = "{}"\nform = {a = "b"}', "a body and a form"),
        ('path = "/"\nkeep = "data"', "keep is to be another name than answer, client_id, data"),
        ('path = "/"\nheaders = {Authorization = "x"}', "Authorization is no header that a preset may set"),
        ('path = "/"\nheaders = {"a b" = "x"}', "a b is no header that a preset may set"),
        ('path = "/"\nmethod = "DELETE"', "method"),
    ],
)
def test_a_slip_of_the_pen_in_a_handshake_is_found(toml: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        preset.parse(f'name = "mine"\ntitle = "x"\n[[handshake.before]]\n{toml}', "mine.toml")
