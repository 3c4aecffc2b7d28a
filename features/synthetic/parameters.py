"""WorldParameters: all constants of the simulated world as fields, so that a family is only other values."""

from dataclasses import dataclass, field, replace

from ..instants import parse

SEGMENTS = ("worker", "retired", "business", "student")
MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86400.0


@dataclass(frozen=True)
class Vendor:
    """Where leads of a channel come from: its share of them and how it shifts both logits."""

    name: str
    share: float = 1.0
    answer: float = 0.0
    convert: float = 0.0


@dataclass(frozen=True)
class Channel:
    """One way in for leads: how many come when, and how they behave."""

    name: str
    vendors: tuple[Vendor, ...]
    daily: tuple[float, ...]
    """Expected leads at scale 1, Monday to Sunday."""
    hours: tuple[float, ...]
    """24 weights of the hour of arrival, centre time."""
    answer: float
    convert: float
    wrong: float
    dead: float
    fast: float
    """Share of leads whose interest ends soon (mean `soon_s`) rather than later (mean `late_s`)."""
    soon_s: float
    late_s: float
    segments: tuple[float, ...]
    hot: float = 0.3
    at_once: bool = False
    """A list: the expected number exactly, all at the start of the hour."""
    from_day: int = 0


@dataclass(frozen=True)
class Drift:
    """One change of the world: a step or a slope on a logit, for some days and one channel or vendor."""

    on: str
    """`answer` or `convert`."""
    from_day: int
    to_day: int = 100_000
    step: float = 0.0
    per_week: float = 0.0
    of: str = ""
    """Channel or vendor; empty: everybody."""


def _hours(**weights: float) -> tuple[float, ...]:
    """24 weights from ranges such as `h8_19=1` (both hours included)."""
    out = [0.0] * 24
    for name, weight in weights.items():
        first, last = name[1:].split("_")
        for hour in range(int(first), int(last) + 1):
            out[hour] = weight
    return tuple(out)


_WORKWEEK = (1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0)
_WEEKEND = (0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0)


def _daily(weekday: float, weekend: float) -> tuple[float, ...]:
    return tuple(weekday * d + weekend * e for d, e in zip(_WORKWEEK, _WEEKEND, strict=True))


WEB_FORM = Channel(
    "web_form",
    (Vendor("website"),),
    _daily(400, 300),
    _hours(h0_1=1.5, h2_5=0.5, h6_7=1.5, h8_11=3, h12_16=3.5, h17_18=5, h19_20=8, h21_21=6, h22_23=3),
    answer=-1.0,
    convert=-2.0,
    wrong=0.03,
    dead=0.02,
    fast=0.45,
    soon_s=20 * MINUTE_S,
    late_s=4 * DAY_S,
    segments=(0.55, 0.15, 0.20, 0.10),
    hot=1.0,
)
REFERRAL = Channel(
    "referral",
    (Vendor("customers"),),
    _daily(60, 18),
    _hours(h8_18=1),
    answer=-0.5,
    convert=-1.1,
    wrong=0.02,
    dead=0.01,
    fast=0.15,
    soon_s=2 * HOUR_S,
    late_s=10 * DAY_S,
    segments=(0.40, 0.30, 0.25, 0.05),
    hot=1.0,
)
EVENT = Channel(
    "event",
    (Vendor("expo"),),
    (0, 0, 0, 500, 0, 0, 0),
    _hours(h17_19=1),
    answer=-1.2,
    convert=-1.9,
    wrong=0.05,
    dead=0.03,
    fast=0.20,
    soon_s=4 * HOUR_S,
    late_s=7 * DAY_S,
    segments=(0.30, 0.05, 0.60, 0.05),
)
BOUGHT_LIST = Channel(
    "bought_list",
    (
        Vendor("list_a", 0.4, 0.10, 0.15),
        Vendor("list_b", 0.35, 0.0, 0.0),
        Vendor("list_c", 0.25, -0.16, -0.25),
    ),
    (12_000, 0, 0, 0, 0, 0, 0),
    _hours(h6_6=1),
    answer=-1.8,
    convert=-3.3,
    wrong=0.12,
    dead=0.08,
    fast=0.05,
    soon_s=30 * MINUTE_S,
    late_s=45 * DAY_S,
    segments=(0.50, 0.25, 0.15, 0.10),
    at_once=True,
)
PARTNER = Channel(
    "partner",
    (Vendor("partner_shop"),),
    _daily(150, 60),
    _hours(h9_20=1),
    answer=-0.8,
    convert=-1.6,
    wrong=0.03,
    dead=0.02,
    fast=0.30,
    soon_s=1 * HOUR_S,
    late_s=6 * DAY_S,
    segments=(0.45, 0.20, 0.15, 0.20),
    hot=0.6,
)

