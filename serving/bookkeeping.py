"""Bookkeeping: once a day is over, `leadrank kpi board` as a process of its own; trouble is an alert."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from features.instants import HOUR, render
from features.store.campaigns import campaign_names
from features.store.engine import reading, transaction
from features.store.outbox import BOARD_FAILED, tell

from . import errand
from .closing import is_due, is_unshown
from .leases import takes_turn

TURN = HOUR
"""One worker's turn lasts so long; what failed is tried again after it."""


@dataclass(frozen=True)
class Bookkeeper:
    """Keeps one store's board in one MLflow."""

    engine: Engine
    run: Callable[[Sequence[str]], str]
    """Runs a command of leadrank to its end; what it said where it failed, else nothing."""

    def attend(self, at: int) -> bool:
        """Bring the board up to date where a day is over or the last try failed; tell whether it was tried.

        Another worker may do it instead. What goes wrong is told once a day.
        """
        with reading(self.engine) as connection:
            over = [
                name
                for name in campaign_names(connection)
                if is_due(connection, name, at) or is_unshown(connection, name)
            ]
        if not over or not self._takes_the_turn(at):
            return False
        for name in over:
            if said := self.run(["kpi", "board", "--campaign", name, "--to", render(at)]):
                with transaction(self.engine) as connection:
                    told = {"campaign": name, "reason": said}
                    tell(connection, BOARD_FAILED, f"{name}|{render(at)[:10]}", at, told)
        return True

    def _takes_the_turn(self, at: int) -> bool:
        with transaction(self.engine) as connection:
            return takes_turn(connection, "board", at + TURN, at)


def as_process(database_url: str, mlflow_uri: str) -> Callable[[Sequence[str]], str]:
    """Commands run by this Python on these stores."""

    def run(words: Sequence[str]) -> str:
        done = errand.run(words, database_url, mlflow_uri)
        return "" if done.well else done.said or "no reason given"

    return run
