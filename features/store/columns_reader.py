"""The past of a store read once, by columns: bit for bit what a ledger says that follows it from nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from sqlalchemy import Engine, select

from ..calls import COLUMNS, CallLog
from ..columns import Codes
from ..errors import MissingExtra
from ..instants import NEVER
from ..past import Past
from .by_columns.attributes import read_attributes
from .by_columns.calls import CallWords, blocks, dispose, read_calls
from .by_columns.contacts import promises_told, read_promises, read_touches, touches_told
from .by_columns.fact_columns import FactColumns
from .by_columns.gathered import Gathered
from .by_columns.leads import LeadColumns, read_leads
from .by_columns.rare_calls import AT_ONCE, read_rare_calls, taken_over
from .by_columns.stream import Stream, can_stream, streaming, whole, worded
from .campaigns import horizon_of
from .engine import reading
from .fact_book import Batch
from .ledger import Ledger
from .plain_calls import calls_disposed, calls_told
from .tables import campaign, counter

Columns = dict[str, NDArray[Any]]

_LOG = {**COLUMNS, "seq": np.int64}


@dataclass(frozen=True)
class Snapshot:
    """What a store knew strictly before an instant."""

    past: Past
    agents: tuple[str, ...]
    """Their names, by the codes in the log."""
    seq: int
    """The store's change number."""
    note: str = ""
    """Why it was read row by row, if it was; how many attributes were left out, if any."""


def read_snapshot(engine: Engine, until: int = NEVER) -> Snapshot:
    """Read by columns; row by row, with a note, where the drivers are missing or can't reach the database."""
    if not can_stream(engine):
        return _by_rows(engine, until, "a database in memory is read row by row")
    try:
        return read_columns(engine, until)
    except MissingExtra as missing:
        return _by_rows(engine, until, f"read row by row: {missing}")


def read_columns(engine: Engine, until: int = NEVER, at_once: int = AT_ONCE) -> Snapshot:
    """Read by columns, in one view of the database; `MissingExtra` without the extra `train`.

    Rows of calls that were told anew are objects, of so many calls `at_once`.
    """
    with streaming(engine) as stream:
        counted = stream.whole(select(counter.c.value).where(counter.c.name == "change"))
        leads = read_leads(stream, until)
        leads.attributes, left_out = read_attributes(stream, leads, until)
        words = CallWords(leads.words["campaign"])
        rare = read_rare_calls(stream, until)
        rare.name_words(words)
        calls = read_calls(stream, leads, words, rare.seqs, until)
        words.end_stage()
        rare.name_more(words)
        words.end_stage()
        promises = read_promises(stream, leads, words.agent, until)
        words.end_stage()
        touches = read_touches(stream, leads, words.agent, until)
        codes = _number_words(leads, words, calls, (promises, touches))
        dispose(stream, calls, until)
        table, horizons = leads.table(stream, until), _horizons(stream)
    log, facts = _tell(calls, taken_over(rare, leads, codes, at_once))
    facts.add(promises_told(promises))
    facts.add(touches_told(touches))
    told = facts.facts()  # before the log, which lets go what only facts are made of
    past = Past(_log(log), table, told, horizons=horizons)
    note = f"{left_out:,} attributes are left out: others are told more often" if left_out else ""
    return Snapshot(past, codes["agent"].levels, int(whole(counted, "value")[0]), note)


def _horizons(stream: Stream) -> dict[str, int]:
    """Each campaign's, as its settings are now."""
    asked = stream.whole(select(worded(campaign.c.campaign), worded(campaign.c.settings)))
    told = [] if asked is None else asked.to_pylist()
    return {row["campaign"][1:]: horizon_of(orjson.loads(row["settings"][1:])) for row in told}


def _number_words(
    leads: LeadColumns, words: CallWords, calls: Columns, contacts: Sequence[Columns]
) -> dict[str, Codes]:
    """Turn the provisional codes of all columns into final ones; the words that they stand for."""
    codes: dict[str, Codes] = {}
    calls["campaign"] = leads.number_words()[calls["campaign"]]
    for name, one in words.spoken.items():
        codes[name], places = one.final()
        for told in (calls, *contacts) if name == "agent" else (calls,):
            told[name] = places[told[name]]
    return codes


def _tell(calls: Columns, others: Iterable[tuple[Columns, Sequence[Batch]]]) -> tuple[Gathered, FactColumns]:
    """The columns of the log, and the facts of its calls."""
    facts, log = FactColumns(), Gathered(_LOG)
    for block in blocks(calls):
        for batch in (*calls_told(block), *calls_disposed(block)):
            facts.add(batch)
    log.add(**calls)
    calls.clear()
    for columns, batches in others:
        log.add(**columns)
        for batch in batches:
            facts.add(batch)
    return log, facts


def _log(told: Gathered) -> CallLog:
    """The calls ordered by `ended_at`, then by their first telling."""
    ended_at, seq = told.take("ended_at"), told.take("seq")
    later, same = ended_at[1:] > ended_at[:-1], ended_at[1:] == ended_at[:-1]
    in_order = np.all(later | (same & (seq[1:] > seq[:-1])))
    order = None if in_order else np.lexsort((seq, ended_at))
    del seq, later, same
    return CallLog(ended_at=ended_at if order is None else ended_at[order], **told.take_all(order))


def _by_rows(engine: Engine, until: int, note: str) -> Snapshot:
    ledger = Ledger()
    with reading(engine) as connection:
        ledger.follow(connection, until)
    return Snapshot(ledger.past(), ledger.calls.agents.levels, ledger.seq, note)
