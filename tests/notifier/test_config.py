"""Arguments and files in, a configuration or one clear sentence out."""

import pytest
from pydantic import SecretStr

from notifier import config
from notifier.config import Config, Stream
from notifier.errors import ConfigurationBroken, UsageError
from notifier.proxy import Proxies, Proxy
from notifier.secret import FromCommand, FromFile, FromKeyring
from notifier.stream import Basic, Tls


def test_a_url_is_a_stream() -> None:
    (stream,) = config.from_arguments(["http://localhost:8080/events"]).streams
    assert (stream.name, stream.url) == ("localhost:8080", "http://localhost:8080/events")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://localhost:8080/events", "localhost:8080"),
        ("https://ntfy.sh/ops/sse", "ntfy.sh/ops"),
        ("https://www.example.org/", "example.org"),
        ("https://stream.wikimedia.org/v2/stream/recentchange", "stream.wikimedia.org/recentchange"),
        ("http://ann:s3cret@example.org/events?auth=t0ken", "example.org"),
        ("http://[::1]:8080/events", "::1:8080"),
        ("http://example.org/" + "x" * 500, "example.org/" + "x" * 44),
    ],
)
def test_a_stream_is_named_after_its_host_and_topic_and_never_after_a_secret(url: str, name: str) -> None:
    assert config.name_of(url) == name


@pytest.mark.parametrize(
    ("urls", "names"),
    [
        (["http://a/events", "http://a/sse"], ["a/events", "a/sse"]),
        (["http://a/sse", "http://a/events"], ["a/sse", "a/events"]),
        (["http://a/events", "http://a/events"], ["a/events", "a/events 2"]),
        (["http://a/events", "http://b/events"], ["a", "b"]),
    ],
)
def test_streams_of_one_host_get_names_that_their_order_does_not_change(urls: list[str], names: list[str]) -> None:
    assert [stream.name for stream in config.from_arguments(urls).streams] == names


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("localhost:8080/events", "localhost:8080/events is no http:// or https:// URL; did you mean http://localhost"),
        ("example.org", "did you mean https://example.org ?"),
        ("192.168.1.5:8080/x", "did you mean http://192.168.1.5:8080/x ?"),
        ("ftp://example.org/x", "is no http:// or https:// URL$"),
        ("http://", "is no http:// or https:// URL"),
        ("http://example.org:port/", "is no URL"),
        ("http://exa mple.org/", "holds a space"),
        ("http://example.org/\x1b[31m", "holds a space or a control character"),
        ("", "is no http"),
    ],
)
def test_what_is_no_stream_address_is_refused_in_a_sentence(url: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        config.from_arguments([url])


def test_a_refused_address_does_not_tell_its_query() -> None:
    with pytest.raises(UsageError) as caught:
        config.from_arguments(["example.org/sse?auth=s3cret"])
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("Authorization Bearer s3cret", "written 'Name: value'"),
        ("Auth orization: s3cret", "is no header name"),
        (": s3cret", "is no header name"),
        ("Accept: s3cret", "set by sse-notifier itself"),
        ("last-event-id: s3cret", "set by sse-notifier itself"),
        ("X-Key: s3cret\r\nX-Evil: 1", "holds a line break"),
    ],
)
def test_a_header_that_cannot_be_sent_is_refused_without_telling_its_value(header: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        config.from_arguments(["http://a/"], [header])
    assert "s3cret" not in str(caught.value)


def test_a_header_goes_to_every_stream_and_hides_in_reprs() -> None:
    settings = config.from_arguments(["https://a/", "https://b/"], ["Authorization: Bearer s3cret"])
    assert [s.headers for s in settings.streams] == [{"Authorization": SecretStr("Bearer s3cret")}] * 2
    assert "s3cret" not in repr(settings)


def test_a_proxy_of_the_environment_is_on_the_way_of_arguments_too() -> None:
    (stream,) = config.from_arguments(["http://a/"], (), {"http_proxy": "http://proxy:3128"}).streams
    assert str(stream.proxy.proxy_for(stream.url)) == "http://proxy:3128"


def test_a_header_over_plain_http_to_another_machine_needs_permission() -> None:
    arguments = ["http://far.example/events"], ["Authorization: Bearer s3cret"]
    with pytest.raises(UsageError, match=r"credentials to far.example unencrypted.*--allow-plain-credentials"):
        config.from_arguments(*arguments)
    assert config.from_arguments(*arguments, allow_plain_credentials=True).streams
    assert config.from_arguments(["http://far.example/"], ["Accept-Language: ko"]).streams


@pytest.mark.parametrize("url", ["http://ann:s3cret@a.example/", "http://ann:s3/cret@a/", "ann:s3cret@a"])
def test_a_refused_address_does_not_tell_its_password(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        config.from_arguments([url])
    assert "s3" not in str(caught.value)


# The configuration file.

ENVIRON = {"TOKEN": "s3cret", "HOME": "/home/ann", "all_proxy": "http://proxy:3128", "no_proxy": "near.example"}
PLACE = "/home/ann/.config/sse-notifier/config.toml"


SOCKS = Proxy("socks5", "p", 1080)


def parse(text: str) -> Config:
    return config.parse(text, ENVIRON, PLACE)


def only(settings: str) -> Stream:
    (stream,) = parse(f'[[streams]]\nurl = "https://a.example/events"\nname = "a"\n{settings}').streams
    return stream


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "streams = []", "[defaults]\nidle_timeout = 3"])
def test_a_file_without_streams_is_a_configuration(text: str) -> None:
    assert parse(text) == Config()


