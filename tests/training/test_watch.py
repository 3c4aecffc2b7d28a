"""The watch: a planted change is found within days, and a floor that stays as it was never alarms."""

from dataclasses import replace

import numpy as np
import pytest

from features import Feature
from features.instants import DAY, HOUR
from features.kernel import Int64Array
from features.statistics.attribute import Attribute, Category
from features.store.served_calls import ServedCalls
from features.store.served_matrices import ServedMatrix
from tests.builders import MONDAY
from training.bundle import Bundle
from training.dataset import PRIOR_SECONDS
from training.reference import Reference, said_of, shares_of
from training.watch import LEAST_DAYS, Check, Watched, look

CHANNELS = ("web_form", "bought_list", "partner")
FEATURES: tuple[Feature, ...] = (
    Category("channel", "channel", CHANNELS[:2]),
    Attribute("lead_age_hours", "age"),
    Attribute("floor_sale_rate_3d", "level"),
)
DAYS, A_DAY = 35, 700
AT = MONDAY + DAYS * DAY + HOUR


def a_day(day: int, rng: np.random.Generator, change: str = "") -> dict[str, np.ndarray]:
    """A day's calls: who answers and buys follows the channel and chance; `change` is under way."""
    size = A_DAY
    share = (0.5, 0.4, 0.1) if change == "new_channel" else (0.55, 0.45, 0.0)
    channel = rng.choice(3, size, p=share)
    odds = np.array([-0.3, -1.2, -0.5])[channel] + rng.normal(0, 0.5, size)
    price = rng.normal(-1.8, 0.7, size)
    drop = -0.7 * (channel == 1) if change == "vendor_drop" else -0.4 * (change == "answers") * np.ones(size)
    answered = rng.random(size) < 1 / (1 + np.exp(-(odds + drop)))
    dearer = -0.9 if change == "price_shock" else 0.0
    sold = np.where(answered, (rng.random(size) < 1 / (1 + np.exp(-(price + dearer)))) * 1.0, np.nan)
    age = rng.exponential(90.0 if change == "older_leads" else 20.0, size)
    return {
        "at": MONDAY + day * DAY + np.sort(rng.integers(8 * HOUR, 20 * HOUR, size)),
        "channel": channel,
        "p_answer": 1 / (1 + np.exp(-odds)),
        "p_convert": 1 / (1 + np.exp(-price)),
        "answered": answered * 1.0,
        "sold": sold,
        "age": age,
        "level": np.full(size, 0.05 + 0.01 * np.sin(day)),
    }


def days(first: int, last: int, seed: int, change: str = "", since: int = 99) -> dict[str, np.ndarray]:
    rng = np.random.default_rng([seed, first + 100])
    told = [a_day(day, rng, change if day >= since else "") for day in range(first, last)]
    return {name: np.concatenate([one[name] for one in told]) for name in told[0]}


def columns(floor: dict[str, np.ndarray]) -> np.ndarray:
    channel = np.where(floor["channel"] == 2, np.nan, floor["channel"])
    return np.column_stack([channel, floor["age"], floor["level"]]).astype(np.float32)


def a_champion(seed: int) -> Bundle:
    """Taught the four weeks before."""
    past = days(-28, 0, seed)
    values, at = columns(past), past["at"]
    shares = tuple(shares_of(values[:, k], at, FEATURES[k].categorical) for k in range(3))
    heads = {"answer": said_of(past["answered"], past["p_answer"], at)}
    reference = Reference(at.size, shares, heads, CHANNELS[:2])
    return Bundle("v1", MONDAY, FEATURES, {}, PRIOR_SECONDS, reference=reference)


def served(floor: dict[str, np.ndarray]) -> ServedCalls:
    size = floor["at"].size
    words = tuple(CHANNELS[code] for code in floor["channel"])
    names, lead = tuple(map(str, range(size))), np.arange(size)
    return ServedCalls(
        names,
        floor["at"],
        lead,
        words,
        floor["p_answer"],
        floor["p_convert"],
        floor["answered"],
        floor["sold"],
    )


def vectors(floor: dict[str, np.ndarray], features: tuple[Feature, ...] = FEATURES) -> list[ServedMatrix]:
    """Of every tenth lead."""
    rows: Int64Array = np.arange(0, floor["at"].size, 10)
    return [ServedMatrix(features, columns(floor)[rows], rows, floor["at"][rows])]


