"""The other calls, by the ledger's books: told or disposed twice, scored, or of a lead with a recorded sale.

What hangs together (the calls of a lead with whose sale one of them is credited) is taken over together.
"""

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sqlalchemy import CTE, ColumnElement, Select, Table, func, literal, select, union, union_all

from ...calls import COLUMNS
from ...columns import Codes
from ...kernel import BoolArray, Int64Array
from ..call_book import CallBook, CallRows, Rows
from ..call_news import take_over
from ..campaigns import of_the_goal
from ..fact_book import Batch, batch_of
from ..lead_book import LeadBook
from ..tables import call, call_past, conversion, disposition, voice
from .calls import CallWords, telling
from .idle_calls import Calls, Sales, can_have_sold, told_beside
from .leads import LeadColumns
from .stream import Arrow, Stream, arrow, known_by, marked, numbered, whole

AT_ONCE = 5_000
"""Calls whose rows are objects at one time."""

Told = dict[str, list[Any]]
"""Columns of a table as lists."""

_MOODS = ("sentiment", "talk_ratio", "interruptions", "silence_s")


@dataclass(frozen=True)
class RareCalls:
    """All that was told of the rare calls: record batches, None where nothing was."""

    versions: Arrow
    dispositions: Arrow
    conversions: Arrow
    scores: Arrow

    @cached_property
    def seqs(self) -> Int64Array:
        """The change numbers of their versions."""
        return _whole(self.versions, "seq")

    @cached_property
    def call(self) -> Int64Array:
        """Of which call each version is."""
        return _nothing() if self.versions is None else _codes(self.versions["call_id"].dictionary_encode())

    @cached_property
    def first_seq(self) -> Int64Array:
        """By call the change number of its first version: the order of the calls."""
        first = np.full(int(self.call.max(initial=-1)) + 1, np.iinfo(np.int64).max)
        np.minimum.at(first, self.call, self.seqs)
        return first

    @cached_property
    def units(self) -> tuple[Int64Array, Int64Array]:
        """What hangs together: the unit of each call, and of each conversion."""
        calls = self.first_seq.size
        leads, sale = np.unique(_whole(self.conversions, "lead"), return_inverse=True)
        lead = _whole(self.versions, "lead")
        linked = np.flatnonzero(np.isin(lead, leads))
        ends = (self.call[linked], calls + np.searchsorted(leads, lead[linked]))
        size = calls + leads.size
        links = coo_array((np.ones(linked.size, np.int8), ends), shape=(size, size))
        _, unit = connected_components(links, directed=False)
        return unit[:calls].astype(np.int64), unit[calls:][sale].astype(np.int64)

    def narrowed(self) -> "RareCalls":
        """Without the calls that are rare by their lead's sale alone, and that it can't be credited to."""
        if self.versions is None or self.conversions is None:
            return self
        of_call, of_sale = self.units
        disposed, scored = (self._called(batch) for batch in (self.dispositions, self.scores))
        rare = self._apart(disposed, scored)
        told = np.concatenate([self.call, disposed[disposed >= 0]])
        unit = np.concatenate([of_call[told], of_sale])
        known_at = np.concatenate(
            [
                _whole(self.versions, "known_at"),
                _whole(self.dispositions, "known_at")[disposed >= 0],
                _whole(self.conversions, "known_at"),
            ]
        )
        beside = told_beside(unit, known_at, np.append(rare[told], np.ones(of_sale.size, np.bool_)))
        rare[told[beside[: told.size]]] = True
        kept = self.versions.filter(rare[self.call])
        return replace(self, versions=kept if kept.num_rows else None)

    def _apart(self, disposed: Int64Array, scored: Int64Array) -> BoolArray:
        """Which calls are rare by themselves; those of known calls are numbered from 0 on.

        Of one that was told anew only later the one version that is known lies with the past ones.
        """
        rare = np.bincount(self.call) > 1
        rare[self.call[_whole(self.versions, "past") > 0]] = True
        rare |= np.bincount(disposed[disposed >= 0], minlength=rare.size) > 1
        sold = disposed[_marked(self.dispositions, "converted")]
        for calls in (scored, sold):
            rare[calls[calls >= 0]] = True
        rare[self.call[can_have_sold(*self._calls_and_sales())]] = True
        return rare

    def _calls_and_sales(self) -> tuple[Calls, Sales]:
        told, sales = self.versions, self.conversions
        calls = Calls(
            lead=whole(told, "lead"),
            started_at=whole(told, "started_at"),
            outcome=whole(told, "outcome"),
            answered=marked(told, "human_answered"),
        )
        return calls, Sales(whole(sales, "lead"), whole(sales, "at"))

    def _called(self, batch: Arrow) -> Int64Array:
        """Of which call each row of another table is; those of no known call there are none."""
        ids = self.versions["call_id"].dictionary_encode().dictionary
        return _of_calls(batch, ids, np.arange(self.first_seq.size))

    def name_words(self, words: CallWords) -> None:
        """Number the words of the versions that stand among those of the other calls."""
        if self.versions is not None:
            keys = ("call", "event_at", "event_id")
            told = self.versions.append_column("call", arrow().array(self.call))
            order = told.sort_by([(key, "ascending") for key in keys])
            call = whole(order, "call")
            last = np.flatnonzero(np.append(call[1:] != call[:-1], True))
            words.add(order.take(last), self.first_seq[call[last]])

    def name_more(self, words: CallWords) -> None:
        """Number what all versions of calls told twice say, behind what calls say as they stand."""
        several = np.flatnonzero(np.bincount(self.call)[self.call] > 1) if self.call.size else _nothing()
        if several.size:
            rows = several[np.lexsort((self.seqs[several], self.first_seq[self.call[several]]))]
            words.add_spoken(self.versions.take(rows), np.arange(rows.size))

    def parts(self, at_once: int) -> Iterator[tuple[CallRows, Int64Array]]:
        """The rows of some calls at a time, with the calls' order, closed under what hangs together."""
        if self.versions is None:
            return
        part, of_lead = self._parts(at_once)
        ids = self.versions["call_id"].dictionary_encode().dictionary
        tables = [
            _Part(self.versions, part[self.call], _versions),
            _Part(self.dispositions, _of_calls(self.dispositions, ids, part), _dispositions),
            _Part(self.conversions, of_lead, _as_told),
            _Part(self.scores, _of_calls(self.scores, ids, part), _scores),
        ]
        for number in np.unique(part).tolist():
            order = np.sort(self.first_seq[part == number])
            yield CallRows(*(table.rows(number) for table in tables)), order

    def _parts(self, at_once: int) -> tuple[Int64Array, Int64Array]:
        """In which part each call, and each conversion, is."""
        of_call, of_sale = self.units
        last = max(of_call.max(initial=-1), of_sale.max(initial=-1)) + 1
        part = np.cumsum(np.bincount(of_call, minlength=last)) // at_once
        return part[of_call], part[of_sale]


