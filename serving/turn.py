"""Turn: a job that one worker does for all, held as long as it works; nobody waits for one that died."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from features.instants import MINUTE, SECOND
from features.store.engine import database_clock, transaction

from .leases import keeps_turn, takes_turn

LASTS = 2 * MINUTE
"""After so long without a word of its worker the job is anyone's."""

RENEWED = 20 * SECOND
"""So often a worker says that it is still at it: a database away for a minute costs no turn."""


@dataclass(frozen=True)
class Turn:
    """One worker's turn at a job, by the database's clock: work takes its time whatever requests say."""

    engine: Engine
    job: str
    holder: str
    """Unlike anybody else's."""
    lasts: int = LASTS
    renewed: int = RENEWED
    _over: threading.Event = field(default_factory=threading.Event)

    def taken(self) -> bool:
        """Take it; False where another is at it."""
        with transaction(self.engine) as connection:
            now = database_clock(connection)
            return takes_turn(connection, self.job, now + self.lasts, now, self.holder)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep what was taken while the work goes on, and give it back after it."""
        renewing = threading.Thread(target=self._renew, daemon=True)
        renewing.start()
        try:
            yield
        finally:
            self._over.set()
            renewing.join()
            self._last(0)

    def _renew(self) -> None:
        while not self._over.wait(self.renewed / SECOND):
            self._last(self.lasts)

    def _last(self, more: int) -> None:
        """A database that is away hears of it the next time, or the turn ends by itself."""
        with suppress(SQLAlchemyError), transaction(self.engine) as connection:
            keeps_turn(connection, self.job, database_clock(connection) + more, self.holder)
