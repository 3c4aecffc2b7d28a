"""Simulated worlds as pasts, without a store: the same leads and calls that the service would be told of."""

from dataclasses import dataclass

import numpy as np

from features import CallLog, LeadTable, Past
from features.calls import HUMAN
from features.instants import NEVER, SECOND
from features.leads import FIELDS, AttributeHistory, Coded
from features.synthetic.arrivals import AGE_BANDS, AREAS
from features.synthetic.floor import Call, Floor
from features.synthetic.parameters import SEGMENTS
from features.synthetic.world import World, zone_name


@dataclass(frozen=True)
class Played:
    """A floor after some days, the past that its calls make, and the instant at which it ends."""

    floor: Floor
    past: Past
    until: int


def past_of(world: World, calls: tuple[Call, ...], until: int, *, latent: bool = False) -> Past:
    """The past of a world's calls; `latent` keeps the leads' segment from everybody."""
    leads = world.arrived_between(world.start, until)
    return Past(_log(calls), _leads(world, leads.size, latent))


def _log(calls: tuple[Call, ...]) -> CallLog:
    told = sorted(calls, key=lambda call: call.ended_at)

    def column(name: str, kind: type) -> np.ndarray:
        return np.array([getattr(call, name) for call in told], kind)

    ended, talked = column("ended_at", np.int64), column("human_answered", np.bool_)
    outcome = column("outcome", np.int64)
    disposed = np.where(np.isin(outcome, list(HUMAN)), column("disposed_at", np.int64), NEVER)
    talk_s, wrap_s = column("talk_s", np.float64), column("wrap_s", np.float64)
    return CallLog(
        lead=column("lead", np.int64),
        agent=np.where(talked, column("agent", np.int64), -1),
        campaign=np.zeros(len(told), np.int64),
        started_at=column("started_at", np.int64),
        ended_at=ended,
        known_at=ended,
        disposed_at=disposed,
        disposed_known_at=disposed,
        outcome=outcome.astype(np.int8),
        disposition=np.where(disposed < NEVER, outcome, -1).astype(np.int8),
        answered=talked,
        converted=column("converted", np.bool_),
        value=column("value", np.float64),
        talk_s=talk_s.astype(np.float32),
        handle_s=(talk_s + wrap_s).astype(np.float32),
    )


def _leads(world: World, count: int, latent: bool) -> LeadTable:
    rows, leads = np.arange(count), world.leads
    zones = sorted(set(leads.zone_h.tolist()))
    names = tuple(zone_name(world.parameters, hour) for hour in zones)
    coded = {name: Coded((), np.full(count, -1)) for name in FIELDS} | {
        "campaign": Coded(("telesales",), np.zeros(count, np.int64)),
        "channel": Coded(tuple(c.name for c in world.parameters.channels), leads.channel[rows]),
        "source": Coded(world.source_names, leads.source[rows]),
        "country": Coded(("US",), np.zeros(count, np.int64)),
        "zone": Coded(names, np.searchsorted(zones, leads.zone_h[rows])),
    }
    words = {} if latent else {"segment": np.array(SEGMENTS)[leads.segment[rows]].tolist()}
    words |= {
        "age_band": np.array(AGE_BANDS)[leads.age_band[rows]].tolist(),
        "area": np.array(AREAS)[leads.area[rows]].tolist(),
    }
    since = (leads.arrived[rows] + SECOND).tolist()
    told = {name: AttributeHistory.of(count, rows.tolist(), since, said) for name, said in words.items()}
    for place in range(leads.x.shape[1]):
        known = np.flatnonzero(~np.isnan(leads.x[rows, place]))
        told[f"x{place + 1}"] = AttributeHistory.of(
            count, known.tolist(), (leads.arrived[known] + SECOND).tolist(), leads.x[known, place].tolist()
        )
    ids = tuple(f"lead-{row:06d}" for row in rows)
    return LeadTable(ids, leads.arrived[rows], leads.value[rows], coded, told)
