"""Shadow scores: what a bundle that does not serve says of leads that another handed out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from ..calls import Moments
from ..kernel import Float64Array, Int64Array
from .lead_book import LeadBook
from .tables import decision, shadow_score


@dataclass(frozen=True)
class Unscored:
    """Decisions of models that a bundle has said nothing of: equally long, oldest first."""

    decision_id: tuple[str, ...]
    lead: Int64Array
    """The lead's key in the database."""
    at: Int64Array

    def __len__(self) -> int:
        return len(self.decision_id)

    def moments(self, book: LeadBook) -> Moments:
        """As of each decision, with no agent chosen."""
        rows = np.array([book.row_of_key(key) for key in self.lead.tolist()], np.int64)
        return Moments(rows, np.full(len(self), -1), self.at)


def unscored(connection: Connection, version: str, since: int, limit: int) -> Unscored:
    """The first so many decisions at or after an instant without this bundle's word."""
    said = select(shadow_score.c.decision_id).where(shadow_score.c.bundle_version == version)
    found = connection.execute(
        select(decision.c.decision_id, decision.c.lead, decision.c.at)
        .where(decision.c.at >= since, decision.c.p_answer.is_not(None))
        .where(decision.c.decision_id.not_in(said))
        .order_by(decision.c.at, decision.c.decision_id)
        .limit(limit)
    ).all()
    return Unscored(
        tuple(row.decision_id for row in found),
        np.array([row.lead for row in found], np.int64),
        np.array([row.at for row in found], np.int64),
    )


def write_shadow(
    connection: Connection,
    version: str,
    decisions: Sequence[str],
    answer: Float64Array,
    convert: Float64Array,
    at: int,
) -> None:
    """Keep a bundle's word on decisions; where another worker was faster its word stays."""
    if not decisions:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    rows = [
        {"decision_id": name, "bundle_version": version, "scored_at": at, "p_answer": a, "p_convert": c}
        for name, a, c in zip(decisions, answer.tolist(), convert.tolist(), strict=True)
    ]
    connection.execute(dialect.insert(shadow_score).on_conflict_do_nothing(), rows)


def read_shadow(connection: Connection, version: str) -> dict[str, tuple[float, float]]:
    """By decision: what this bundle says of an answer, and of a sale given one."""
    columns = shadow_score.c
    asked = select(columns.decision_id, columns.p_answer, columns.p_convert)
    found = connection.execute(asked.where(columns.bundle_version == version))
    return {row.decision_id: (row.p_answer, row.p_convert) for row in found}
