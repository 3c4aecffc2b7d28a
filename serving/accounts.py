"""Accounts: a question about a KPI, answered from the store; the same for HTTP and for the command line."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
from sqlalchemy import Connection

from features.attempts import LeftOut
from features.instants import render
from features.kernel import BoolArray, Int64Array
from features.store.campaigns import read_campaign
from features.store.installation import secret_of
from features.store.presence import read_presence
from features.store.reads import (
    Stretch,
    quarantined_calls,
    read_received,
    received_ids,
    told_calls,
)
from features.store.repeats import repeated_calls

from .bearing import read_calls
from .counted import read_counted
from .errors import BadQuery, NoHoldout, UnknownCampaign, UnknownKpi
from .kpi.adjusted import Adjusted
from .kpi.cells import Cells
from .kpi.lift import BASE, MODEL, Arm, Attribution, Lift, account
from .kpi.measures import OF_AGENTS, OF_LEADS, Measure, measure
from .kpi.quantities import Waits
from .kpi.report import DIMENSIONS, Accounts, KpiReport, KpiRow, of_agents, of_attempts, of_leads
from .plan import Plan
from .ranking.arms import places
from .ranking.policy import HELD


@dataclass(frozen=True)
class Question:
    """One KPI over attempts started (or leads received) in [since, until), as known at `at`."""

    kpi: str
    since: int
    until: int
    at: int
    campaign: str | None = None
    by: tuple[str, ...] = ()
    level: float = 0.95

    def measure(self) -> Measure:
        """The definition asked for; an unknown name or dimension is an error."""
        unknown = sorted(set(self.by) - set(DIMENSIONS))
        if unknown or len(set(self.by)) != len(self.by):
            raise BadQuery(by=",".join(unknown or self.by), known=",".join(DIMENSIONS))
        if self.since > self.until:
            raise BadQuery(wanted="from before to")
        try:
            return measure(self.kpi)
        except KeyError:
            raise UnknownKpi(kpi=self.kpi) from None


def ask(connection: Connection, question: Question) -> KpiReport:
    """Read what the KPI needs and draw it up."""
    asked = question.measure()
    stretch = Stretch(question.since, question.until, question.at, question.campaign)
    if asked.per in OF_AGENTS:
        return of_agents(read_presence(connection, stretch), asked, question.by, question.level)
    left_out = _left_out(connection, stretch)
    if asked.per in OF_LEADS:
        waits, calls = Waits(read_received(connection, stretch), stretch.at), told_calls(connection, stretch)
        return of_leads(waits, calls, left_out, asked, question.by, question.level)
    counted = read_counted(connection, stretch)
    return of_attempts(counted, stretch.at, left_out, asked, question.by, question.level)


def told(question: Question, report: KpiReport) -> dict[str, object]:
    """The report in the wire's terms."""
    return {
        "kpi": report.measure.kpi,
        "unit": report.measure.unit,
        "definition_version": report.definition_version,
        "from": render(question.since),
        "to": render(question.until),
        "rows": [_row(row) for row in report.rows],
    }


def attribution_of(connection: Connection, stretch: Stretch, cells: Cells) -> Attribution:
    """The account of a campaign's arms from the sums of its attempts; `NoHoldout` where it keeps none."""
    assigned = read_assigned(connection, stretch)
    waits = Waits(read_received(connection, stretch), stretch.at)
    reached = waits.valid & waits.reached
    waited = {name: waits.waited_s[mine & reached] for name, mine in assigned.arms().items()}
    return account(cells, assigned.counts(stretch.until), waited, assigned.promised)


@dataclass(frozen=True)
class Assigned:
    """The leads received in a stretch with their arms."""

    received_at: Int64Array
    held: BoolArray
    """In the holdout."""
    holdout: float

    def arms(self) -> dict[str, BoolArray]:
        """The leads of each arm."""
        return {MODEL: ~self.held, BASE: self.held}

    def counts(self, until: int) -> dict[str, int]:
        """How many leads each arm had received by an instant."""
        early = self.received_at < until
        return {name: int(np.count_nonzero(mine & early)) for name, mine in self.arms().items()}

    @property
    def promised(self) -> dict[str, float]:
        """Each arm's share of leads and agent seconds."""
        return {MODEL: 1 - self.holdout, BASE: self.holdout}