def read_rare_calls(stream: Stream, until: int) -> RareCalls:
    """All that was known of them by an instant."""
    rare = _rare(until)
    versions = (
        select(*telling(table), *(table.c[name] for name in ("call_id", "event_at", "event_id")))
        .add_columns(literal(int(table is call_past)).label("past"))
        .where(_among(table, rare), known_by(table, until))
        for table in (call, call_past)
    )
    return RareCalls(
        stream.whole(union_all(*versions)),
        stream.whole(_told(disposition, ("disposition", "converted"), ("value",), until, rare)),
        stream.whole(_sales(until)),
        stream.whole(_told(voice, (), _MOODS, until, rare)),
    ).narrowed()


def taken_over(
    rare: RareCalls, leads: LeadColumns, codes: Mapping[str, Codes], at_once: int
) -> Iterator[tuple[dict[str, NDArray[Any]], list[Batch]]]:
    """The calls' columns, with `seq` the order of the calls, and their facts; some calls at a time."""
    for rows, order in rare.parts(at_once):
        book = CallBook()
        book.agents, book.lines, book.scripts = (codes[name] for name in ("agent", "line", "script"))
        update = take_over(book, rows, _Leads(leads, rows))
        columns = {name: book.columns[name].copy() for name in COLUMNS}
        yield columns | {"seq": order}, [*update.batches, batch_of(update.news)]


class _Leads(LeadBook):
    """The leads that some rows name, as the book of calls asks for them."""

    def __init__(self, leads: LeadColumns, rows: CallRows) -> None:
        super().__init__()
        keys = {row.lead for told in (rows.versions, rows.conversions) for row in told}
        named = np.array(sorted(keys), np.int64)
        self._row_of_key = dict(zip(named.tolist(), leads.rows_of(named).tolist(), strict=True))
        self._campaigns = leads.codes["campaign"]

    def code_of(self, name: str, word: str) -> int:
        """A campaign's code: all were numbered before."""
        return self._campaigns.known(word)