def test_a_stream_needs_nothing_but_its_address() -> None:
    (stream,) = parse('[[streams]]\nurl = "https://ntfy.sh/ops/sse"').streams
    assert (stream.name, stream.idle_timeout, stream.tls) == ("ntfy.sh/ops", 120.0, Tls())


@pytest.mark.parametrize(
    ("settings", "field", "value"),
    [
        ('bearer = "${TOKEN}"', "bearer", SecretStr("s3cret")),
        ('bearer = { file = "~/token" }', "bearer", FromFile("/home/ann/token")),
        ('bearer = { file = "token" }', "bearer", FromFile("/home/ann/.config/sse-notifier/token")),
        ('bearer = { command = ["pass", "ci"] }', "bearer", FromCommand(("pass", "ci"))),
        ('bearer = { keyring = "ci/ann" }', "bearer", FromKeyring("ci", "ann")),
        ('basic = { user = "ann", password = "x" }', "basic", Basic(user="ann", password=SecretStr("x"))),
        ('cookies = { a = "b" }', "cookies", {"a": SecretStr("b")}),
        ('query.auth = "b"', "query", {"auth": SecretStr("b")}),
        ('headers."X-Key" = "b"', "headers", {"X-Key": SecretStr("b")}),
        ('tls.ca = "ca.pem"', "tls", Tls(ca="/home/ann/.config/sse-notifier/ca.pem")),
        (f'tls.fingerprint = "{":".join(["AB"] * 32)}"', "tls", Tls(fingerprint="ab" * 32)),
        ("tls.verify = false", "tls", Tls(verify=False)),
        ('proxy = "none"', "proxy", Proxies()),
        ('proxy = "socks5://p"', "proxy", Proxies(SOCKS, SOCKS, loopback=True)),
        ("idle_timeout = 45", "idle_timeout", 45.0),
    ],
)
def test_settings_of_a_stream(settings: str, field: str, value: object) -> None:
    assert getattr(only(settings), field) == value


def test_an_address_may_hold_variables_and_credentials() -> None:
    (stream,) = parse('[[streams]]\nurl = "https://ann:${TOKEN}@a.example/${TOKEN}/sse"\nname = "a"').streams
    assert stream.url == "https://a.example/s3cret/sse"
    assert stream.basic == Basic(user="ann", password=SecretStr("s3cret"))
    assert "s3cret" not in repr(stream)


