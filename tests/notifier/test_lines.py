"""The line of each key in any TOML that Python takes."""

import tomllib
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.lines import Path, lines_of

TEXT = dedent('''\
    # [[streams]]
    [defaults]
    idle_timeout = 3 # x = 1
    a."b.c".'d' = """
    [[streams]] "" y""""
    z = ["a", # c ]
     "b\\"]", {q=1, r=[1,2]}, \'\'\'
    '\'\'\']
    [[streams]]
    url = 'C:\\'
    tls.ca = "y"
    [streams.headers]
    "X-Y" = { command = ["a"
     , "b]"] }

    [[streams]]
    when = 1979-05-27 07:32:00
    url = "z" ; [streams.tls]
    ca=1
    [[streams.tls.inner]]
    x = 1
    [[streams.tls.inner]]
    x = 2
    ''').replace(" ; ", "\n")


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("defaults",), 2),
        (("defaults", "idle_timeout"), 3),
        (("defaults", "a", "b.c", "d"), 4),
        (("defaults", "z"), 6),
        (("defaults", "z", 1), 7),
        (("defaults", "z", 2, "r", 1), 7),
        (("streams",), 9),
        (("streams", 0), 9),
        (("streams", 0, "url"), 10),
        (("streams", 0, "tls", "ca"), 11),
        (("streams", 0, "headers", "X-Y", "command", 1), 14),
        (("streams", 1), 16),
        (("streams", 1, "url"), 18),
        (("streams", 1, "tls"), 19),
        (("streams", 1, "tls", "ca"), 20),
        (("streams", 1, "tls", "inner", 1, "x"), 24),
    ],
)
def test_a_key_is_found_on_its_line(path: Path, line: int, ending: str) -> None:
    assert lines_of(TEXT.replace("\n", ending))[path] == line


def paths(value: object, path: Path = ()) -> set[Path]:
    found = {path} if path else set()
    match value:
        case dict():
            return found.union(*(paths(inner, (*path, key)) for key, inner in value.items()))
        case list():
            return found.union(*(paths(inner, (*path, index)) for index, inner in enumerate(value)))
    return found


def test_every_key_that_python_reads_has_a_line() -> None:
    assert set(lines_of(TEXT)) == paths(tomllib.loads(TEXT))


ALPHABET = st.sampled_from(
    ["a", "b", '"', "'", "\\", "[", "]", "{", "}", "=", ",", "#", ".", "\n", " ", "1", '"""', "é"]
)
TOML = st.lists(
    st.one_of(
        ALPHABET,
        st.sampled_from(
            [
                "[t]\n",
                "[[s]]\n",
                "[s.x]\n",
                "k = ",
                "k.j = ",
                "[[s.y]]\n",
                "'v'\n",
                '"v" # c\n',
                "[1, 2]\n",
                "{ q = 1 }\n",
            ]
        ),
    ),
    max_size=30,
).map("".join)


@given(TOML)
def test_whatever_python_takes_is_read_to_its_end(text: str) -> None:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert set(lines_of(text)) == paths(document)


KEYS = st.text(st.sampled_from("ab\"'.=[]# é\\"), max_size=4)
VALUES = st.recursive(
    st.one_of(st.integers(-9, 9), st.booleans(), st.text(st.sampled_from("ab\"'\n]},#=\\é"), max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)


def written(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case str():
            quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            return f'"{quoted}"'
        case list():
            return "[\n" + ", # ]\n".join(written(inner) for inner in value) + "]"
        case dict():
            return "{ " + ", ".join(f"{written(key)} = {written(inner)}" for key, inner in value.items()) + " }"
    raise AssertionError(value)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_every_key_of_any_document_has_a_line(document: dict[str, object]) -> None:
    text = "".join(f"{written(key)} = {written(value)}\n" for key, value in document.items())
    assert tomllib.loads(text) == document
    assert set(lines_of(text)) == paths(document)
