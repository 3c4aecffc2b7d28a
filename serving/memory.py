"""Memory: what a desk knows, in one file that the workers share: a restart takes it up where it was.

One of them writes it from time to time. Each maps it, and what it changes becomes its own: so the leads of a
large campaign are in memory once, however many workers there are.
"""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from sqlalchemy import Connection

from features.store import checkpoints
from features.store.checkpoints import Code, of_ledgers
from features.store.frozen import Tree, name_of
from features.store.ledger import Ledger
from training.bundle import Bundle

from . import (
    abandons,
    budget,
    cells,
    freeing,
    jurisdictions,
    ladder,
    lineup,
    numbering,
    numbers,
    plan,
    roster,
    rule,
    scores,
    sites,
    tally,
    untried,
)
from .lineup import Lineup
from .ranking import policy
from .roster import Roster
from .scores import ScoreSheet

_NOT_KEPT = ("bundle", "_bundle", "salt", "arm_of", "account")
"""The model has a place of its own, the secret none but the database; a method and a sum are found again."""


@dataclass
class Memory:
    """What a desk keeps from request to request."""

    ledger: Ledger
    roster: Roster
    sheet: ScoreSheet
    lineups: dict[str, Lineup]

    @classmethod
    def empty(cls) -> "Memory":
        """A desk's that knows nothing yet."""
        ledger = Ledger()
        return cls(ledger, Roster(ledger), ScoreSheet(), {})

    def with_(self, bundle: Bundle | None, at: int) -> "Memory":
        """The same with the model that serves from `at`: what another one scored is let go."""
        version = bundle.version if bundle else ""
        if self.sheet.version != version:
            return replace(self, sheet=ScoreSheet(), lineups={})
        lineups = {name: one for name, one in self.lineups.items() if one.version == version}
        if bundle is not None:
            self.sheet.take_up(bundle, at)
            for one in lineups.values():
                one.terms = replace(one.terms, bundle=bundle)
        return replace(self, lineups=lineups)


def save(memory: Memory, label: Tree, folder: Path) -> None:
    """Write a memory for the next process; `label` is `labelled`'s."""
    checkpoints.save(memory, label, code(), folder)


def labelled(memory: Memory, connection: Connection) -> Tree:
    """What its file will hold for."""
    return checkpoints.label(memory.ledger.seq, code(), connection)


def restored(connection: Connection, folder: Path) -> Memory | None:
    """What was last saved; None where no file holds for this store and code."""
    found = checkpoints.restored(code(), connection, folder)
    return found if isinstance(found, Memory) else None


@cache
def code() -> Code:
    """What a memory is made of."""
    rooms = (
        *(abandons, budget, cells, freeing, jurisdictions, ladder, lineup, numbering, numbers, plan),
        *(policy, roster, rule, scores, sites, tally, untried),
    )
    here = Path(__file__).parent
    folders = (here, here / "ranking", here / "rules")
    known = of_ledgers().and_(rooms, folders, _NOT_KEPT)
    return replace(known, classes={**known.classes, name_of(Memory): Memory})