def read_assigned(connection: Connection, stretch: Stretch) -> Assigned:
    """The arms of a campaign's leads; `NoHoldout` where it keeps none."""
    holdout = Plan.of(settings_of(connection, stretch), stretch.at).policy.holdout
    if not 0 < holdout < 1:
        raise NoHoldout(campaign=stretch.campaign, holdout=holdout)
    names, received_at = received_ids(connection, stretch)
    held = places(secret_of(connection), HELD, names) < holdout
    return Assigned(received_at, held, holdout)


def settings_of(connection: Connection, stretch: Stretch) -> Mapping[str, object]:
    """The settings of the campaign of a stretch."""
    found = read_campaign(connection, stretch.campaign or "")
    if found is None:
        raise UnknownCampaign(campaign=stretch.campaign)
    return found.settings


def accounted(stretch: Stretch, found: Attribution) -> dict[str, object]:
    """The account in the wire's terms."""
    return {
        "campaign": stretch.campaign,
        "from": render(stretch.since),
        "to": render(stretch.until),
        "sales": asdict(found.sales),
        "arms": [arm_told(arm) for arm in found.arms],
        "sample_ratio": {"chi2": found.mismatch.chi2, "p": found.mismatch.p, "blocks": found.mismatch.blocks},
        "lifts": [lift_told(lift) for lift in found.lifts],
        "refusal": found.refusal or None,
        "guardrails_broken": list(found.worse),
        "foreseen": None if found.foreseen is None else asdict(found.foreseen),
    }


def arm_told(arm: Arm) -> dict[str, object]:
    """An arm in the wire's terms."""
    per_hour = {
        kpi: {"value": value, "interval": None if interval is None else asdict(interval)}
        for kpi, (value, interval) in arm.per_hour.items()
    }
    told = {
        name: getattr(arm, name) for name in ("leads", "attempts", "agent_hours", "net", "gross", "net_value")
    }
    shares = {"share": arm.share, "promised_share": arm.promised, "off": arm.off}
    return {"arm": arm.name, **told, **shares, "per_hour": per_hour, "guardrails": dict(arm.guardrails)}


def lift_told(lift: Lift, units: str = "agent_days") -> dict[str, object]:
    """A lift in the wire's terms."""
    return {
        "kpi": lift.kpi,
        "relative": lift.relative,
        "interval": asdict(lift.interval),
        "always_valid_interval": asdict(lift.always),
        "always_valid_p": lift.p,
        units: lift.agent_days,
        "detectable": lift.detectable,
        "adjusted": [_adjusted(one) for one in lift.adjusted],
    }


def _adjusted(one: Adjusted) -> dict[str, object]:
    return {
        "how": one.how,
        "relative": one.relative,
        "interval": asdict(one.interval),
        "always_valid_interval": asdict(one.always),
        "variance_left": one.variance_left,
    }


def read_accounts(connection: Connection, stretch: Stretch) -> Accounts:
    """All that the KPIs of a stretch are drawn up from."""
    received, left_out = read_received(connection, stretch), _left_out(connection, stretch)
    return replace(read_calls(connection, stretch), received=received, left_out=left_out)


def _left_out(connection: Connection, stretch: Stretch) -> LeftOut:
    """The calls of a stretch that are no attempts."""
    return LeftOut(quarantined_calls(connection, stretch), repeated_calls(connection, stretch))


def _row(row: KpiRow) -> dict[str, object]:
    interval = row.interval
    ends = None if interval is None else {"low": interval.low, "high": interval.high, "level": interval.level}
    return {
        "group": dict(row.group),
        "value": row.value,
        "n": row.n,
        "interval": ends,
        "maturity": "mature" if row.mature == 1 else "immature",
        "mature_share": row.mature,
        "data_quality": dict(row.quality),
        "detail": dict(row.detail),
    }
