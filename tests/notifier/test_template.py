"""What templates can do with a stranger's values, and what no value can make them do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.errors import UsageError
from notifier.template import SIZE_LIMIT, Expression, RenderFailed, Template

VALUES = {
    "stream": "ci",
    "event": {"type": "message", "data": "…", "id": ""},
    "data": {
        "title": "Disk full",
        "items": [1, 2, 3],
        "job": {"name": "build", "tags": ["x", "y"]},
        "n": 97.5,
        "html": "<p>a<br>b</p> &amp;",
        "markdown": "**hi** [there](https://x.example)",
        "inner": '{"value": "ON"}',
        "template": "{{ 7 * 7 }}",
        "long": "a" * 500_000,
        "huge": 10**17,
    },
    "text": "plain",
}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("plain", "plain"),
        ("{{ data.title }} on {{ stream }}", "Disk full on ci"),
        ("{{ data['job'].name }}", "build"),
        ("{{ data.items[0] }}{{ data.items|length }}", "13"),
        ("{{ data.missing }}|{{ data.missing.deeper['x'][0] }}", "|"),
        ("{{ data.missing or data.title|upper }}", "DISK FULL"),
        ("{{ data.missing|default('none') }}", "none"),
        ("{{ text.title }}|{{ text.title() }}", "|Plain"),
        ("{% if data.n > 90 %}high{% else %}low{% endif %}", "high"),
        ("{% for tag in data.job.tags %}{{ loop.index }}{{ tag }} {% endfor %}", "1x 2y "),
        ("{{ data.job.tags|join(', ') }}", "x, y"),
        ("{{ data.html|strip_html }}", "a\nb\n &"),
        ("{{ data.markdown|strip_markdown }}", "hi there"),
        ("{{ (data.inner|from_json).value }}", "ON"),
        ("{{ data.title|from_json }}", "Disk full"),
        ("{{ data.n|round }} {{ data.n|round(1) }} {{ data.n|int }}", "98 97.5 97"),
        ("{{ data.title.replace('full', 'ok') }} {{ data.title|replace('D', 'd') }}", "Disk ok disk full"),
        ("{{ 'disk_full'|sentence }}: {{ 'usedGB'|label }}", "Disk full: used GB"),
        ("{{ data.job|spell_out }}", "name: build · tags: x, y"),
        ("{{ data.template }}", "{{ 7 * 7 }}"),
        (
            "{{ none }}|{{ true }}|{{ data.items }}|{{ data.job }}",
            '|true|[1, 2, 3]|{"name": "build", "tags": ["x", "y"]}',
        ),
    ],
)
def test_a_template_makes_text_of_values(source: str, expected: str) -> None:
    assert Template(source).render(VALUES) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("data.title == 'Disk full'", True),
        ("data.n > 90 and 'full' in data.title", True),
        ("data.missing > 3", False),
        ("3 > data.missing", False),
        ("data.missing == data.absent", False),
        ("data.missing == ''", False),
        ("data.missing != 3", True),
        ("data.missing.deeper == 'x'", False),
        ("text.status == 'failed'", False),
        ("data.missing is defined", False),
        ("previous", False),
        ("data.items|select('gt', 2)|list|length == 1", True),
        ("event.type in ('message', 'alert')", True),
        ("not data.missing", True),
        ("text.title", False),
        ("data.get('title') == 'Disk full'", True),
    ],
)
def test_an_expression_holds_or_not(source: str, expected: bool) -> None:
    assert Expression(source).holds(VALUES) is expected


@pytest.mark.parametrize(
    "source",
    [
        "{{ data.long * data.huge }}",
        "{{ data.long * 1000 }}",
        "{{ 1000 * data.long }}",
        "{{ data.items * 1000000 }}",
        "{{ [data.long] * 1000 }}",
        "{{ data.items|map('replace', '1', data.long)|list }}",
        "{{ data.huge * data.huge * data.huge }}",
        "{{ data.long.replace('a', data.title * 50) }}",
        "{{ data.long|join(data.title) }}",
        "{{ [1] * data.huge }}",
        "{{ data.huge * data.huge * data.long }}",
        "{{ data.huge ** data.huge }}",
        "{{ 2 ** 1000 }}",
        "{{ '%0999999999d' % 1 }}",
        "{{ data.long % 1 }}",
        "{{ data.long.replace('', data.long) }}",
        "{{ data.long|replace('a', data.long) }}",
        "{{ data.long|join(data.long) }}",
        "{{ data.title > 3 }}",
        "{{ data.title() }}",
        "{{ data.missing + 1 }}",
        "{{ 1 / 0 }}",
        "{{ range(10) }}",
    ],
)
def test_a_template_that_cannot_work_with_the_values_fails_and_says_where(source: str) -> None:
    with pytest.raises(RenderFailed) as failed:
        Template(source).render(VALUES)
    assert source in str(failed.value)
    assert len(str(failed.value)) < 400


@pytest.mark.parametrize(
    "source",
    [
        "{{ data.__class__ }}",
        "{{ data.title.__class__.__mro__ }}",
        "{{ text['__class__'] }}",
        "{{ text.format }}",
        "{{ text.encode }}",
        "{{ text.center }}",
        "{{ data.items.append }}",
        "{{ data.items.__len__ }}",
        "{{ data.pop }}{{ data.clear }}{{ data.update }}",
        "{{ self.__init__ }}",
        "{{ cycler }}{{ lipsum }}{{ namespace }}{{ range }}{{ dict }}",
        "{{ data.keys.__self__ }}",
        "{{ data.items|map(attribute='__class__')|join }}",
    ],
)
def test_no_python_object_can_be_reached(source: str) -> None:
    assert Template(source).render(VALUES).strip() in ("", "<TemplateReference None>")


@pytest.mark.parametrize(
    "source",
    [
        "{{ data.title",
        "{% if %}",
        "{{ data|nonsense }}",
        "{{ data|random }}",
        "{{ data|attr('x') }}",
        "{{ 'x'|center(1000000000) }}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% for a in data.items %}{{ data.items|max }}{% endfor %}",
        "{% for a in data.items %}{% if a == data.items|map('abs')|sort|first %}{{ a }}{% endif %}{% endfor %}",
        "{% for a in data.items if a in data.items|unique %}{{ a }}{% endfor %}",
        "{% for a in data recursive %}{{ loop(a) }}{% endfor %}",
        "{% for a in data %}{% for b in data %}{% endfor %}{% endfor %}",
        "{% for a in data %}{% if a %}{% for b in data %}{% endfor %}{% endif %}{% endfor %}",
        "{% set x %}{% for a in data %}{{ data.long }}{% endfor %}{% endset %}",
        "{% filter upper %}{{ data }}{% endfilter %}",
        "x" * 20_000,
        "{{ " + "(" * 5000 + ")" * 5000 + " }}",
    ],
    ids=lambda source: source[:40],
)
def test_what_is_no_template_is_refused_at_once(source: str) -> None:
    with pytest.raises(UsageError):
        Template(source)


@pytest.mark.parametrize("source", ["", "data.", "data.x ==", "{{ data }}", "a b", "x|nonsense"])
def test_what_is_no_expression_is_refused_at_once(source: str) -> None:
    with pytest.raises(UsageError):
        Expression(source)


def test_rendered_text_is_bounded() -> None:
    assert len(Template("{{ data.long }}" * 9).render(VALUES)) <= 2 * SIZE_LIMIT
    many = {"data": [1] * 50_000}
    assert len(Template("{% for a in data %}{{ a }},{% endfor %}").render(many)) <= 2 * SIZE_LIMIT


def test_a_template_knows_the_names_it_uses() -> None:
    assert Template("{{ data.x }} {% if previous %}{% endif %}").names == {"data", "previous"}
    assert Expression("previous.state != data.state").names == {"data", "previous"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["a", "b", "items", "__class__"]) | st.text(), inner)
    ),
)
TEMPLATES = [
    Template(source)
    for source in (
        "{{ data }} {{ data.a.b }} {{ data.a|upper }} {{ data.a|strip_html|strip_markdown }}",
        "{{ data.a * data.b }}",
        "{{ data.a ** data.b }}",
        "{% for x in data.items %}{{ x }}{% endfor %}",
        "{{ data.a|round(data.b) }} {{ data.a|int }} {{ data.a|join(data.b) }}",
        "{{ data.a|spell_out }} {{ data.b|from_json }} {{ data|to_json }}",
        "{{ data.a.replace(data.b, data.b) }} {{ data.a.split(data.b) }}",
        "{{ data.__class__ }} {{ data.a[data.b] }} {{ data.a|default(data.b)|label }}",
    )
]


@given(JSON)
def test_no_value_breaks_a_template(data: object) -> None:
    for template in TEMPLATES:
        try:
            assert len(template.render({"data": data})) < 10 * SIZE_LIMIT
        except RenderFailed:
            continue
