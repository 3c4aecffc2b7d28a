"""Upkeep: what a desk sees to between requests: it trains when that is due, and forgets old draws."""

import secrets
import threading

from features.instants import DAY
from features.store.decisions import forget_draws
from features.store.engine import transaction

from . import leases
from .alerts import due, retrain
from .desk import Desk
from .errors import AlreadyTraining
from .retraining import TrainingRun, run_id_of
from .turn import Turn

DRAWS_KEPT = 90 * DAY
"""So long a decision can be replayed."""


def catch_up(desk: Desk, at: int) -> None:
    """Do what is due by `at`: follow the store, retrain; a training that fails waits a turn."""
    _forget_draws(desk, at)
    with desk.lock:
        desk.follow(at)
        ready = len(desk.ledger.calls) > 0
    if ready and due(desk.trainer, desk.engine, at) and _takes_the_turn(desk, at):
        retrain(lambda now: _train(desk, now, _turn(desk, now)), desk.engine, at)


def train(desk: Desk, at: int, wait: bool) -> TrainingRun:
    """Train as of `at` and swap the champion; without `wait` behind the request, where a failure is an alert.

    `AlreadyTraining` while any worker of the installation is at it.
    """
    turn = _turn(desk, at)
    if wait:
        return _train(desk, at, turn)
    threading.Thread(target=_train_behind, args=(desk, at, turn), daemon=True).start()
    return TrainingRun(run_id_of(at), "running")


def _forget_draws(desk: Desk, at: int) -> None:
    """Once a day let go of what queues were ranked from long ago."""
    if at - desk.swept_at >= DAY:
        desk.swept_at = at
        with transaction(desk.engine) as connection:
            forget_draws(connection, at - DRAWS_KEPT)


def _turn(desk: Desk, at: int) -> Turn:
    """The one training that the workers of an installation do at a time: it needs most of a machine."""
    turn = Turn(desk.engine, "training", f"{run_id_of(at)}-{secrets.token_hex(8)}")
    if not turn.taken():
        raise AlreadyTraining
    return turn


def _train_behind(desk: Desk, at: int, turn: Turn) -> None:
    retrain(lambda now: _train(desk, now, turn), desk.engine, at)


def _train(desk: Desk, at: int, turn: Turn) -> TrainingRun:
    with turn.kept():
        done = desk.trainer.train(at)
    if desk.at_once:
        desk.models.reload()
    return done


def _takes_the_turn(desk: Desk, at: int) -> bool:
    """Whether this worker, and no other, does the retraining that is due."""
    with transaction(desk.engine) as connection:
        now = desk.clock(connection, at)
        return leases.takes_turn(connection, "retrain", now + (desk.trainer.every or 0) // 2, now)