RHYTHM = {
    "worker": (-0.3, -0.6, -0.6, -0.5, -0.1, -0.2, -0.6, -0.5, -0.2, 0.4, 0.6, 0.6, 0.3, 0.35, 0.3),
    "retired": (0.1, 0.6, 0.7, 0.6, 0.1, 0.1, 0.3, 0.3, 0.3, 0.1, 0.0, -0.2, -0.5, 0.1, 0.1),
    "business": (0.5, 0.5, 0.3, 0.2, -0.5, -0.4, 0.0, 0.1, 0.4, 0.3, -0.7, -1.4, -1.8, -1.2, -2.0),
    "student": (-1.2, -1.0, -0.6, -0.2, 0.1, 0.1, 0.1, 0.2, 0.3, 0.3, 0.3, 0.3, 0.2, 0.1, 0.1),
}
"""Answer logits of a segment: weekday hours 8 to 20, then Saturday, then Sunday (local time)."""


@dataclass(frozen=True)
class WorldParameters:
    """All constants of a world; durations in seconds where named `_s`, days where named `_days`."""

    family: str = "F0"
    scale: float = 0.4
    agents: int = 3
    days: int = 42
    epoch: int = parse("2026-01-05T05:00:00Z")
    """A Monday, 00:00 centre time."""
    centre_utc_h: int = -5
    channels: tuple[Channel, ...] = (WEB_FORM, REFERRAL, EVENT, BOUGHT_LIST)
    drifts: tuple[Drift, ...] = ()
    zones_h: tuple[int, ...] = (0, -1, -2, -3)
    zone_shares: tuple[float, ...] = (0.47, 0.30, 0.08, 0.15)
    season_arrivals: float = 0.25
    season_convert: float = 0.10
    season_phase_days: float = 20.0
    # the lead
    reach_sd: float = 0.9
    gamma: float = 1.0
    """Speed at which interest decays."""
    informative: tuple[float, ...] = (0.36, 0.36, 0.33, 0.30, 0.26)
    """Loadings of x1.. on need, to which columns of pure noise are added."""
    noise_columns: int = 2
    missing_share: float = 0.20
    value_median: float = 400.0
    value_sd: float = 0.5
    value_business: float = 0.6
    value_need: float = 0.15
    # the answer
    kappa: float = 1.0
    """How much the hour of the week matters."""
    rhythm: dict[str, tuple[float, ...]] = field(default_factory=lambda: dict(RHYTHM))
    rhythm_outside: float = -2.0
    rhythm_days: tuple[float, ...] = (-0.08, 0.0, 0.06, 0.06, -0.05, 0.0, 0.0)
    hot_answer: float = 1.1
    hot_s: float = 1200.0
    fatigue: float = 0.10
    fatigue_cap: int = 8
    recent: float = 0.6
    recent_s: float = 4 * HOUR_S
    callback_answer: float = 0.65
    callback_near_s: float = 30 * MINUTE_S
    reputation_sd: float = 0.03
    # the conversion
    market_floor: float = 0.05
    need_convert: float = 0.8
    skill_sd: float = 0.35
    affinity_sd: float = 0.2
    novice: float = -0.5
    novice_calls: float = 300.0
    callback_convert: float = 0.7
    scripts: tuple[tuple[float, ...], ...] = (
        (0.0, 0.0, 0.0, 0.0),
        (0.15, -0.10, 0.0, 0.15),
        (-0.10, 0.15, 0.15, 0.0),
    )
    """What each script adds by segment."""
    active_scripts: tuple[tuple[int, tuple[int, ...]], ...] = ((0, (0, 1)),)
    """From which day which scripts are read, chosen by coin."""
    # after a human answered
    stop: float = 0.015
    stop_growth: float = 0.12
    refuse: float = 0.35
    callback: float = 0.12
    callback_h: tuple[float, float] = (2.0, 46.0)
    callback_hours: tuple[int, int] = (10, 18)
    confirmed_at_once: float = 0.70
    confirm_days: float = 1.5
    confirm_sd: float = 0.8
    confirm_success: float = 0.85
    cancelled: float = 0.08
    cancel_days: float = 14.0
    # no answer, and answering machine detection
    voicemail: float = 0.55
    ring_out: float = 0.35
    busy: float = 0.05
    machine_missed: float = 0.10
    machine_missed_s: float = 20.0
    human_dropped: float = 0.03
    # seconds
    ring_s: tuple[float, float] = (22.0, 28.0)
    voicemail_s: float = 4.0
    dead_s: float = 8.0
    wrong_s: float = 35.0
    hang_up: float = 0.156
    hang_up_s: float = 103.0
    talk: tuple[float, float] = (5.222, 0.721)
    sale_talk: tuple[float, float] = (6.085, 0.717)
    wrap_s: float = 35.0
    sale_wrap_s: float = 60.0
    speed_sd: float = 0.15
    novice_slow: float = 0.2
    # the floor
    occupancy: float = 0.85
    attrition_weekly: float = 0.01
    early_shift: tuple[int, int] = (9, 17)
    late_shift: tuple[int, int] = (12, 20)
    saturday_shift: tuple[int, int] = (10, 16)
    # what the law and the house allow
    legal_hours: tuple[int, int] = (8, 21)
    gap_s: float = 2 * HOUR_S
    per_day: int = 3
    lifetime: int = 8
    max_age_days: float = 30.0
    callback_early_s: float = 15 * MINUTE_S


