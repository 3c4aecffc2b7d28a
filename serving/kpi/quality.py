"""Quality: of each group's calls the shares that say too little, came late, were told twice or wait aside."""

from collections.abc import Sequence

import numpy as np

from features.attempts import LeftOut
from features.kernel import Float64Array, Int64Array

from .intervals import Sums
from .measures import Measure, Share
from .quantities import Counted

Quality = dict[str, float]
Words = tuple[str | None, ...]


def qualities(
    counted: Counted,
    measure: Measure,
    code: Int64Array,
    by: Sequence[str],
    groups: Sequence[Words],
    left: LeftOut,
) -> list[Quality]:
    """Of each group: shares `missing` and `late` of its attempts, `quarantined` and `duplicate` of all told.

    The last two are those of the group's event source where it is grouped by that, else of all.
    """
    rows = np.bincount(code, minlength=len(groups))
    missing, late = (
        _shares(hits, code, rows) for hits in (_missing(counted, measure), counted.quantity("late"))
    )
    found = []
    for group, words in enumerate(groups):
        source = _source(by, words)
        kept = len(counted) if source is None else int(rows[group])
        told = {"missing": float(missing[group]), "late": float(late[group])}
        found.append(told | of_told(left, kept, source))
    return found


def of_told(left: LeftOut, kept: int, source: str | None = None) -> Quality:
    """What share of the calls told waits in quarantine, and of the tellings were repeats."""
    aside, again = left.quarantined_of(source), left.repeated_of(source)
    return {
        "quarantined": aside / (kept + aside) if aside else 0.0,
        "duplicate": again / (kept + aside + again) if again else 0.0,
    }


def effect(
    measure: Measure, sums: Sums, group: int, by: Sequence[str], words: Words, left: LeftOut
) -> dict[str, float]:
    """What a share could be at least and at most if the calls in quarantine counted.

    They have no other group than who told them.
    """
    source = _source(by, words)
    aside = left.quarantined_of(source)
    if not isinstance(measure, Share) or not aside or (by and source is None):
        return {}
    y, x = float(sums.y[group]), float(sums.x[group]) + aside
    least, most = (measure.scale * hits / x for hits in (y, y + aside))
    return {"least_with_quarantined": least, "most_with_quarantined": most}


def _source(by: Sequence[str], words: Words) -> str | None:
    return words[0] if list(by) == ["event_source"] else None


def _missing(counted: Counted, measure: Measure) -> Float64Array:
    """Rows that should have said what is measured, and didn't."""
    if measure.of == "talk_s":
        return counted.quantity("untold_talk")
    if measure.of in ("handle_s", "clean"):
        return counted.quantity("unsaid")
    return np.zeros(len(counted))


def _shares(hits: Float64Array, code: Int64Array, rows: Int64Array) -> Float64Array:
    """The share of each group's rows; 0 where it has none."""
    return np.asarray(np.bincount(code, hits, rows.size) / np.maximum(rows, 1))
