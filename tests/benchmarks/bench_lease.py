"""A poll of a large campaign: its queue against judging and sorting all leads, and what the whole takes."""

import os
import time
from collections.abc import Callable, Iterator
from itertools import count

import numpy as np
from sqlalchemy import Engine

from features import for_leads
from features.instants import HOUR, SECOND, render
from serving.desk import Desk
from serving.handout import Order
from serving.models import Models
from serving.ranking.exploration import generator
from serving.ranking.fairness import Account
from serving.ranking.queue import rank
from serving.view import passing
from tests.features.store.tellings import a_lead
from tests.serving.desks import a_desk, a_dial, tell, tell_leads
from tests.serving.twin import candidates_of, floor_of
from training.bundle import Bundle, Model
from training.calibration import AS_IT_IS
from training.dataset import PRIOR_SECONDS
from training.margin import Curve, Margin

from .harness import UNITS, Figure, alone, race, summary
from .store_of_leads import NOW, fill_leads

LEADS = int(os.environ.get("LEADS", "100000"))
"""`LEADS=1000000` for a million."""

NIGHT = NOW + 14 * HOUR
"""3:00 in the morning where it is latest, 22:00 in Hawaii: nobody may be called."""

ORDER, ROUNDS, MANY_ROUNDS = Order(100), 20, 300
ALL = "all leads judged and sorted"


def bench_lease(engine: Engine) -> list[Figure]:
    """CPU time of a hundred leads leased from a campaign whose calls are half as many as its leads."""
    alone(fill_leads, engine.url.render_as_string(hide_password=False), LEADS)
    begun = time.process_time()
    desk = a_desk(engine)
    desk.follow(NOW)
    started = time.process_time() - begun
    desk.models = Models(desk.models.uri, desk.models.cache, "", a_bundle(desk))
    clock = (NOW + turn * SECOND for turn in count(1))
    desk.lease("spring", ORDER, "", next(clock))
    size = f"{LEADS:,} leads in {engine.dialect.name}"
    queue = race(
        f"the queue of {size}", lambda: queue_of(desk, NOW), lambda: slowly(desk, NOW), against=ALL, unit="µs"
    )

    def poll() -> object:
        return desk.lease("spring", ORDER, "", next(clock))

    polls = {
        f"a poll of {size}": taken(poll, lambda _: None),
        "after 30 calls": taken(poll, lambda turn: told_calls(desk, turn)),
        "after a new lead": taken(poll, lambda turn: told_lead(desk, turn)),
    }
    slowly_us = queue.ratio * queue.median
    whole = [told_of(name, each, slowly_us) for name, each in polls.items()]
    warm = in_a_row(desk, f"the queue of {size}, in a row", clock, slowly_us)
    ranks = ranked_in_a_row(desk, f"its rank pass alone, {size}, in a row", clock, slowly_us)
    night = race(
        f"nobody to call among {size}",
        lambda: queue_of(desk, NIGHT),
        lambda: slowly(desk, NIGHT),
        against=ALL,
    )
    nights = (NIGHT + turn * SECOND for turn in count(1))
    empty = in_a_row(desk, f"nobody to call among {size}, in a row", nights, slowly_us)
    opened = summary(f"a desk opened on {size}", "itself", 1.0, [started], "s")
    return [queue, warm, ranks, *whole, night, empty, opened]


def in_a_row(desk: Desk, name: str, clock: Iterator[int], slowly_us: float) -> Figure:
    """Nothing but queues, a second apart, with the caches that the last one left; the worst is in it too."""
    seconds = taken(lambda: queue_of(desk, next(clock)), lambda _: None, MANY_ROUNDS)
    ratio = slowly_us / UNITS["µs"] / float(np.median(seconds))
    return summary(name, ALL, ratio, [one * UNITS["µs"] for one in seconds], "µs")


def ranked_in_a_row(desk: Desk, name: str, clock: Iterator[int], slowly_us: float) -> Figure:
    """Nothing but who comes first, with spares and chances: leads were judged and counted before."""
    seconds = []
    for _ in range(MANY_ROUNDS):
        at = next(clock)
        with passing(desk.lineup("spring", at), desk.ledger.leads, ORDER) as view:
            terms = desk.plan("spring", at).policy, desk.account("spring", at), generator("a")
            begun = time.process_time()
            rank(view, ORDER.n, *terms)
            seconds.append(time.process_time() - begun)
    ratio = slowly_us / UNITS["µs"] / float(np.median(seconds))
    return summary(name, ALL, ratio, [one * UNITS["µs"] for one in seconds], "µs")


def told_of(name: str, seconds: list[float], slowly_us: float) -> Figure:
    """A whole poll beside what judging and sorting all leads alone takes."""
    ratio = slowly_us / UNITS["µs"] / float(np.median(seconds))
    return summary(name, f"{ALL}, the queue alone", ratio, [one * UNITS["ms"] for one in seconds], "ms")


def queue_of(desk: Desk, at: int) -> object:
    """As the desk does it: counts, and 100 leads with spares and chances."""
    with passing(desk.lineup("spring", at), desk.ledger.leads, ORDER) as view:
        account = desk.account("spring", at)
        found = rank(view, ORDER.n, desk.plan("spring", at).policy, account, generator("a"))
        return view.withheld(), found, None if found.place.size else view.next_callable()


def slowly(desk: Desk, at: int) -> object:
    """The same by looking at everybody."""
    floor = floor_of(desk, "spring", at, ORDER)
    leads = candidates_of(desk, "spring", floor, at)
    return floor.verdicts.withheld, rank(
        leads, ORDER.n, desk.plan("spring", at).policy, Account(), generator("a")
    )


def taken(poll: Callable[[], object], before: Callable[[int], object], rounds: int = ROUNDS) -> list[float]:
    """CPU seconds of some polls, each after something was told."""
    found = []
    for turn in range(rounds):
        before(turn)
        begun = time.process_time()
        poll()
        found.append(time.process_time() - begun)
    return found


def told_calls(desk: Desk, turn: int) -> None:
    """Thirty calls of the last minutes."""
    names = [f"lead-{(turn * 30 + one) * 7 % LEADS:09d}" for one in range(30)]
    dials = [a_dial(f"new-{turn}-{one}", name, NOW - 300 * SECOND) for one, name in enumerate(names)]
    tell(desk.engine, *dials, at=NOW)


def told_lead(desk: Desk, turn: int) -> None:
    """One lead that has just come in."""
    said = {"created_at": render(NOW), "updated_at": render(NOW), "attributes": {"need": 3}}
    number = [{"e164": f"+1212{9000000 + turn}", "type": "mobile"}]
    tell_leads(desk.engine, [a_lead(f"new-{turn}", phones=number, **said)], NOW)


def a_bundle(desk: Desk) -> Bundle:
    """Curves over every feature, so that no two leads score alike; no trees."""
    features, rng = for_leads(desk.ledger.past().leads), np.random.default_rng(5)
    knots, silent = np.array([0.0, 1.0, 5.0, 50.0]), np.empty(0)

    def model(base: float) -> Model:
        curves = tuple(
            Curve(one.categorical, silent if one.categorical else knots, rng.normal(0, 0.15, 4), 0.0)
            for one in features
        )
        return Model("", Margin(base, curves), AS_IT_IS)

    heads = {"answer": model(-1.0), "conversion": model(-2.0)}
    return Bundle("", NOW - HOUR, features, heads, PRIOR_SECONDS).named()
