"""Holiday and UntilHoliday: the public holidays of the lead's own country and region."""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from ..calls import Moments
from ..instants import DAY
from ..kernel import Float32Array, Int64Array
from ..past import Past, Who


@dataclass(frozen=True)
class Holiday:
    """1 on a public holiday of the lead's country, else 0; NaN for a country that nobody named or knows.

    The day is that of the lead's own clock; a region counts where its country has such a subdivision.
    """

    name: str
    categorical: ClassVar[bool] = False

    def fill(self, past: Past, moments: Moments, out: Float32Array) -> None:
        """Write them."""
        until = days_until(past, moments)
        out[:] = np.where(np.isnan(until), np.nan, until == 0)


@dataclass(frozen=True)
class UntilHoliday:
    """Days until the next public holiday of the lead's country, 0 on one, at most `most`; NaN if unknown."""

    name: str
    most: int = 14
    categorical: ClassVar[bool] = False

    def fill(self, past: Past, moments: Moments, out: Float32Array) -> None:
        """Write the days."""
        out[:] = np.minimum(days_until(past, moments), self.most)


def days_until(past: Past, moments: Moments) -> Float32Array:
    """Whole days from each moment's local day to the next public holiday, 0 on one; NaN where unknown."""
    days = past.wall(Who(moments.lead, moments.agent, moments.at, moments.at)) // DAY
    lands, regions = (past.leads.words(name, moments.lead, moments.at) for name in ("country", "region"))
    found = np.full(days.size, np.nan, np.float32)
    places = lands * (1 + len(past.leads.coded["region"].levels)) + regions + 1
    for place in np.unique(places[lands >= 0]):
        here = np.flatnonzero((places == place) & (lands >= 0))
        holidays = _of_years(*_named(past, int(lands[here[0]]), int(regions[here[0]])), days[here])
        if holidays.size:
            found[here] = holidays[np.searchsorted(holidays, days[here])] - days[here]
    return found


def _named(past: Past, land: int, region: int) -> tuple[str, str]:
    """The words of a country and of a region, if any is known."""
    regions = past.leads.coded["region"].levels
    return past.leads.coded["country"].levels[land], regions[region] if region >= 0 else ""


def _of_years(country: str, region: str, days: Int64Array) -> Int64Array:
    """The holidays of the years of some days and of the year after, sorted; none of a country unheard of."""
    years = days.astype("datetime64[D]").astype("datetime64[Y]").astype(int) + 1970
    wanted = range(int(years.min()), int(years.max()) + 2)
    found = [holidays_of(country, region, year) for year in wanted]
    if not found[-1].size:
        return found[-1]
    return np.concatenate(found)


@lru_cache(maxsize=4096)
def holidays_of(country: str, region: str, year: int) -> Int64Array:
    """The public holidays of a year as days since 1970, sorted; those of the region too, if it is named.

    An observed day off for one that falls on a weekend counts as well.
    """
    import holidays  # noqa: PLC0415 -- a quarter of a second that a floor without countries need not wait

    try:
        kind = holidays.country_holidays(country)
    except NotImplementedError:
        return np.empty(0, np.int64)
    name = region.removeprefix(f"{country}-")
    part = name if name in kind.subdivisions else kind.subdivisions_aliases.get(name)
    known = holidays.country_holidays(country, subdiv=part, years=year)
    return np.sort(np.array(list(known), "datetime64[D]").astype(np.int64))


KINDS = (Holiday, UntilHoliday)
