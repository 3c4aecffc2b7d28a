"""A store with a year of closed days and one that isn't, filled past its front door."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
from sqlalchemy import insert

from features.calls import Outcome
from features.instants import DAY, MINUTE, SECOND
from features.store.campaigns import write_campaign
from features.store.engine import open_engine, reading, transaction
from features.store.kpi_days import Close, Day, write_close, write_day
from features.store.tables import call, lead
from serving.bearing import basis_of, read_settings
from serving.kpi.kept import written
from serving.kpi.quantities import Ledger
from tests.builders import MONDAY

CAMPAIGN, SETTINGS = "spring", {"goal": "sale", "timezone": "UTC", "mode": "power"}
NEW_LEADS = 1 << 31
"""Those of the open day are nobody's of before."""


def fill(url: str, beside: Path, days: int, drawn: Callable[[int], Ledger]) -> None:
    """Keep `drawn(day)` of each day as a close does, and in a Parquet file; then a day of calls."""
    engine = open_engine(url)
    with transaction(engine) as connection:
        write_campaign(connection, CAMPAIGN, SETTINGS, MONDAY)
    frames = []
    for day in range(days):
        ledger = drawn(day)
        frames.append(_frame(ledger))
        with transaction(engine) as connection:
            write_day(connection, CAMPAIGN, MONDAY // DAY + day, _kept(ledger))
    pl.concat(frames).write_parquet(beside)
    with reading(engine) as connection:
        basis = basis_of(read_settings(connection, CAMPAIGN))
    with transaction(engine) as connection:
        write_close(connection, CAMPAIGN, Close(MONDAY // DAY + days, 0, basis, MONDAY + days * DAY))
        for rows in (_leads(len(ledger) // 8 + 1), _calls(len(ledger), MONDAY + days * DAY)):
            table = lead if "lead_id" in rows[0] else call
            connection.execute(insert(table), rows)
    engine.dispose()


def _kept(ledger: Ledger) -> Day:
    credits, sold = ledger.credits, ledger.credits.gross
    columns = (ledger.leads()[sold], credits.gross_value[sold], credits.net[sold], credits.net_value[sold])
    sales = list(zip(*(column.astype(float).tolist() for column in columns), strict=True))
    return Day(len(ledger), {"day": []}, [(int(key), *rest) for key, *rest in sales], written(ledger))


def _frame(ledger: Ledger) -> pl.DataFrame:
    words = {name: ledger.group(name) for name in ("channel", "source", "script", "team", "shift", "weekday")}
    coded = {name: pl.Series(word.codes.astype("int16")) for name, word in words.items()}
    return pl.DataFrame({**coded, "sold": ledger.quantity("net").astype("bool")})


def _leads(count: int) -> list[dict[str, object]]:
    return [
        {
            "id": NEW_LEADS + n, "lead_id": f"new-{n}", "campaign": CAMPAIGN, "created_at": MONDAY,
            "updated_at": MONDAY, "known_at": MONDAY, "channel": "channel-1", "source": "source-1",
            "phones": [], "seq": 1,
        }
        for n in range(count)
    ]  # fmt: skip


def _calls(count: int, begin: int) -> list[dict[str, object]]:
    return [
        {
            "call_id": f"call-{n}", "lead": NEW_LEADS + n // 8, "campaign": CAMPAIGN, "dialer_id": "d",
            "agent": f"agent-{n % 200}", "script": f"script-{n % 3}", "started_at": at,
            "ended_at": at + MINUTE, "event_at": at + MINUTE, "event_id": "e",
            "known_at": at + MINUTE, "talk_s": 0.0, "hold_s": 0.0, "wrap_s": 0.0, "abandoned": False,
            "human_answered": n % 3 == 0, "seq": 2 + n,
            "outcome": int(Outcome.CONVERTED if n % 60 == 0 else Outcome.NO_ANSWER),
        }
        for n, at in ((n, begin + n * (DAY - 2 * MINUTE) // count // SECOND * SECOND) for n in range(count))
    ]  # fmt: skip