def test_the_environment_names_the_proxy_unless_the_file_does() -> None:
    assert str(only("").proxy.proxy_for("https://a.example/")) == "http://proxy:3128"
    assert only("").proxy.proxy_for("https://near.example/") is None
    assert only('proxy = "none"').proxy.proxy_for("https://a.example/") is None


def test_defaults_are_for_every_stream_that_does_not_say_otherwise() -> None:
    text = """
    [defaults]
    idle_timeout = 45
    bearer = "everyone"
    headers = { X-A = "a", X-B = "b" }
    tls = { ca = "/ca.pem" }
    [[streams]]
    url = "https://a/"
    [[streams]]
    url = "https://b/"
    idle_timeout = 90
    headers = { x-b = "own", X-C = "c" }
    basic = { user = "ann", password = "own" }
    tls = { verify = false }
    """
    one, two = parse(text).streams
    assert (one.idle_timeout, one.bearer, one.tls.ca) == (45, SecretStr("everyone"), "/ca.pem")
    assert (two.idle_timeout, two.bearer, two.tls.ca) == (90, None, None)
    assert two.headers == {"X-A": SecretStr("a"), "x-b": SecretStr("own"), "X-C": SecretStr("c")}


@pytest.mark.parametrize(
    "own", ['headers.authorization = "x"', 'bearer = "x"', 'basic = { user = "x", password = "x" }']
)
@pytest.mark.parametrize(
    "default", ['headers.Authorization = "y"', 'bearer = "y"', 'basic = { user = "y", password = "y" }']
)
def test_a_stream_that_says_who_it_is_does_not_inherit_who_it_is(own: str, default: str) -> None:
    (stream,) = parse(f'[defaults]\n{default}\n[[streams]]\nurl = "https://a/"\n{own}').streams
    assert len(stream.headers) + (stream.bearer is not None) + (stream.basic is not None) == 1
    assert SecretStr("y") not in (stream.bearer, stream.headers.get("Authorization"))


def broken(text: str) -> list[str]:
    with pytest.raises(ConfigurationBroken) as caught:
        parse(text)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert "s3cret" not in repr(caught.value)
    return [problem.removeprefix("config.toml:") for problem in caught.value.problems]


