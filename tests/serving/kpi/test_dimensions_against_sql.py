"""Every KPI by every dimension equals a query over the rows of the store, whatever the events did."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, func, select

from features.attempts import LeftOut
from features.instants import DAY
from features.store.engine import open_engine, reading
from features.store.presence import read_presence
from features.store.reads import Stretch
from features.store.tables import call, call_past, conversion, decision, disposition, repeat
from serving.accounts import read_accounts
from serving.kpi.measures import MEASURES, OF_AGENTS, OF_LEADS, Measure
from serving.kpi.quantities import Waits
from serving.kpi.report import KpiReport, draw_up, of_agents, of_leads
from tests.conftest import database_of

from . import brute_force
from .busy_floors import BEGIN, CAMPAIGNS, LATER, SPANS, fill

DIMENSIONS = (
    "channel", "contact_channel", "agent", "team", "shift", "hour", "weekday", "source", "script",
    "model_version", "policy",
)  # fmt: skip
STRETCHES = {
    "ever": (BEGIN, LATER),
    "the short nights": (SPANS[0] + DAY, SPANS[1] + 3 * DAY),
    "the long nights": (SPANS[2] + DAY, SPANS[3] + 3 * DAY),
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def floors(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Both floors on one database, told of once."""
    engine = open_engine(database_of(request, tmp_path_factory.mktemp("floors")))
    fill(engine)
    yield engine
    engine.dispose()


def reports(engine: Engine, stretch: Stretch) -> Callable[[Measure, str], KpiReport]:
    """Every KPI by a dimension, drawn up from what was read once."""
    with reading(engine) as connection:
        accounts, presence = read_accounts(connection, stretch), read_presence(connection, stretch)
    waits = Waits(accounts.received, stretch.at)

    def report(measure: Measure, by: str) -> KpiReport:
        if measure.per in OF_AGENTS:
            return of_agents(presence, measure, (by,))
        if measure.per in OF_LEADS:
            return of_leads(waits, 0, LeftOut(), measure, (by,))
        return draw_up(accounts, measure, (by,))

    return report


def figures(report: KpiReport, by: str) -> dict[str | None, tuple[float | None, int]]:
    return {row.group[by]: (row.value, row.n) for row in report.rows}


def near(figure: tuple[float | None, float]) -> tuple[object, float]:
    """A figure from the database, equal to ours up to rounding."""
    value, n = figure
    return (None if value is None else pytest.approx(value, rel=1e-9)), n


@pytest.mark.parametrize("campaign", CAMPAIGNS)
@pytest.mark.parametrize("stretch", STRETCHES.values(), ids=list(STRETCHES))
def test_every_kpi_by_every_dimension_equals_its_query(
    floors: Engine, campaign: str, stretch: tuple[int, int]
):
    report = reports(floors, Stretch(*stretch, LATER, campaign))

    for by in DIMENSIONS:
        with reading(floors) as connection:
            wanted = brute_force.asked(connection, by, campaign, *stretch)

        for measure in MEASURES:
            ours, groups = figures(report(measure, by), by), wanted[measure.kpi]
            assert ours == {word: near(figure) for word, figure in groups.items()}, (by, measure.kpi)


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_no_dimension_of_the_floors_has_one_word_alone(floors: Engine, campaign: str):
    with reading(floors) as connection:
        told = {by: brute_force.asked(connection, by, campaign, BEGIN, LATER) for by in DIMENSIONS}

    assert {by for by, kpis in told.items() if len(kpis["contact_rate"]) < 2} == {"contact_channel"}
    assert len(told["contact_channel"]["lead_response_time"]) > 2
    assert len(told["shift"]["occupancy"]) > 1


def test_the_floors_saw_everything_that_goes_wrong_with_events(floors: Engine):
    late = call.c.known_at - call.c.ended_at > DAY
    named, leased = decision.c.decision_id == call.c.decision_id, decision.c.lease_id == call.c.lease_id
    old = call.c.started_at - decision.c.at > DAY
    with reading(floors) as connection:
        seen = {
            "told again": select(func.sum(repeat.c.told)),
            "corrected": select(func.count()).select_from(call_past),
            "disposed anew": select(func.count() - func.count(disposition.c.call_id.distinct())),
            "late": select(func.count()).select_from(call).where(late),
            "cancelled": select(func.count()).select_from(conversion).where(conversion.c.cancelled),
            "echoes of old decisions": select(func.count()).select_from(
                call.join(decision, (named | leased) & old)
            ),
            "over midnight": select(func.count()).where(
                call.c.started_at // DAY != call.c.ended_at // DAY
            ),
        }  # fmt: skip
        counts = {name: connection.execute(asked).scalar_one() for name, asked in seen.items()}

    assert all(count > 0 for count in counts.values()), counts
