"""Shadowing: the newest challenger against the champion on the calls that the champion chose."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Engine

from features import compute
from features.kernel import Float64Array
from features.store.engine import reading, transaction
from features.store.ledger import Ledger
from features.store.served_calls import ServedCalls, read_served_calls
from features.store.shadow_scores import read_shadow, unscored, write_shadow

from .bundle import Bundle
from .gate import CHAMPION, MARGIN, HeadRace, Opponent, compare, markdown, measured, metrics_of
from .tracking import CHALLENGER, Record, Tracking

EXPERIMENT = "leadrank shadow"
AT_ONCE = 5_000
SELECTION = (
    "Both are asked about calls that the champion chose: what became of leads that only the challenger would "
    "have called, nobody knows. A clear loss here is a loss; a win or a tie is a reason to try it, no proof."
)


@dataclass(frozen=True)
class Shadowed:
    """How a challenger did in the champion's shadow."""

    champion: str
    challenger: str
    calls: int
    """Decisions since the challenger's training whose calls are known."""
    races: Mapping[str, HeadRace]
    """Of each head; `leadrank` is the challenger."""
    run_id: str = ""

    @property
    def text(self) -> str:
        """Markdown, with what it can't tell."""
        tables = [markdown(name, race) for name, race in self.races.items()]
        return "\n".join([*tables, f"`leadrank` is the challenger {self.challenger}.", "", SELECTION, ""])


def shadow(
    engine: Engine, tracking: Tracking, at: int, rng: np.random.Generator, say: Callable[[str], None]
) -> Shadowed | None:
    """Compare what both said of the same calls, and leave it in MLflow; None without either of them.

    What the service has not scored in the shadow yet is scored now, as of each decision.
    """
    champion, challenger = tracking.champion(), tracking.bundle(CHALLENGER)
    if champion is None or challenger is None or challenger.created_at < champion.created_at:
        return None
    fill(engine, challenger, at, say)
    with reading(engine) as connection:
        calls = read_served_calls(connection, challenger.created_at, at)
        said = read_shadow(connection, challenger.version)
    races = raced(calls, said, rng)
    found = Shadowed(champion.version, challenger.version, len(calls), races)
    run_id = tracking.record(record_of(found, at))
    return Shadowed(found.champion, found.challenger, found.calls, races, run_id)


def fill(engine: Engine, challenger: Bundle, at: int, say: Callable[[str], None]) -> None:
    """Score the decisions that the challenger has said nothing of."""
    ledger = Ledger()
    while True:
        with reading(engine) as connection:
            asked = unscored(connection, challenger.version, challenger.created_at, AT_ONCE)
            if not len(asked):
                return
            say(f"scoring {len(asked):,} decisions as of when they were made")
            ledger.follow(connection)
        said = challenger.predict(
            compute(ledger.past(), asked.moments(ledger.leads), challenger.features), threads=1
        )
        with transaction(engine) as connection:
            write_shadow(connection, challenger.version, asked.decision_id, said.answer, said.conversion, at)


def raced(
    calls: ServedCalls, said: Mapping[str, tuple[float, float]], rng: np.random.Generator
) -> dict[str, HeadRace]:
    """Both heads' chances against the champion's, where what came of the call is known."""
    nothing = (np.nan, np.nan)
    theirs = np.array([said.get(name, nothing) for name in calls.decision_id]).reshape(-1, 2)
    heads = {
        "answer": (calls.answered, calls.p_answer, theirs[:, 0]),
        "conversion": (calls.sold, calls.p_convert, theirs[:, 1]),
    }
    return {name: _race(name, *columns, rng) for name, columns in heads.items()}


def _race(
    name: str, label: Float64Array, own: Float64Array, theirs: Float64Array, rng: np.random.Generator
) -> HeadRace:
    rows = ~(np.isnan(label) | np.isnan(theirs))
    if not rows.any():
        return HeadRace()
    reigning = [Opponent(CHAMPION, own[rows])]
    found = compare(name, label[rows], theirs[rows], reigning, rng, MARGIN)
    return HeadRace(found, measured(label[rows], theirs[rows], reigning))


def record_of(found: Shadowed, at: int) -> Record:
    """The comparison as a run."""
    metrics: dict[str, float] = {}
    for head, race in found.races.items():
        metrics |= metrics_of(head, race)
    tags = {"champion": found.champion, "challenger": found.challenger}
    name = f"{found.challenger} behind {found.champion}"
    return Record(
        EXPERIMENT, name, at, metrics=metrics, tags=tags, note=found.text, texts={"shadow.md": found.text}
    )
