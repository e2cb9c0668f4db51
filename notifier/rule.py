"""One `[[streams.rules]]` table of the configuration in, a checked rule out.

It does not look at events; `rules` does.  Every template and expression is compiled here, so that a slip of
the pen is found when the configuration is read and not when the first event comes.  What comes with the program has
been checked by its tests: validated in the context `PROVEN`, it is compiled when it is used.
"""

from difflib import get_close_matches
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationInfo,
    model_validator,
)

from notifier import vocabulary
from notifier.duration import Seconds
from notifier.errors import UsageError
from notifier.language import _
from notifier.notification import ACTIONS_LIMIT, Urgency
from notifier.template import Expression, Template

PROVEN = {"proven": True}
"""Context of a validation that compiles nothing."""


def _checked_expression(source: str, info: ValidationInfo) -> str:
    try:
        if info.context != PROVEN:
            Expression(source)
    except UsageError as error:
        raise ValueError(str(error)) from error
    return source


def _checked_template(source: str, info: ValidationInfo) -> str:
    try:
        if info.context != PROVEN:
            Template(source)
    except UsageError as error:
        raise ValueError(str(error)) from error
    return source


def _checked_urgency(source: str, info: ValidationInfo) -> str:
    # What is always the same can be told before the first event, which would be a normal one.
    is_constant = source.strip() and "{" not in source
    if is_constant and info.context != PROVEN and vocabulary.urgency("priority", source, frozenset()) is None:
        meant = get_close_matches(source.strip().lower(), [level.name.lower() for level in Urgency], 1)
        if meant:
            raise ValueError(_("{source!r} is no urgency; did you mean {meant}?", source=source, meant=meant[0]))
        raise ValueError(_("{source!r} is no urgency; write low, normal or critical", source=source))
    return source


ExpressionText = Annotated[str, AfterValidator(_checked_expression)]
"""A Jinja expression: ``data.status == "failed"``."""
TemplateText = Annotated[str, AfterValidator(_checked_template)]
"""A Jinja template: ``{{ data.job }} failed``."""


UrgencyText = Annotated[TemplateText, AfterValidator(_checked_urgency)]
"""A template whose text is an urgency."""


def _as_text(value: object) -> object:
    """A number that stands for itself may go without quotes."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


NumberText = Annotated[TemplateText, BeforeValidator(_as_text)]
"""A template whose text is a number."""


class Button(BaseModel):
    """One button of a bubble."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: TemplateText
    link: TemplateText
    """An absolute http or https URL; a button without one is left out."""


class Words(BaseModel):
    """What a notification says.  What is not set here is found as if there were no rule."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: TemplateText | None = None
    body: TemplateText | None = None
    urgency: UrgencyText | None = None
    """``low``, ``normal``, ``critical``, a number from 1 to 5, or a word such as ``fatal``."""
    link: TemplateText | None = None
    """An absolute http or https URL."""
    icon: TemplateText | None = None
    """An absolute http or https URL, or the name of an icon of the desktop: ``dialog-warning``."""
    image: TemplateText | None = None
    """An absolute http or https URL."""
    time: NumberText | None = None
    """When it happened: seconds or milliseconds since 1970, or ISO 8601, in UTC where it names no zone."""
    group: TemplateText | None = None
    """What is told together in a flood."""
    sound: TemplateText | None = None
    """A name of the freedesktop Sound Naming Specification: ``complete``; ``none`` is silent."""
    actions: Annotated[tuple[Button, ...], Field(max_length=ACTIONS_LIMIT)] | None = None
    progress: NumberText | None = None
    """How far a thing got, 0 to 100."""
    transient: StrictBool | None = None
    """Whether the desktop need not keep it after the bubble is gone."""
    resident: StrictBool | None = None
    """Whether the bubble stays after one of its buttons was clicked."""


class Rule(Words):
    """What to make of some events of a stream.

    In templates and expressions stand: ``data`` (the value of the JSON, or the text), ``event`` (``type``,
    ``data``, ``id``), ``stream`` (its name), ``base`` (scheme and host of its URL), ``previous`` (the ``data``
    before this with the same key), ``outer`` (the object that ``data`` was taken out of), ``before`` and
    ``after`` (the two values of ``changed``).
    """

    when: ExpressionText | None = None
    """Which events the rule is for; all if it is not set."""
    drop: bool = False
    """These events are not told."""
    withdraw: bool = False
    """These events take back the bubble with the rule's key."""
    key: TemplateText | None = None
    """A later notification with the same key takes the place of the bubble; also what ``previous`` goes by."""
    identity: TemplateText | None = None
    """Events of one identity are one event, sent again."""

    command: tuple[TemplateText, ...] | None = None
    """A program and its arguments, run without a shell for each new notification.  In the arguments also stand the
    notification's own fields: ``title``, ``body``, ``urgency``, ``link``, ``key`` and the others."""

    changed: ExpressionText | None = None
    """Tell only when this value is another than before; the first one is no change."""

    problem: ExpressionText | None = None
    """Tell when this becomes true, and again when it is over."""
    clear: ExpressionText | None = None
    """What must be true for the problem to be over; if it is not set, the problem's contrary."""
    delay: Seconds = Field(default=0.0, alias="for")
    """Seconds that the problem must last before it is told."""
    silence: Seconds | None = None
    """Tell when no such event has come for so many seconds, and again when one comes."""
    recovered: Words | None = None
    """What to say when the problem is over."""

    @model_validator(mode="after")
    def _one_purpose(self) -> Self:
        purposes = {
            "drop": self.drop,
            "withdraw": self.withdraw,
            "changed": self.changed is not None,
            "problem": self.problem is not None,
            "silence": self.silence is not None,
        }
        named = [name for name, given in purposes.items() if given]
        if len(named) > 1:
            raise ValueError(_("{named} exclude each other; make two rules", named=" and ".join(named)))
        if self.command is not None:
            if not self.command or not self.command[0].strip():
                raise ValueError(_('command is a program and its arguments: ["notify-phone", "{{ title }}"]'))
            if "{{" in self.command[0] or "{%" in self.command[0]:
                raise ValueError(_("the program of a command is a name or a path; only its arguments are templates"))
            if self.drop or self.withdraw:
                raise ValueError(_("a rule that tells nothing runs no command"))
        if self.problem is None and (self.clear is not None or self.delay):
            raise ValueError(_("clear and for need a problem"))
        if self.recovered is not None and not (purposes["problem"] or purposes["silence"]):
            raise ValueError(_("recovered needs a problem or a silence"))
        if self.withdraw and self.key is None:
            raise ValueError(_("withdraw needs the key of what it takes back"))
        if self.silence == 0:
            raise ValueError(_("a silence lasts longer than nothing"))
        return self
