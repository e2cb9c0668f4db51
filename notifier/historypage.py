"""Rows of the history in, a page for a browser out: one file, nothing loaded, nothing run.  Pure.

All that strangers wrote is escaped, and the page forbids itself everything but its own style.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape
from itertools import groupby

from notifier.entry import State
from notifier.history import Row
from notifier.language import _, ngettext
from notifier.notification import Urgency, is_web_link

ROWS_LIMIT = 500
"""Notifications on the page."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
STYLE = """
:root { color-scheme: light dark; --edge: #8884; --soft: #7a7a80; --link: #1667b0; --bad: #c9283c }
@media (prefers-color-scheme: dark) { :root { --soft: #a0a0a8; --link: #6db7ee; --bad: #f0717f } }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.3rem } h2 { font-size: .9rem; color: var(--soft); margin: 1.8rem 0 .3rem }
ol { list-style: none; margin: 0; padding: 0 }
li { display: grid; grid-template-columns: 3.6rem 1fr; border-top: 1px solid var(--edge); padding: .55rem 0 }
time, .stream { color: var(--soft) } .stream { float: right; margin-inline-start: 1rem }
a { color: var(--link) } p { margin: .2rem 0 0; white-space: pre-wrap; overflow-wrap: anywhere }
strong { overflow-wrap: anywhere } .read strong { font-weight: 500 } .critical strong, .critical a { color: var(--bad) }
"""


def page(rows: Sequence[Row], now: datetime, stream: str | None = None) -> str:
    """HTML of the newest of `rows`, which are oldest first, of this stream or of all; `now` is local time."""
    newest = list(reversed(rows))[:ROWS_LIMIT]
    title = _("History of sse-notifier") if stream is None else f"{stream} · {_('History of sse-notifier')}"
    count = ngettext("{count} notification", "{count} notifications", len(newest), count=len(newest))
    written = _("{count}, as of {time}", count=count, time=f"{now:%Y-%m-%d %H:%M}") if newest else _("Nothing yet")
    return "".join(
        [
            '<!doctype html>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">',
            f"<title>{escape(title)}</title><style>{STYLE}</style>",
            f'<h1 dir="auto">{escape(title)}</h1><p>{escape(written)}</p>\n',
            *_days(newest),
        ]
    )


def _days(newest: Sequence[Row]) -> Iterator[str]:
    for day, rows in groupby(newest, key=lambda row: f"{datetime.fromtimestamp(row.received).astimezone():%Y-%m-%d}"):
        yield f"<h2>{day}</h2><ol>\n"
        yield from map(_item, rows)
        yield "</ol>\n"


def _item(row: Row) -> str:
    told = row.notification
    received = datetime.fromtimestamp(row.received).astimezone()
    kinds = [kind for kind, is_so in (("read", row.state is State.READ), ("critical", told.urgency is Urgency.CRITICAL))
             if is_so]  # fmt: skip
    title = f'<strong dir="auto">{escape(told.title)}</strong>'
    if told.link is not None and is_web_link(told.link):
        title = f'<a href="{escape(told.link)}" rel="noopener noreferrer">{title}</a>'
    body = f'<p dir="auto">{escape(told.body)}</p>' if told.body else ""
    moment = f'<time datetime="{received.isoformat(timespec="seconds")}">{received:%H:%M}</time>'
    return (
        f'<li class="{" ".join(kinds)}">{moment}'
        f'<div><span class="stream" dir="auto">{escape(told.stream)}</span>{title}{body}</div></li>\n'
    )
