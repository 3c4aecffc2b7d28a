"""The UCI Bank Marketing calls (2008 to 2010): row order is time, each row is a lead and its call."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path

import numpy as np

from ..calls import CallLog, Outcome
from ..errors import UnreadableFile
from ..instants import HOUR, SECOND, of, render
from ..kernel import Int64Array
from ..leads import FIELDS, AttributeHistory, Coded, LeadTable
from ..past import Past
from .opened import opened

MEMBER = "bank-additional-full.csv"

INPUTS = (
    "age", "job", "marital", "education", "default", "housing", "loan", "contact", "month", "day_of_week",
    "campaign", "pdays", "previous", "poutcome",
    "emp.var.rate", "cons.price.idx", "cons.conf.idx", "euribor3m", "nr.employed",
)  # fmt: skip
"""What was known before the call; `duration`, its own talk time, and `y`, its outcome, were not."""

ALLOWED = frozenset({"age", "marital"})
"""Protected attributes that this public benchmark allow-lists."""

NEVER_CONTACTED = "999"
"""`pdays` of a client that no earlier campaign had reached."""

CLOCKED = frozenset({"month", "day_of_week", "duration"})
"""The columns that the clock reads."""

ADDED = frozenset({"row", "known_at", "started_at", "ended_at"})
"""The columns that it adds."""

_FIRST_DAY = date(2008, 5, 1)
_OPENS, _SHIFT = 9 * HOUR, 8 * HOUR
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LENGTH = re.compile(r"[0-9]{1,6}")

Row = Mapping[str, str]


def bank_past(path: Path) -> Past:
    """The file (or the zip that holds it) as a past, without a database."""
    with opened(path, MEMBER) as text:
        reader = csv.DictReader(text, delimiter=";", restval="")
        missing = {*INPUTS, *CLOCKED, "y"} - {*(reader.fieldnames or ())}
        if missing:
            raise UnreadableFile(file=path.name, without=", ".join(sorted(missing)))
        rows = _telling_time(reader)
    starts = started_at([(row["month"], row["day_of_week"]) for row in rows])
    return Past(_log(rows, starts), _leads(rows, starts))


def with_clock(rows: Iterable[Row]) -> Iterator[dict[str, str]]:
    """The rows with what the file leaves out: `row` (from 1), `known_at`, `started_at`, `ended_at`."""
    kept = _telling_time(rows)
    starts = started_at([(row["month"], row["day_of_week"]) for row in kept])
    for number, (row, start) in enumerate(zip(kept, starts.tolist(), strict=True), start=1):
        yield {
            **row,
            "row": f"{number:05d}",
            "known_at": render(start - SECOND),
            "started_at": render(start),
            "ended_at": render(start + int(row["duration"]) * SECOND),
        }


def _telling_time(rows: Iterable[Row]) -> list[Row]:
    """All rows; one whose day or length can't be read spoils the order of all behind it: `UnreadableFile`."""
    kept = list(rows)
    for number, row in enumerate(kept, start=1):
        told = row["month"] in _MONTHS and row["day_of_week"] in _WEEKDAYS
        if not (told and _LENGTH.fullmatch(row["duration"])):
            raise UnreadableFile(row=number, why="its month, day_of_week or duration is none")
    return kept


def started_at(days: Sequence[tuple[str, str]]) -> Int64Array:
    """When each call began, from its (month, weekday): the next such day, calls spread over 9 to 17 h UTC."""
    starts = np.empty(len(days), np.int64)
    row, today = 0, _FIRST_DAY - timedelta(days=1)
    for (month, weekday), calls in groupby(days):
        count = len(list(calls))
        today = _next(today, _MONTHS.index(month) + 1, _WEEKDAYS.index(weekday))
        opens = of(datetime(today.year, today.month, today.day, tzinfo=UTC)) + _OPENS
        starts[row : row + count] = opens + np.arange(count) * _SHIFT // count
        row += count
    return starts


def _next(after: date, month: int, weekday: int) -> date:
    """The first day after another that is that weekday of that month."""
    day = after + timedelta(days=1)
    while (day.month, day.weekday()) != (month, weekday):
        day += timedelta(days=1)
    return day


def _log(rows: Sequence[Row], starts: Int64Array) -> CallLog:
    """Every call was answered by a human; its disposition is known as it ends."""
    count = len(rows)
    talk = np.array([row["duration"] for row in rows], np.float32)
    ended = starts + talk.astype(np.int64) * SECOND
    sold = np.array([row["y"] == "yes" for row in rows])
    told = np.where(sold, Outcome.CONVERTED, Outcome.CONTACT_NO_DECISION).astype(np.int8)
    log = CallLog(
        lead=np.arange(count),
        agent=np.full(count, -1),
        campaign=np.zeros(count, np.int64),
        started_at=starts,
        ended_at=ended,
        known_at=ended,
        disposed_at=ended,
        disposed_known_at=ended,
        outcome=np.full(count, Outcome.CONTACT_NO_DECISION, np.int8),
        disposition=told,
        answered=np.ones(count, np.bool_),
        converted=sold,
        value=np.full(count, np.nan),
        talk_s=talk,
        handle_s=talk,
    )
    return log.take(np.argsort(ended, kind="stable"))


def _leads(rows: Sequence[Row], starts: Int64Array) -> LeadTable:
    """Row i is a lead, known from a second before its call with all its attributes."""
    known_at = starts - SECOND
    count = len(rows)
    words = {"campaign": "bank-marketing", "channel": "other", "source": "uci"}
    nobody = Coded((), np.full(count, -1))
    coded = {
        name: Coded((words[name],), np.zeros(count, np.int64)) if name in words else nobody for name in FIELDS
    }
    history = {name: _history([value_of(name, row[name]) for row in rows], known_at) for name in INPUTS}
    ids = [f"bank-{number:05d}" for number in range(1, count + 1)]
    return LeadTable(ids, known_at, np.full(count, np.nan), coded, history)


def _history(values: Sequence[float | str | None], known_at: Int64Array) -> AttributeHistory:
    """One value per lead; a missing one is NaN without a word."""
    words = Coded.of([value if isinstance(value, str) else None for value in values])
    numbers = np.array([value if isinstance(value, float) else np.nan for value in values], np.float64)
    return AttributeHistory(np.arange(len(values) + 1), known_at, numbers, words.codes, words.levels)


def value_of(name: str, text: str) -> float | str | None:
    """A number where the text is one, else the word; None where the file says that there is none."""
    if name == "pdays" and text == NEVER_CONTACTED:
        return None
    try:
        return float(text)
    except ValueError:
        return text