HEAD = '[[streams]]\nurl = "https://a/"\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        # What is no TOML.
        ("idle_timeout 30", '1: a setting is written NAME = "value"; the = is missing'),
        ("[[streams]]\nurl = https://a/", "2: the value is not TOML; text needs quotes"),
        (
            "[[streams]]\ntls.verify = False",
            '2: the value is not TOML; text needs quotes: name = "value", and true and',
        ),
        ('[[streams]]\nurl = "https://a/', "2: text is not closed by its quote"),
        ("[[streams]]\nurl = 'https://a/", "2: text is not closed by its quote"),
        ('[[streams]]\nurl = "a" name = "b"', "2: something follows the value; one setting to a line"),
        (HEAD + 'url = "https://b/"\n', "3: the same key stands here a second time"),
        (HEAD + 'tls.ca = "C:\\users\\ca.pem"', '3: a \\ in "text" begins an escape; write paths in single quotes'),
        ("[[streams]\n", "1: a stream begins with [[streams]]; a ] is missing"),
        ("[defaults\n", "1: a table is written [defaults] or [streams.headers]; the ] is missing"),
        ("[defaults]\n[defaults]\n", "2: the same table stands here a second time"),
        (HEAD + 'headers = { A = "b"\nB = "c" }', "3: a { is not closed by a }"),
        ("streams: []", "1: a setting is written NAME = "),
        ("- url: x", "1: a setting is written NAME = "),
        ("{}", "1: a line is a [table], a NAME = "),
        ("a = " + "[" * 5_000, " its brackets are nested too deeply"),
        # What is not known.
        (HEAD + "idle_timout = 30", "3: idle_timout is not a setting; did you mean idle_timeout?"),
        (HEAD + "idleTimeout = 30", "3: idleTimeout is not a setting; did you mean idle_timeout?"),
        (HEAD + "idle-timeout = 30", "3: idle-timeout is not a setting; did you mean idle_timeout?"),
        (HEAD + 'token = "s3cret"', "3: token is not a setting; did you mean bearer?"),
        (HEAD + 'password = "s3cret"', "3: password is not a setting here; it belongs in basic = { password = … }"),
        (HEAD + "verify = false", "3: verify is not a setting here; it belongs in tls = { verify = … }"),
        (HEAD + "tls.verfy = false", "3: tls.verfy is not a setting; did you mean verify?"),
        (HEAD + "tls.idle_timeout = 3", "3: tls.idle_timeout is not a setting here; it belongs in the stream itself"),
        (HEAD + "colour = 3", "3: colour is not a setting; known here: allow_plain_credentials, basic, bearer"),
        ('[[stream]]\nurl = "https://a/"', "1: stream is not a table here; did you mean [[streams]]?"),
        ("[tray]\nstyle = 'mono'", "2: tray.style must be 'auto', 'colour', 'mono-light' or 'mono-dark'"),
        ("[tray]\nstile = 'colour'", "2: tray.stile is not a setting; did you mean style?"),
        ("tray = 3", "1: tray is a table: tray = { style = …, icon = … }"),
        ("[systray]", "1: systray is not a table here; did you mean [tray]?"),
        ("[default]", "1: default is not a table here; did you mean [defaults]?"),
        (
            'url = "https://a/"',
            "1: url is not a setting here; it belongs in a stream, below [[streams]], or in [defaults]",
        ),
        ("\n\n[tls]\n", "3: tls is not a setting here; it belongs in a stream"),
        # What is of the wrong kind.
        (
            '[streams]\nurl = "https://a/"',
            "1: streams is written [[streams]], in double brackets, once for each stream",
        ),
        ('streams = ["https://a/"]', "1: streams is written [[streams]], in double brackets"),
        ("defaults = 3", "1: defaults is a table: [defaults]"),
        (HEAD + "quiet_hours = [{ from = '22:00' }]", "3: quiet_hours.to is missing: when they end"),
        (
            HEAD + "[[streams.quiet_hours]]\nfrom = '22:00'\nto = '7:00'",
            '5: quiet_hours.to is no time of day; write "22',
        ),
        (
            HEAD + "quiet_hours = [{ from = '22:00', to = '07:00', days = 3 }]",
            "3: quiet_hours.days is a list: days = [",
        ),
        (HEAD + "quiet_hours = { from = '22:00', to = '07:00' }", "3: quiet_hours is written [[streams.quiet_hours]]"),
        (HEAD + "from = '22:00'", "3: from is not a setting here; it belongs in [[streams.quiet_hours]]"),
        (HEAD + "flood.burst = 1", "3: flood.burst must be at least 2"),
        (HEAD + "flood.window = '2h'", "3: flood.window must be at most 3,600 seconds"),
        (HEAD + "min_urgency = 'low'", "3: min_urgency is not a setting; did you mean minimum_urgency?"),
        (HEAD + "minimum_urgency = 'high'", "3: minimum_urgency must be 'low', 'normal' or 'critical'"),
        (HEAD + 'idle_timeout = "30"', "3: idle_timeout must be a number of seconds, without quotes"),
        (HEAD + "idle_timeout = true", "3: idle_timeout must be a number of seconds, without quotes"),
        (HEAD + "idle_timeout = nan", "3: idle_timeout must be a number of seconds, not inf or nan"),
        (HEAD + "idle_timeout = 0", "3: idle_timeout must be at least 0.1 seconds"),
        (HEAD + "idle_timeout = 100_000", "3: idle_timeout must be at most 86,400 seconds"),
        (HEAD + "event_limit = 1.5", "3: event_limit must be a whole number of bytes, without quotes"),
        (HEAD + "event_limit = 1", "3: event_limit must be at least 1,024 bytes"),
        (HEAD + 'tls.verify = "no"', "3: tls.verify must be true or false, without quotes"),
        (HEAD + "tls = true", "3: tls is a table: tls = { ca = …, certificate = … }"),
        (HEAD + 'basic = "ann:s3cret"', "3: basic is a table: basic = { user = …, password = … }"),
        (HEAD + 'headers = ["A: s3cret"]', '3: headers is a table: headers = { NAME = "value" }'),
        (HEAD + "name = 3", "3: name must be text in quotes"),
        (HEAD + 'name = ""', "3: name is empty"),
        (HEAD + f'name = "{"x" * 61}"', "3: name is longer than 60 characters"),
        (HEAD + 'name = "a\\nb"', "3: name holds a line break or a control character"),
        # What cannot be asked for.
        ("[[streams]]", "1: url is missing: the address of the event stream"),
        ('[[streams]]\nname = "x"', "1: url is missing: the address of the event stream"),
        ('[[streams]]\n\nurl = "ftp://a/"', "3: url is no http:// or https:// URL"),
        ('[[streams]]\nurl = "https://ann:s3/cret@a/"', "2: url is no URL; its port or its [address] is not one"),
        ('[[streams]]\nurl = "https://a /"', "2: url holds a space or a control character"),
        (
            '[[streams]]\nurl = "http+unix://run/x.sock"',
            "2: url names no socket; write http+unix://%2Frun%2Fbuild.sock",
        ),
        ('[[streams]]\nurl = "${NOPE}"', "2: url needs ${NOPE}, which is not set in the environment"),
        (
            '[[streams]]\nurl = "http://a.example/"\nbearer = "s3cret"',
            "2: url would send credentials to a.example unencr",
        ),
        ('[[streams]]\nurl = "http://a.example/"\nquery = { a = "s3cret" }', "2: url would send credentials to a.exam"),
        ('[[streams]]\nurl = "http://ann:s3cret@a.example/"', "2: url would send credentials to a.example unencrypted"),
        # Secrets.
        (HEAD + "bearer = 7", '3: bearer is text in quotes, or one of { file = "…" }, { command = ["…"] }, { keyring'),
        (HEAD + 'bearer = ""', "3: bearer is empty"),
        (HEAD + 'bearer = "s3cret\\n"', "3: bearer holds a line break or a control character"),
        (HEAD + 'bearer = "${NOPE}"', "3: bearer needs ${NOPE}, which is not set in the environment"),
        (HEAD + 'bearer = "${TOKEN"', "3: bearer holds a ${ that is not closed"),
        (
            HEAD + 'bearer = { fil = "s3cret" }',
            "3: bearer comes from a file, a command or a keyring, not from 'fil'; did you",
        ),
        (HEAD + 'bearer = { command = "pass s3cret" }', "3: bearer command is a program and its arguments, such as"),
        (HEAD + 'headers = { "Auth orization" = "s3cret" }', "3: headers.Auth orization is no header name"),
        (HEAD + 'headers.Accept = "s3cret"', "3: headers.Accept is set by sse-notifier itself"),
        (HEAD + 'cookies = { "a b" = "s3cret" }', "3: cookies.a b is no cookie name"),
        (HEAD + 'basic = { user = "ann" }', "3: basic.password is missing: the user's password"),
        (HEAD + 'basic = { user = "a:n", password = "s3cret" }', "3: basic.user holds a colon"),
        # What contradicts itself.
        (
            HEAD + 'bearer = "s3cret"\nheaders.authorization = "s3cret"',
            "3: bearer is given, and the header Authorization too",
        ),
        (HEAD + 'cookies.a = "s3cret"\nheaders.cookie = "s3cret"', "3: cookies is given, and a header Cookie too"),
        (
            '[[streams]]\nurl = "https://ann:s3cret@a/"\nbasic = { user = "a", password = "b" }',
            "3: basic is given, and the url",
        ),
        ('[[streams]]\nurl = "http://a/"\ntls.ca = "x"', "3: tls is for https:// addresses, and this one is http://"),
        (HEAD + 'tls = { ca = "x", verify = false }', "3: tls.verify = false believes any certificate; take it away"),
        (HEAD + 'tls.key = "x"', "3: tls.key needs tls.certificate, the certificate that it belongs to"),
        (HEAD + 'tls.fingerprint = "s3cret"', "3: tls.fingerprint is the SHA-256 of a certificate, 64 hex digits"),
        (HEAD + 'proxy = "https://p"\ntls.ca = "x"', "4: tls does not go together with an https:// proxy"),
        (HEAD + 'proxy = "proxy:3128"', '3: proxy is "environment", "none" or a URL with http, https, socks5'),
        (HEAD + 'proxy = "http://ann:s3cret@p:x"', "3: proxy is no URL of a proxy"),
        (
            HEAD + 'name = "a"\n' + HEAD + 'name = "a"',
            "6: name is 'a' a second time; each stream has a name of its own",
        ),
        # Rules.
        (HEAD + '[[streams.rules]]\nwhenn = "x"', "4: rules.whenn is not a setting; did you mean when?"),
        (
            HEAD + "[[streams.rules]]\ndrop = true\n[[streams.rules]]\ntitle = 3",
            "6: rules.title must be text in quotes",
        ),
        (
            HEAD + '[streams.rules]\nwhen = "x"',
            "3: rules is written [[streams.rules]], in double brackets, once for each",
        ),
        (HEAD + 'rules = ["x"]', "3: rules is a table: rules = { title = …, body = … }"),
        (HEAD + 'when = "x"', "3: when is not a setting here; it belongs in [[streams.rules]]"),
        # Defaults.
        ('[defaults]\nurl = "https://a/"', "2: url belongs to one stream; it has no default"),
        ("[defaults]\nidle_timout = 3\n" + HEAD, "2: idle_timout is not a setting; did you mean idle_timeout?"),
        ("[defaults]\nidle_timeout = 0\n" + HEAD + HEAD, "2: idle_timeout must be at least 0.1 seconds"),
        ("[defaults]\nheaders.A = 3\n" + HEAD + 'headers.B = "x"', "2: headers.A is text in quotes"),
    ],
)
def test_a_broken_file_is_answered_with_the_line_and_what_to_write_instead(text: str, complaint: str) -> None:
    problems = broken(text)
    assert [problem[: len(complaint)] for problem in problems] == [complaint]


