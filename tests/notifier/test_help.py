"""What typer words itself is said in the person's language too."""

import pytest

from notifier.cli.help import complaint


@pytest.mark.parametrize(
    "message",
    [
        "No such option: --nope",
        "No such option: --jso Did you mean --json?",
        "No such command 'chek'. Did you mean 'check', 'schema'?",
        "Missing argument 'URL'.",
        "Invalid value for '--limit': 0 is not in the range 1<=x<=1000000.",
        "something that typer has never said",
        "a {brace} and a %s",
    ],
)
def test_without_a_catalog_a_complaint_stays_as_it_is(message: str) -> None:
    assert complaint(message) == message
