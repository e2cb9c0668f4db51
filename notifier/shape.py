"""A JSON object of a kind nobody told us about in; what looks like its title, body, urgency, link and key out.

It reads names, not minds: a field counts only under a name that people use for it, a number is never a
title, and what is not clearly an urgency or a page to open is none.  What it finds is still a stranger's
text.

How far a field is from the top is its price, and the cheapest one wins.  Objects that only wrap
(``{"alert": {…}}``) cost little, other objects more, places (``repository``) still more; a person is
looked at for the name alone.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

from notifier import plaintext, vocabulary, wording
from notifier.notification import Urgency
from notifier.payload import Json

OBJECTS_LIMIT = 64
"""Objects of one value that are looked at, the outer ones first."""
FIELDS_LIMIT = 200
"""Fields of one object that are looked at."""
KEY_LIMIT = 200
"""Characters of a key; a longer one is none, because a part of it would not be unique."""

_WRAPPER, _OTHER, _PLACE, _PERSON = 2.0, 10.0, 14.0, 4.0
_PRICE_LIMIT = 25.0
_KEY_PRICE_LIMIT = 2 * _WRAPPER
_FAR = 15.0
"""From this price on a title is that of something else that the object mentions."""
_SHORTER = frozenset(("message", "text", "msg"))
_LONGER = frozenset(("description", "details", "detail", "fullmessage"))
_HEADING_LIMIT = 120
_CLASS_PRICE = {"title": 0.0, "name": 5.0}
_NO_NAME = re.compile(r"https?://|[0-9a-f-]{16,}$|[\d.,:+TZ/ -]+$|[{\[<]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """What an object seems to say; None where it says nothing of the kind."""

    title: str | None = None
    body: str | None = None
    who: str | None = None
    """Whose words the body is, where there is no title: a sender, a service, a host."""
    kind: str | None = None
    """The kind of event, as an identifier."""
    rest: str = ""
    """The other fields, spelled out."""
    urgency: Urgency | None = None
    link: str | None = None
    key: str | None = None
    alive: bool = False
    """All it says is that the stream is alive."""


def find(value: Mapping[str, Json]) -> Found:
    """What `value` seems to say."""
    search = _Search()
    search.look_through(value)
    return _chosen(search, value)


class _Object(NamedTuple):
    values: Mapping[str, Json]
    price: float
    name: str = ""
    owner: "_Object | None" = None

    @property
    def is_person(self) -> bool:
        return self.name in vocabulary.PERSONS

    @property
    def holds_links(self) -> bool:
        return self.name in ("links", "urls")


class _Candidate(NamedTuple):
    price: float
    name: str
    text: str
    home: _Object


_by_price = attrgetter("price")


@dataclass(slots=True)
class _Search:
    """Every field that may count, by the role it may have."""

    found: dict[str, list[_Candidate]] = field(default_factory=dict)
    urgency: tuple[float, Urgency] | None = None
    urgency_name: str = ""
    settled: bool = False

    def look_through(self, value: Mapping[str, Json]) -> None:
        waiting = deque([_Object(value, 0.0)])
        for _ in range(OBJECTS_LIMIT):
            if not waiting:
                break
            one = waiting.popleft()
            if one.is_person and one.owner:
                self._look_at_person(one, one.owner)
            else:
                waiting.extend(self._look_at(one))

    def best(self, role: str, besides: _Candidate | None = None) -> _Candidate | None:
        """The cheapest candidate for a role that does not repeat what `besides` says."""
        found = self.found.get(role)
        if not found:
            return None
        others = (c for c in found if not (besides and besides.text == c.text))
        return min(others, key=_by_price, default=None)

    def link(self) -> _Candidate | None:
        """The cheapest link that is one, and a page for persons."""
        for candidate in sorted(self.found.get("link", ()), key=_by_price):
            if (link := plaintext.link(candidate.text)) and not _is_for_machines(link):
                return candidate._replace(text=link)
        return None

    def _look_at(self, one: _Object) -> Iterator[_Object]:
        siblings = frozenset(vocabulary.bare(name) for name in islice(one.values, FIELDS_LIMIT))
        for name, value in islice(one.values.items(), FIELDS_LIMIT):
            bare = vocabulary.bare(name)
            if isinstance(value, list) and len(value) == 1:
                value = value[0]
            self._weigh_urgency(name, value, one.price, siblings)
            if isinstance(value, str):
                self._weigh(name, value, one)
            elif isinstance(value, int) and not isinstance(value, bool) and bare == "key":
                self._offer("key", one.price, name, str(value), one)
            elif isinstance(value, dict) and bare not in vocabulary.ASIDES:
                person = vocabulary.names_a_person(name)
                price = one.price + (_PERSON if person else _price(bare))
                if price <= _PRICE_LIMIT:
                    yield _Object(value, price, "user" if person else bare, one)

    def _weigh(self, name: str, text: str, one: _Object) -> None:
        for role, rank in vocabulary.roles(name).items():
            named = role in ("name", "sender", "subject", "kind")
            if (text.strip() or role == "body") and not (named and _NO_NAME.match(text)):
                if role == "link":
                    self._offer(role, one.price + rank / 10, name, text, one)
                elif role in _CLASS_PRICE:
                    self._offer("title", one.price + _CLASS_PRICE[role] + rank / 10, name, text, one)
                elif role == "body" and not text.strip():
                    self._offer("emptiness", one.price, name, "", one)
                elif role == "kind":
                    if not vocabulary.is_dull(text) and one.name not in vocabulary.PLACES:
                        self._offer(role, one.price + rank / 100, name, text, one)
                elif role != "key" or one.price <= _KEY_PRICE_LIMIT:
                    self._offer(role, one.price + rank / 100, name, text, one)
        if vocabulary.names_a_page(name) or (one.holds_links and vocabulary.may_be_a_page(name)):
            self._offer("link", one.price + 2, name, text, one)
        if vocabulary.bare(name) in ("status", "state") and one.price <= _WRAPPER:
            self.settled = self.settled or vocabulary.is_settled(text)

    def _look_at_person(self, one: _Object, owner: _Object) -> None:
        for name, value in islice(one.values.items(), FIELDS_LIMIT):
            if isinstance(value, str) and value.strip():
                for role, rank in vocabulary.roles(name).items():
                    if role in ("name", "sender"):
                        self._offer("sender", one.price + rank / 10, name, value, owner)

    def _weigh_urgency(self, name: str, value: Json, price: float, siblings: frozenset[str]) -> None:
        if isinstance(value, dict):
            value = value.get("name", value.get("label"))
        level = vocabulary.urgency(name, value, siblings)
        if level is not None and (self.urgency is None or price < self.urgency[0]):
            self.urgency, self.urgency_name = (price, level), name

    def _offer(self, role: str, price: float, name: str, text: str, home: _Object) -> None:
        self.found.setdefault(role, []).append(_Candidate(price, name, text, home))


def _chosen(search: _Search, value: Mapping[str, Json]) -> Found:
    title, kind = search.best("title"), search.best("kind")
    body = search.best("body", besides=title)
    if not title and not body and kind and vocabulary.is_alive(kind.text):
        return Found(alive=True)
    who = (search.best("sender") or search.best("subject")) if body else None
    if title and title.price >= _FAR and who and body and who.home is body.home:
        title = None
    if title:
        who = None
    elif body and not who:
        title, body = _headed(search, body)
    empty = search.best("emptiness")
    link, key = search.link(), search.best("key") if title or body else None
    used = {c.name for c in (title, body, who, link, key, empty, None if title else kind) if c} | {search.urgency_name}
    if title:
        used |= {candidate.name for candidate in search.found.get("body", ()) if candidate.text == title.text}
    level = search.urgency[1] if search.urgency else None
    about, inside = _unwrapped(value)
    return Found(
        title=title.text if title else None,
        body=body.text if body else "" if empty else None,
        who=who.text if who else None,
        kind=kind.text if kind else about,
        rest="" if body else _rest(inside, title, used),
        urgency=Urgency.NORMAL if search.settled and level is Urgency.CRITICAL else level,
        link=link.text if link else None,
        key=plaintext.line(key.text, KEY_LIMIT) or None if key and len(key.text) <= KEY_LIMIT else None,
    )


def _headed(search: _Search, body: _Candidate) -> tuple[_Candidate | None, _Candidate]:
    """A message beside a description is its heading."""
    if vocabulary.bare(body.name) not in _SHORTER or len(body.text) > _HEADING_LIMIT:
        return None, body
    for other in search.found["body"]:
        if other.home is body.home and vocabulary.bare(other.name) in _LONGER and other.text != body.text:
            return body, other
    return None, body


def _rest(value: Mapping[str, Json], title: _Candidate | None, used: set[str]) -> str:
    """What else there is to tell: first of the object that the title is about."""
    if title and title.home.values is not value and title.home.name not in vocabulary.PLACES:
        outer = {name: field for name, field in value.items() if not isinstance(field, Mapping | list)}
        value = {**outer, **title.home.values}
    return wording.spell_out(value, besides=used, need=not title)


def _price(bare: str) -> float:
    if bare in vocabulary.WRAPPERS:
        return _WRAPPER
    return _PLACE if bare in vocabulary.PLACES else _OTHER


def _unwrapped(value: Mapping[str, Json]) -> tuple[str | None, Mapping[str, Json]]:
    """``{"build": {…}}`` is about a build, and only the inside is worth telling."""
    name, inside = next(iter(value.items())) if len(value) == 1 else ("", None)
    if not isinstance(inside, dict):
        return None, value
    return (None if vocabulary.bare(name) in vocabulary.WRAPPERS else name), inside


def _is_for_machines(link: str) -> bool:
    host, _, path = link.partition("://")[2].partition("/")
    return host.startswith("api.") or path.startswith("api/")
