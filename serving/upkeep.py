"""Upkeep: what a desk sees to between requests: it trains when that is due, and forgets old draws."""

import threading

from features.instants import DAY, render
from features.store.decisions import forget_draws
from features.store.engine import transaction

from . import leases
from .alerts import due, retrain
from .desk import Desk
from .errors import AlreadyTraining
from .retraining import TrainingRun

DRAWS_KEPT = 90 * DAY
"""So long a decision can be replayed."""


def catch_up(desk: Desk, at: int) -> None:
    """Do what is due by `at`: follow the store, retrain; a training that fails waits a turn."""
    _forget_draws(desk, at)
    with desk.lock:
        desk.follow(at)
        ready = len(desk.ledger.calls) > 0
    if ready and due(desk.trainer, desk.engine, at) and _takes_the_turn(desk, at):
        retrain(lambda now: _train(desk, now), desk.engine, at)


def train(desk: Desk, at: int, wait: bool) -> TrainingRun:
    """Train as of `at` and swap the champion; without `wait` behind the request."""
    if wait:
        return _train(desk, at)
    if desk.trainer.busy:
        raise AlreadyTraining
    threading.Thread(target=_train, args=(desk, at), daemon=True).start()
    return TrainingRun(f"as-of-{render(at)}", "running")


def _forget_draws(desk: Desk, at: int) -> None:
    """Once a day let go of what queues were ranked from long ago."""
    if at - desk.swept_at >= DAY:
        desk.swept_at = at
        with transaction(desk.engine) as connection:
            forget_draws(connection, at - DRAWS_KEPT)


def _train(desk: Desk, at: int) -> TrainingRun:
    done = desk.trainer.train(at)
    if desk.at_once:
        desk.models.reload()
    return done


def _takes_the_turn(desk: Desk, at: int) -> bool:
    """Whether this worker, and no other, does the retraining that is due."""
    with transaction(desk.engine) as connection:
        now = desk.clock(connection, at)
        return leases.takes_turn(connection, "retrain", now + (desk.trainer.every or 0) // 2, now)
