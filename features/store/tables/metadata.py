"""The one MetaData of leadrank's database, its naming convention and the columns that many tables share."""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Integer, MetaData, Text

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

Long = BigInteger()
"""An instant in microseconds since the Unix epoch, UTC, or another whole number of 64 bits."""

Id = BigInteger().with_variant(Integer, "sqlite")
"""A key that counts itself up; SQLite does that only for a column of exactly this type."""

Json = JSON(none_as_null=True)
"""Kept as it came, text inside: PostgreSQL's JSONB would refuse a string that holds a NUL."""


Name = Text().with_variant(Text(collation="C"), "postgresql")
"""A name that nobody reads in order: compared byte by byte."""


def serial(name: str = "id") -> Column[int]:
    """A primary key that counts itself up."""
    return Column(name, Id, primary_key=True, autoincrement=True)


def instant(name: str) -> Column[int]:
    """An instant that is always known."""
    return Column(name, Long, nullable=False)


def maybe_instant(name: str) -> Column[int | None]:
    """An instant, null where it has not happened or nobody said."""
    return Column(name, Long, nullable=True)


def stamp() -> Column[int]:
    """`seq`: the change counter's number of the row's last change; readers follow it."""
    return Column("seq", Long, nullable=False, index=True)


def of_lead() -> Column[int]:
    """The lead a row belongs to."""
    return Column("lead", Id, ForeignKey("lead.id"), nullable=False, index=True)


def of_campaign() -> Column[str]:
    """The campaign a row belongs to."""
    return Column("campaign", Text, nullable=False)
