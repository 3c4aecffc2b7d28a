"""Shadow: what the newest challenger says of the leads that the champion handed out, behind the requests."""

from dataclasses import dataclass

from features import compute
from features.instants import DAY, SECOND
from features.store.engine import reading, transaction
from features.store.shadow_scores import unscored, write_shadow
from training.bundle import Bundle

from .desk import Desk
from .leases import takes_turn

AT_ONCE = 100
"""A lease that comes meanwhile waits for so many leads at most."""
A_TURN = 2_000
"""Of more decisions than this the rest waits for the next turn."""
TURN = 30 * SECOND
"""One worker's turn lasts so long; the others leave it alone."""
LATELY = 2 * DAY
"""Decisions older than this are left to `leadrank shadow`."""


@dataclass
class Shadow:
    """Scores what a desk handed out since the challenger's training: it can't have learned from that."""

    desk: Desk

    def follow(self, at: int) -> int:
        """Score what was handed out since the last turn; return how many decisions."""
        if not self._takes_the_turn(at) or (challenger := self.desk.models.challenger()) is None:
            return 0
        done = 0
        while done < A_TURN and (scored := self._some(challenger, at)):
            done += scored
        return done

    def _takes_the_turn(self, at: int) -> bool:
        """Whether this worker, and no other, does it this time."""
        with transaction(self.desk.engine) as connection:
            now = self.desk.clock(connection, at)
            return takes_turn(connection, "shadow", now + TURN, now)

    def _some(self, challenger: Bundle, at: int) -> int:
        since = max(challenger.created_at, at - LATELY)
        with reading(self.desk.engine) as connection:
            asked = unscored(connection, challenger.version, since, AT_ONCE)
        if not len(asked):
            return 0
        with self.desk.lock:
            self.desk.follow(at)
            past = self.desk.ledger.past()
            matrix = compute(past, asked.moments(self.desk.ledger.leads), challenger.features)
        said = challenger.predict(matrix, threads=1)
        with transaction(self.desk.engine) as connection:
            write_shadow(connection, challenger.version, asked.decision_id, said.answer, said.conversion, at)
        return len(asked)
