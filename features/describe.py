"""The catalogue as a page: every line with what it asks, and every kind with what it means."""

from dataclasses import fields

from .catalogue import MOST_ATTRIBUTES, MOST_LEVELS, MOST_PACES, chapters
from .instants import DAY, HOUR, MINUTE, NEVER, SECOND
from .past import Feature
from .refused import AFTER_THE_CALL, PROTECTED
from .statistics import kinds

_HEAD = """# Features

Written by `leadrank docs` from `features/catalogue/`; change the lines there, not here.

A feature answers one question about a lead, an agent or the floor at a moment, from the facts known strictly
before that moment: a call, a disposition or an attribute that happened earlier but was told later does not
count until it was told. Windows and half-lives go by the time of the event. The same code answers in training
and in serving.

A rate `of` something `per` something else is shrunk to its prior: with a prior of 0.3 × 50 an actor without
calls has the rate 0.3, and its own calls outweigh the prior from the 50th on. Dispositions tell `converted`,
`callback`, `contact_refused`, `contact_no_decision` and `do_not_call`; the call itself tells `calls`,
`answered`, `machine`, `busy`, `no_answer` and the like. Besides calls, `touches` (an `email`, `sms`, `chat`
or `form`, `inbound` or not), `promised` callbacks and voice scores (`scored`) are facts of a lead.

Whose past it is: the lead's, the agent's, everyone's, that of all leads with the same word in a field
(`channel`, `source`, `list`, `campaign`, `region`), that of the line or script that the campaign uses now, or
that of an hour of the lead's day; crossed, as in `agent×channel`, that of this agent with leads of this
channel. Where no agent is chosen yet, a rate of agents is that of all of them, and a count or time of one is
missing.
"""

_COLUMNS = "| feature | kind | whose past | asks | window or half-life | prior |\n|---|---|---|---|---|---|\n"

_LEADS_OWN = f"""## The leads' own fields and attributes

Besides these lines, each installation has one for every field of its leads (`campaign`, `channel`,
`source`, `list`, `country`, `region`) that has more than one value, and one named `attribute_<name>` for
every attribute that may be a feature: a number as it is, a word as a category of the {MOST_LEVELS} most
frequent values, with one more for all rarer ones. Where there are more than {MOST_ATTRIBUTES} such
attributes, those told most often have one, ties by name.
Each of the {MOST_PACES} most frequent channels has its own `age_of_<channel>`: the hours since receipt of its
leads alone.
"""

_OWN = {"name", "by", "within", "half_life", "prior"}


def page() -> str:
    """The whole page in Markdown."""
    parts = [_HEAD, *map(_chapter, chapters()), _LEADS_OWN, _refused(), _kinds()]
    return "\n".join(parts)


def row(feature: Feature) -> str:
    """One feature as a row of the table; a field that is not known here is shown by its name."""
    said = {field.name: getattr(feature, field.name) for field in fields(feature)}  # type: ignore[arg-type]
    cells = (
        f"`{feature.name}`",
        f"{type(feature).__name__}, categorical" if feature.categorical else type(feature).__name__,
        str(said.get("by", "lead")),
        _asks(feature, {name: value for name, value in said.items() if name not in _OWN}),
        _reach(said.get("within"), said.get("half_life")),
        _prior(said.get("prior")),
    )
    return f"| {' | '.join(cells)} |\n"


def meaning(feature: Feature) -> str:
    """What a feature asks, in a line."""
    said = {field.name: getattr(feature, field.name) for field in fields(feature)}  # type: ignore[arg-type]
    asks = _asks(feature, {name: value for name, value in said.items() if name not in {*_OWN, "levels"}})
    if "levels" in said:
        return f"The lead's {said['attribute']}"
    if "by" not in said:
        return f"{_sentence(type(feature)).split(';')[0].rstrip('.')}{f' ({asks})' if asks else ''}"
    whose = said["by"] if said["by"] == "everyone" else f"the {said['by']}"
    reach = _reach(said.get("within"), said.get("half_life"))
    return f"{type(feature).__name__} of {whose}: {', '.join(filter(None, [asks, reach]))}"


def span(duration: int) -> str:
    """A duration in its largest whole unit."""
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second")):
        if duration % unit == 0:
            return f"{duration // unit} {name}{'' if duration == unit else 's'}"
    return f"{duration} µs"


def _chapter(chapter: tuple[str, str, tuple[Feature, ...]]) -> str:
    name, sentence, features = chapter
    title = name.replace("_", " ").capitalize()
    return f"## {title}\n\n{sentence}\n\n{_COLUMNS}{''.join(map(row, features))}"


def _asks(feature: Feature, said: dict[str, object]) -> str:
    """What it counts, in the words of its kind (`asks`) if that has any, and its other fields by name."""
    of, per = said.pop("of", None), said.pop("per", None)
    share = getattr(feature, "asks", "{of} per {per}").format(of=of, per=per) if per else str(of or "")
    return ", ".join(filter(None, [share, *(f"{name} {value}" for name, value in said.items())]))


def _reach(within: int | None, half_life: int | None) -> str:
    if within is not None:
        return "ever" if within == NEVER else f"last {span(within)}"
    if half_life is not None:
        return "never fades" if half_life == NEVER else f"halves in {span(half_life)}"
    return ""


def _prior(prior: tuple[float, float] | None) -> str:
    """Mean and strength; one without strength shrinks nothing."""
    return "{} × {}".format(*prior) if prior and prior[1] else ""


def _refused() -> str:
    protected, late = (
        ", ".join(f"`{name}`" for name in sorted(names)) for names in (PROTECTED, AFTER_THE_CALL)
    )
    return (
        "## Attributes that never become features\n\n"
        f"Protected, unless an installation allow-lists one with a reason: {protected}.\n\n"
        f"Known only after the call: {late}.\n"
    )


def _kinds() -> str:
    lines = [f"- **{name}**: {_sentence(kind)}\n" for name, kind in sorted(kinds().items())]
    return f"## Kinds\n\n{''.join(lines)}"


def _sentence(kind: type) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]
