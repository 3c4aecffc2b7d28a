"""What the accounts keep of days that are over: drawn up from the calls, and anew where they change."""

from sqlalchemy import Boolean, Column, Integer, LargeBinary, Table, Text

from .metadata import Json, Long, metadata

kpi_day = Table(
    "kpi_day",
    metadata,
    Column("campaign", Text, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),  # of the site's clock, from 1970-01-01
    Column("attempts", Integer, nullable=False),
    Column("digest", Text, nullable=False),  # of the sums
    Column("sums", LargeBinary, nullable=False),
    Column("sold", Json, nullable=False),  # the sales that the day counts, each with its lead
)
"""One row per campaign and local day that is over: the sums of its attempts."""

kpi_column = Table(
    "kpi_column",
    metadata,
    Column("campaign", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("told", LargeBinary, nullable=False),  # what serving.kpi.kept.written wrote
)
"""What each attempt of a day that is over counts for: a quantity or dimension a row, attempts in order."""

kpi_close = Table(
    "kpi_close",
    metadata,
    Column("campaign", Text, primary_key=True),
    Column("until", Integer, nullable=False),  # the first local day that isn't closed
    Column("seq", Long, nullable=False),  # the change number that was followed
    Column("basis", Text, nullable=False),  # definitions and settings; other ones draw up all days anew
    Column("known_at", Long, nullable=False),  # since when the last that was followed is known
    Column("pending", Json, nullable=False),  # days that are still to be drawn up
    Column("shown", Boolean, nullable=True),  # on the board in MLflow, all of it; null: nobody said
)
"""How far each campaign's days are closed."""
