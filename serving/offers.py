"""Offers: all leads that a campaign's draws were made from, as columns, beside those handed out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from features.kernel import BoolArray, Float64Array, Int64Array
from features.store.draws import Draws, calls_known, received_at, records
from features.store.reads import Stretch

from .draws import Pool, pools
from .ranking.exploration import chance

Array = Int64Array | Float64Array


@dataclass(frozen=True)
class Offers:
    """Equally long columns, one row per lead that a draw could take, draw by draw, oldest first."""

    draw: Int64Array
    """Consecutive numbers from 0; in an experiment each arm of a batch has its own."""
    at: Int64Array
    lead: Int64Array
    """Database keys."""
    row: Int64Array
    """Of the decision that handed it out, in `Draws`; -1 where it wasn't."""
    score: Float64Array
    chance: Float64Array
    """Of being drawn; NaN where the log doesn't say."""
    sells: Float64Array
    """The chance that a dial sells, as the model expects."""
    worth: Float64Array
    seconds: Float64Array

    def __len__(self) -> int:
        return int(self.draw.size)


def read_offers(connection: Connection, stretch: Stretch, draws: Draws) -> Offers:
    """The draws by score whose pools are on record and that handed anybody out."""
    rows_of, taken = _by_batch(draws), _ranked(draws)
    parts = list[Mapping[str, Array]]()
    for batch, at, record in records(connection, stretch):
        rows = rows_of.get(batch, np.empty(0, np.int64))
        for pool in pools(record):
            mine = rows[pool.won]
            mine = mine[taken[mine] & np.isin(draws.lead[mine], pool.lead)]
            if mine.size:
                parts.append(_offered(pool, draws, mine) | {"draw": np.array(len(parts)), "at": np.array(at)})
    return _joined(parts)


def waited(connection: Connection, offers: Offers) -> Int64Array:
    """How long before the draw each lead was received."""
    known = received_at(connection, np.unique(offers.lead).tolist())
    return offers.at - np.array([known[lead] for lead in offers.lead.tolist()], np.int64)


def tried(connection: Connection, offers: Offers) -> Float64Array:
    """How many calls to each lead were known at its draw."""
    lead, known_at = calls_known(connection, np.unique(offers.lead).tolist())
    ticks = np.unique(np.concatenate([known_at, offers.at]))

    def key(leads: Int64Array, at: Int64Array) -> Int64Array:
        return leads * (ticks.size + 1) + np.searchsorted(ticks, at)

    kept = key(lead, known_at)
    before = np.searchsorted(kept, offers.lead * (ticks.size + 1))
    return (np.searchsorted(kept, key(offers.lead, offers.at), side="right") - before).astype(np.float64)


def _by_batch(draws: Draws) -> dict[str, Int64Array]:
    """The decisions of each batch in their order."""
    order = np.lexsort((draws.rank, draws.batch.codes))
    cuts = np.flatnonzero(np.diff(draws.batch.codes[order])) + 1
    found = [rows for rows in np.split(order, cuts) if rows.size]
    return {draws.batch.levels[int(draws.batch.codes[rows[0]])]: rows for rows in found}


def _ranked(draws: Draws) -> BoolArray:
    levels = draws.source.levels
    drawn = draws.source.codes == (levels.index("ranked") if "ranked" in levels else -2)
    return np.asarray(drawn & ~np.isnan(draws.chance))


def _offered(pool: Pool, draws: Draws, mine: Int64Array) -> dict[str, Array]:
    """A pool with what was drawn of it: the chances of the others follow from one that is on record."""
    sorter = np.argsort(pool.lead)
    place = sorter[np.searchsorted(pool.lead, draws.lead[mine], sorter=sorter)]
    row = np.full(pool.lead.size, -1)
    row[place] = mine
    least = int(np.argmin(draws.chance[mine]))
    chances = chance(pool.phi, _kappa(float(pool.phi[place[least]]), float(draws.chance[mine[least]])))
    chances[place] = draws.chance[mine]
    told = {"lead": pool.lead, "row": row, "score": pool.score, "chance": chances, "sells": pool.chance}
    return {**told, "worth": pool.worth, "seconds": pool.seconds}


def _kappa(phi: float, drawn: float) -> float:
    """The key of the first one not drawn: `exploration.chance` the other way round."""
    return -np.inf if drawn >= 1 else phi - float(np.log(-np.log1p(-drawn)))


def _joined(parts: list[Mapping[str, Array]]) -> Offers:
    def whole(name: str) -> Int64Array:
        return column(name).astype(np.int64)

    def column(name: str) -> Float64Array:
        told = [np.broadcast_to(part[name], part["lead"].shape) for part in parts]
        return np.concatenate([np.empty(0), *told])

    numbers = [column(name) for name in ("score", "chance", "sells", "worth", "seconds")]
    return Offers(whole("draw"), whole("at"), whole("lead"), whole("row"), *numbers)
