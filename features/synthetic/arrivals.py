"""Leads as they arrive: one stream of chance per day and channel, so longer or richer worlds begin alike."""

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.random import Generator, Philox

from ..instants import DAY, HOUR, SECOND, to_datetime
from ..kernel import BoolArray, Float64Array, Int64Array
from .parameters import SEGMENTS, Channel, WorldParameters

AGE_BANDS = ("18-24", "25-34", "35-49", "50-64", "65+")
AREAS = ("coast", "hills", "lakes", "plains", "valley", "delta")
_AGE_SHARES = np.array(
    [
        [0.10, 0.30, 0.40, 0.20, 0.00],
        [0.00, 0.00, 0.02, 0.28, 0.70],
        [0.02, 0.23, 0.45, 0.27, 0.03],
        [0.80, 0.18, 0.02, 0.00, 0.00],
    ]
)


@dataclass(frozen=True)
class Leads:
    """Equally long columns, one row per lead, ordered by arrival; latent columns are never told to anyone."""

    arrived: Int64Array
    channel: Int64Array
    source: Int64Array
    """Row of `sources(parameters)`."""
    segment: Int64Array
    zone_h: Int64Array
    """Hours from centre time."""
    age_band: Int64Array
    area: Int64Array
    value: Float64Array
    """Money of a sale, cents exact."""
    x: Float64Array
    """(n, k) observed columns, NaN where missing."""
    need_hat: Float64Array
    """Best guess of `need` from x."""
    need: Float64Array
    """Latent."""
    reach: Float64Array
    """Latent logit of being reachable."""
    window: Int64Array
    """Latent: microseconds of interest after arrival."""
    dead: BoolArray
    wrong: BoolArray

    def __len__(self) -> int:
        return int(self.arrived.size)

    def take(self, rows: Int64Array) -> "Leads":
        """Some rows, in the order given."""
        return Leads(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def stream(seed: int, purpose: int) -> Generator:
    """A generator of its own for one purpose of one world."""
    return Generator(Philox(key=np.array([seed, purpose], dtype=np.uint64)))


def sources(parameters: WorldParameters) -> tuple[tuple[int, str], ...]:
    """(channel, vendor name) of every source, in the order of their codes."""
    return tuple((c, v.name) for c, channel in enumerate(parameters.channels) for v in channel.vendors)


def draw_leads(parameters: WorldParameters, seed: int) -> Leads:
    """All leads of the world's days, ordered by arrival (ties by channel)."""
    days = [_of_day(parameters, seed, day) for day in range(parameters.days)]
    return _joined(days)


def seasonal(day_of_year: float, parameters: WorldParameters) -> float:
    """The yearly wave, -1 to 1."""
    return math.sin(2 * math.pi * (day_of_year - parameters.season_phase_days) / 365)


def day_of_year(parameters: WorldParameters, day: int) -> int:
    """1 to 366 of a day of the world."""
    return int(to_datetime(parameters.epoch + day * DAY).timetuple().tm_yday)


def _of_day(parameters: WorldParameters, seed: int, day: int) -> Leads:
    cohorts = [_cohort(parameters, seed, day, c) for c in range(len(parameters.channels))]
    leads = _joined(cohorts)
    return leads.take(np.argsort(leads.arrived, kind="stable"))


def _joined(parts: list[Leads]) -> Leads:
    return Leads(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Leads)})


