"""World: leads, agents and the drifts of every day, made from parameters and a seed alone."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..instants import DAY
from ..kernel import Float64Array, Int64Array
from .arrivals import Leads, day_of_year, draw_leads, seasonal, sources, stream
from .crew import Agents, Shift, draw_agents, shifts_of_day
from .parameters import SEGMENTS, WorldParameters

CAMPAIGN = "telesales"
GOAL = "sale"
_REPUTATION = 1 << 42
_RUN_OFF_DAYS = 60


@dataclass(frozen=True)
class World:
    """All that is fixed before the first call; what calls change lives in a `Floor`."""

    parameters: WorldParameters
    seed: int
    leads: Leads
    agents: Agents
    rhythm: Float64Array
    """(segment, hour of the local week): logit of an answer, kappa included."""
    answer_shift: Float64Array
    """(source, day): what drifts add to the logit of an answer."""
    convert_shift: Float64Array
    """(source, day): what season and drifts add to the logit of a sale."""

    @property
    def start(self) -> int:
        """The first instant."""
        return self.parameters.epoch

    @property
    def stop(self) -> int:
        """The end of the last day."""
        return self.parameters.epoch + self.parameters.days * DAY

    def day(self, day: int) -> int:
        """The instant at which a day of the world begins."""
        return self.parameters.epoch + day * DAY

    def shifts(self, day: int) -> list[Shift]:
        """Who works on a day, ordered by agent."""
        return shifts_of_day(self.parameters, self.agents, self.seed, day)

    def arrived_between(self, start: int, stop: int) -> Int64Array:
        """Leads that arrive in `[start, stop)`, in order."""
        first, last = np.searchsorted(self.leads.arrived, [start, stop])
        return np.arange(first, last)

    @cached_property
    def source_names(self) -> tuple[str, ...]:
        """The name of each source code."""
        return tuple(name for _, name in sources(self.parameters))


def make_world(parameters: WorldParameters, seed: int) -> World:
    """The world of these parameters and this seed; more days only append to it."""
    answer, convert = _shifts_of_source(parameters, seed)
    return World(
        parameters=parameters,
        seed=seed,
        leads=draw_leads(parameters, seed),
        agents=draw_agents(parameters, seed),
        rhythm=_rhythm_of_week(parameters),
        answer_shift=answer,
        convert_shift=convert,
    )


def lead_id(lead: int) -> str:
    """The id under which the outside knows a lead."""
    return f"lead-{lead:06d}"


def agent_id(agent: int) -> str:
    """The id under which the outside knows an agent."""
    return f"agent-{agent}"


def phone(lead: int) -> str:
    """A number of its own for each of the first ten million leads, in a zone that nobody has."""
    return f"+1555{(lead * 7_919_011 + 1_234_567) % 10_000_000:07d}"


def zone_name(parameters: WorldParameters, zone_h: int) -> str:
    """The IANA zone of a lead `zone_h` hours from the centre (Etc/GMT counts westward)."""
    west = -(parameters.centre_utc_h + zone_h)
    return f"Etc/GMT{west:+d}" if west else "Etc/GMT"


def _rhythm_of_week(parameters: WorldParameters) -> Float64Array:
    """Answer logits by segment and local hour of the week, Monday 00:00 first."""
    table = np.full((len(SEGMENTS), 7, 24), parameters.rhythm_outside)
    for s, segment in enumerate(SEGMENTS):
        *weekday, saturday, sunday = parameters.rhythm[segment]
        table[s, :5, 8:21] = weekday
        table[s, 5, 8:21] = saturday
        table[s, 6, 8:21] = sunday
    table += np.array(parameters.rhythm_days)[None, :, None]
    return np.asarray(parameters.kappa * table.reshape(len(SEGMENTS), 168), dtype=np.float64)


def _shifts_of_source(parameters: WorldParameters, seed: int) -> tuple[Float64Array, Float64Array]:
    """(source, day) shifts of both logits: reputation walk, season, drifts."""
    days = parameters.days + _RUN_OFF_DAYS
    walk = np.cumsum(stream(seed, _REPUTATION).normal(0, parameters.reputation_sd, days))
    season = [seasonal(day_of_year(parameters, day), parameters) for day in range(days)]
    named = sources(parameters)
    answer = np.tile(walk, (len(named), 1))
    convert = np.tile(parameters.season_convert * np.array(season), (len(named), 1))
    for drift in parameters.drifts:
        of = [drift.of in ("", vendor, parameters.channels[c].name) for c, vendor in named]
        day = np.arange(days)
        weeks = (day - drift.from_day) / 7
        during = (day >= drift.from_day) & (day < drift.to_day)
        (answer if drift.on == "answer" else convert)[np.array(of)] += during * (
            drift.step + weeks * drift.per_week
        )
    return answer, convert
