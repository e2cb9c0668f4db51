"""What a reader sees of HTML and Markdown."""

import pytest

from notifier.markup import strip_html, strip_markdown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>hi</p>", "hi"),
        ("<p>a</p><p>b</p>", "a\nb"),
        ("a<br>b<br/>c<BR />d", "a\nb\nc\nd"),
        ("<p>hi <a href='https://x.example' class=\"u\">@<span>ann</span></a></p>", "hi @ann"),
        ("a &lt;b&gt; &amp;amp; &#x1F600; &nope;", "a <b> &amp; 😀 &nope;"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<script>alert(1)</script><!-- no -->yes", "yes"),
        ("<b>bold", "bold"),
        ("<b", "<b"),
        ("<" * 100_000, "<" * 20_000),
        ("<script>" * 100_000, ""),
    ],
    ids=lambda text: text[:20],
)
def test_html_is_stripped(text: str, expected: str) -> None:
    assert strip_html(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**bold** and *em* and ***both***", "bold and em and both"),
        ("__bold__ and _em_", "bold and em"),
        ("snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4"),
        ("# Title\n\n> quoted\n- item", "Title\n\nquoted\n- item"),
        ("[text](https://x.example) ![alt](i.png)", "text alt"),
        ("`code` ~~gone~~", "code gone"),
        ("```py\nx = 1\n```", "x = 1"),
        ("[" * 50_000, "[" * 20_000),
        ("*a" * 50_000, ("*a" * 50_000)[:20_000]),
    ],
    ids=lambda text: text[:20],
)
def test_markdown_is_stripped(text: str, expected: str) -> None:
    assert strip_markdown(text) == expected