def seen(seed: int, change: str = "", since: int = 99, until: int = DAYS) -> Watched:
    floor = days(0, until, seed, change, since)
    return look(a_champion(seed), served(floor), vectors(floor), MONDAY + until * DAY + HOUR)


def test_a_floor_that_stays_as_it_was_does_not_alarm():
    """30 floors, each looked at on a day of its own: none of some 600 checks passes its limit."""
    found = [seen(seed) for seed in range(30)]

    assert [one.sentence for watched in found for one in watched.drifted] == []
    assert min(len(watched.checks) for watched in found) >= 15


@pytest.mark.parametrize(
    ("change", "after", "subject"),
    [
        ("vendor_drop", 3, "answer of bought_list"),
        ("price_shock", 5, "conversion"),
        ("answers", 2, "answer"),
        ("new_channel", 1, "partner"),
        ("older_leads", 6, "lead_age_hours"),
    ],
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_change_is_found_within_days_and_told_by_its_name(change, after, subject, seed):
    found = seen(seed, change, since=28, until=28 + after)

    assert subject in {one.of for one in found.drifted}


def test_a_level_that_is_every_leads_of_a_day_is_not_taken_for_a_change_of_leads():
    found = [seen(seed) for seed in range(3)]

    levels = [one for watched in found for one in watched.checks if one.of == "floor_sale_rate_3d"]
    assert len(levels) == 3
    assert min(one.limit for one in levels) > 1


def test_a_day_that_is_not_over_is_not_looked_at():
    floor = days(0, DAYS, 1)
    champion = a_champion(1)

    noon = look(champion, served(floor), vectors(floor), MONDAY + (DAYS - 1) * DAY + 12 * HOUR)
    night = look(champion, served(floor), vectors(floor), MONDAY + (DAYS - 1) * DAY)

    assert noon == night


def test_too_few_days_and_too_few_vectors_tell_nothing_and_say_so():
    floor = days(0, LEAST_DAYS, 1)

    found = look(a_champion(1), served(floor), [], MONDAY + LEAST_DAYS * DAY)

    assert (found.checks, found.drifted) == ((), ())
    assert len(found.untold) == 2


def test_nothing_served_is_nothing_told():
    none = {name: column[:0] for name, column in days(0, 1, 1).items()}

    found = look(a_champion(1), served(none), [], AT)

    assert found.checks == ()
    assert not any(found.by_day.values())


def test_a_champion_that_was_taught_the_change_does_not_alarm_for_it():
    floor = days(0, DAYS, 1, "older_leads", since=28)
    champion = a_champion(1)
    past = days(-28, 0, 1, "older_leads", since=-99)
    shares = tuple(shares_of(columns(past)[:, k], past["at"], FEATURES[k].categorical) for k in range(3))
    assert champion.reference is not None
    taught = replace(champion, reference=replace(champion.reference, columns=shares))

    before = look(champion, served(floor), vectors(floor), AT)
    after = look(taught, served(floor), vectors(floor), AT)

    assert "lead_age_hours" in {one.of for one in before.drifted}
    assert "lead_age_hours" not in {one.of for one in after.drifted}


def test_words_keep_their_meaning_when_their_codes_change():
    """The same days, served by a bundle that numbers the channels the other way round."""
    floor = days(0, DAYS, 1)
    other = (Category("channel", "channel", ("bought_list", "web_form")), *FEATURES[1:])
    (plain,) = vectors(floor)
    swapped = replace(plain, features=other, values=plain.values.copy())
    swapped.values[:, 0] = 1 - swapped.values[:, 0]

    one, two = (look(a_champion(1), served(floor), [given], AT) for given in (plain, swapped))

    assert one == two


def test_figures_go_by_day():
    found = seen(1)

    day = MONDAY // DAY + DAYS - 1
    assert found.by_day["answer/Share marked"][day] == pytest.approx(0.35, abs=0.1)
    assert found.by_day["answer/Missed by in log-odds"][day] == pytest.approx(0, abs=0.3)
    assert found.by_day["answer/PSI of its chances"][day] < 0.1
    assert found.by_day["PSI/lead_age_hours"][day] < 0.2
    assert len(found.by_day["conversion/Share promised"]) == DAYS


def test_a_sentence_says_what_is_beyond_what():
    check = Check("feature", "channel", 7, 0.31, 0.12, 240)

    assert check.drifted
    assert check.sentence == "feature of channel, 7 d: PSI +0.310, limit 0.120"