_FAMILIES = {
    "F0": WorldParameters(family="F0"),
    "F1": WorldParameters(family="F1", kappa=0.0),
    "F2": WorldParameters(family="F2", kappa=1.8),
    "F3": WorldParameters(family="F3", gamma=4.0),
    "F4": WorldParameters(family="F4", gamma=0.3),
}
FAMILIES = tuple(_FAMILIES)


def family(name: str, *, scale: float = 0.4, agents: int | None = None, days: int = 42) -> WorldParameters:
    """The parameters of a family; agents default to 7.5 times the scale. `ValueError` for an unknown name."""
    if name not in _FAMILIES:
        raise ValueError(f"unknown family {name}: {', '.join(_FAMILIES)}")
    crew = max(1, round(7.5 * scale)) if agents is None else agents
    return replace(_FAMILIES[name], scale=scale, agents=crew, days=days)


DRIFTS = ("vendor_drop", "price_shock", "answer_decline", "spam_label", "script_change", "new_channel")


def drifted(world: WorldParameters, kind: str, day: int) -> WorldParameters:
    """The same world with one more drift that begins on `day`; `ValueError` for an unknown kind."""
    steps = {
        "vendor_drop": Drift("answer", day, step=-0.7, of="bought_list"),
        "price_shock": Drift("convert", day, day + 10, step=-0.4),
        "answer_decline": Drift("answer", day, per_week=-0.02),
        "spam_label": Drift("answer", day, step=-0.4),
    }
    if kind in steps:
        return replace(world, drifts=(*world.drifts, steps[kind]))
    if kind == "script_change":
        return replace(world, active_scripts=(*world.active_scripts, (day, (2,))))
    if kind == "new_channel":
        return replace(world, channels=(*world.channels, replace(PARTNER, from_day=day)))
    raise ValueError(f"unknown drift {kind}: {', '.join(DRIFTS)}")
