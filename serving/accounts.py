"""Accounts: a question about a KPI, answered from the store; the same for HTTP and for the command line."""

from dataclasses import dataclass

from sqlalchemy import Connection

from features.instants import render
from features.store.reads import (
    Stretch,
    horizon_of,
    quarantined_calls,
    read_attempts,
    read_conversions,
    read_received,
)

from .errors import BadQuery, UnknownKpi
from .kpi.measures import Measure, measure
from .kpi.report import DIMENSIONS, Accounts, KpiReport, KpiRow, draw_up


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
    return draw_up(_accounts(connection, question), asked, question.by, question.level)


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


def _accounts(connection: Connection, question: Question) -> Accounts:
    """Attempts are read from a horizon earlier on: a sale may belong to one of those."""
    stretch = Stretch(question.since, question.until, question.at, question.campaign)
    early = max(question.since - horizon_of(connection, question.campaign), 0)
    wider = Stretch(early, question.until, question.at, question.campaign)
    attempts, decisions = read_attempts(connection, wider)
    return Accounts(
        attempts=attempts,
        conversions=read_conversions(connection, stretch),
        decisions=decisions,
        received=read_received(connection, stretch),
        quarantined=quarantined_calls(connection, stretch),
        since=question.since,
        at=question.at,
    )


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