def _cohort(parameters: WorldParameters, seed: int, day: int, code: int) -> Leads:
    """The leads of one channel on one day."""
    channel = parameters.channels[code]
    rng = stream(seed, 1 + day * 64 + code)
    n = _how_many(parameters, channel, day, rng)
    segment = rng.choice(len(SEGMENTS), n, p=channel.segments)
    need = rng.normal(size=n)
    x, need_hat = _observe(parameters, need, rng)
    bands = np.cumsum(_AGE_SHARES[segment], axis=1)
    validity = rng.random(n)
    return Leads(
        arrived=parameters.epoch + day * DAY + _moments_of_day(channel, n, rng),
        channel=np.full(n, code),
        source=_draw_sources(parameters, code, n, rng),
        segment=segment,
        zone_h=rng.choice(np.array(parameters.zones_h), n, p=parameters.zone_shares),
        age_band=np.minimum((rng.random((n, 1)) > bands).sum(axis=1), len(AGE_BANDS) - 1),
        area=rng.integers(0, len(AREAS), n),
        value=_draw_value(parameters, segment, need, rng),
        x=x,
        need_hat=need_hat,
        need=need,
        reach=rng.normal(0, parameters.reach_sd, n),
        window=_draw_window(parameters, channel, n, rng),
        dead=validity < channel.dead,
        wrong=(validity >= channel.dead) & (validity < channel.dead + channel.wrong),
    )


def _how_many(parameters: WorldParameters, channel: Channel, day: int, rng: Generator) -> int:
    if day < channel.from_day:
        return 0
    season = 1 + parameters.season_arrivals * seasonal(day_of_year(parameters, day), parameters)
    expected = channel.daily[day % 7] * parameters.scale * season
    return round(expected) if channel.at_once else int(rng.poisson(expected))


def _moments_of_day(channel: Channel, n: int, rng: Generator) -> Int64Array:
    """Microseconds after midnight, whole seconds."""
    weights = np.array(channel.hours) / sum(channel.hours)
    hour = rng.choice(24, n, p=weights).astype(np.int64)
    second = np.zeros(n, np.int64) if channel.at_once else rng.integers(0, 3600, n)
    return np.asarray(hour * HOUR + second * SECOND, dtype=np.int64)


def _draw_sources(parameters: WorldParameters, code: int, n: int, rng: Generator) -> Int64Array:
    before = sum(len(channel.vendors) for channel in parameters.channels[:code])
    shares = np.array([vendor.share for vendor in parameters.channels[code].vendors])
    return np.asarray(before + rng.choice(shares.size, n, p=shares / shares.sum()), dtype=np.int64)


def _draw_value(
    parameters: WorldParameters, segment: Int64Array, need: Float64Array, rng: Generator
) -> Float64Array:
    """Log-normal money around the median's mean, more for business and for need."""
    centre = math.log(parameters.value_median) - parameters.value_sd**2 / 2
    noise = rng.normal(centre, parameters.value_sd, need.size)
    business = segment == SEGMENTS.index("business")
    exponent = noise + parameters.value_business * business + parameters.value_need * need
    return np.asarray(np.round(np.exp(exponent), 2), dtype=np.float64)


def _draw_window(parameters: WorldParameters, channel: Channel, n: int, rng: Generator) -> Int64Array:
    """How long the lead stays in the market: a mixture of two exponentials, faster with gamma."""
    mean_s = np.where(rng.random(n) < channel.fast, channel.soon_s, channel.late_s) / parameters.gamma
    return np.asarray(rng.exponential(mean_s) * SECOND, dtype=np.int64)


def _observe(
    parameters: WorldParameters, need: Float64Array, rng: Generator
) -> tuple[Float64Array, Float64Array]:
    """The columns x1.. and E[need | x]: informative ones, noise, and one that only looks like a leak.

    The third informative column is missing at random; the last column is 0/1, like a flag of an earlier sale,
    but fixed at arrival and independent of everything.
    """
    loading = np.array(parameters.informative)
    own = np.sqrt(1 - loading**2)
    informative = need[:, None] * loading + rng.normal(size=(need.size, loading.size)) * own
    seen = np.ones(informative.shape, np.bool_)
    seen[:, 2] = rng.random(need.size) >= parameters.missing_share
    noise = rng.normal(size=(need.size, parameters.noise_columns))
    flag = (rng.random((need.size, 1)) < 0.08).astype(np.float64)
    guess = (np.where(seen, informative, 0) * loading / own**2).sum(axis=1)
    weight = 1 + (seen * (loading / own) ** 2).sum(axis=1)
    x = np.concatenate([np.where(seen, informative, np.nan), noise, flag], axis=1)
    return np.round(x, 4), guess / weight