class _Part:
    """One table's rows by part, in the order of `seq`."""

    def __init__(self, batch: Arrow, part: Int64Array, read: Callable[[Told], Told]) -> None:
        self._batch, self._read = batch, read
        self._rows = np.lexsort((_whole(batch, "seq"), part))
        self._part = part[self._rows]

    def rows(self, part: int) -> Rows:
        """As tuples that read like the ledger's rows."""
        first, last = np.searchsorted(self._part, (part, part + 1))
        if first == last:
            return ()
        told = self._read(self._batch.take(self._rows[first:last]).to_pydict())
        made = namedtuple("Row", list(told))  # type: ignore[misc]  # noqa: PYI024 -- the query names its fields
        return cast("Rows", [made(*row) for row in zip(*told.values(), strict=True)])


def _rare(until: int) -> CTE:
    """The ids of the calls that aren't told once, disposed at most once, and left alone otherwise."""
    sold = select(conversion.c.lead).where(*_sold(until))
    told = select(disposition.c.call_id).where(known_by(disposition, until))
    return union(
        select(call_past.c.call_id).where(known_by(call_past, until)),
        told.group_by(disposition.c.call_id).having(func.count() > 1),
        select(voice.c.call_id).where(known_by(voice, until)),
        select(call.c.call_id).where(call.c.lead.in_(sold)),
    ).cte("rare")


def _among(table: Table, rare: CTE) -> ColumnElement[bool]:
    return table.c.call_id.in_(select(rare.c.call_id))


def _told(table: Table, names: Sequence[str], numbers: Sequence[str], until: int, rare: CTE) -> Select[Any]:
    columns = [table.c[name] for name in ("call_id", "seq", "event_at", "known_at", *names)]
    pairs = (pair for name in numbers for pair in numbered(table.c[name]))
    return select(*columns, *pairs).where(_among(table, rare), known_by(table, until))


def _sales(until: int) -> Select[Any]:
    names = ("seq", "lead", "at", "known_at", "cancelled")
    value = func.coalesce(conversion.c.value, 0.0).label("value")
    return select(*(conversion.c[name] for name in names), value).where(*_sold(until))


def _sold(until: int) -> tuple[ColumnElement[bool], ...]:
    return ~conversion.c.cancelled, of_the_goal(), known_by(conversion, until)


def _versions(told: Told) -> Told:
    """As the book of calls reads them; what isn't asked of them is None."""
    nothing = [None] * len(told["seq"])
    words = {
        name: [word[1:] if word else None for word in told[name]] for name in ("agent", "campaign", "script")
    }
    return told | words | {
        "dialer_id": [word[1:] for word in told["line"]],
        "human_answered": [bool(said) for said in told["human_answered"]],
        "abandoned": nothing,
        "caller_hash": nothing,
        "phone_hash": nothing,
    }  # fmt: skip


def _dispositions(told: Told) -> Told:
    return told | {
        "converted": [bool(said) for said in told["converted"]],
        "next_at": [None] * len(told["seq"]),
    }


def _scores(told: Told) -> Told:
    return told | {
        name: [
            None if missing else said for said, missing in zip(told[name], told[f"no_{name}"], strict=True)
        ]
        for name in _MOODS
    }


def _as_told(told: Told) -> Told:
    return told


def _of_calls(batch: Arrow, ids: Arrow, part: Int64Array) -> Int64Array:
    """In which part each row is, by its call; -1 where the call isn't known."""
    if batch is None:
        return _nothing()
    places = arrow("compute").index_in(batch["call_id"], value_set=ids)
    found: Int64Array = np.append(part, -1)[places.fill_null(-1).to_numpy(zero_copy_only=False)]
    return found


def _codes(coded: Arrow) -> Int64Array:
    return np.asarray(coded.indices.to_numpy(zero_copy_only=False), np.int64)


def _whole(batch: Arrow, name: str) -> Int64Array:
    return _nothing() if batch is None else whole(batch, name)


def _marked(batch: Arrow, name: str) -> BoolArray:
    return np.empty(0, np.bool_) if batch is None else marked(batch, name)


def _nothing() -> Int64Array:
    return np.empty(0, np.int64)