def test_every_mistake_is_told_at_once_and_in_order() -> None:
    text = """\
    colour = "red"
    [defaults]
    idle_timout = 3
    [[streams]]
    url = "http://far.example/"
    bearer = "s3cret"
    longest_delay = "x"
    foo = 1
    [[streams]]
    name = "b"
    connect_timeout = 0
    [[streams]]
    url = "https://c/"
    name = ""
    tls = { key = "x", verfy = false }
    """
    problems = broken(text)
    assert [problem.split(" ")[:3] for problem in problems] == [
        ["1:", "colour", "is"],
        ["3:", "idle_timout", "is"],
        ["5:", "url", "would"],
        ["7:", "longest_delay", "must"],
        ["8:", "foo", "is"],
        ["9:", "url", "is"],
        ["11:", "connect_timeout", "must"],
        ["14:", "name", "is"],
        ["15:", "tls.verfy", "is"],
    ]


def test_one_mistake_is_told_as_one() -> None:
    with pytest.raises(ConfigurationBroken, match=rf"^{PLACE} has a mistake:\nconfig.toml:1: "):
        parse("x")


def test_more_streams_than_anybody_has_are_a_mistake() -> None:
    (problem,) = broken('[[streams]]\nurl = "https://a/"\n' * 1_001)
    assert problem.startswith("1: there are 1,001 streams; 1,000 is the limit")
