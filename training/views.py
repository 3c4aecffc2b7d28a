"""Views: the page of an experiment as people first see it: its note, and its charts side by side."""

import base64
import json
import zlib
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from .gate import TOLD
from .timeline import SAID, TRUE
from .tracking import Page

GLANCE = "at-a-glance"
FIGURES = tuple(TOLD[key].title for key in ("auc", "ece", "top_half_gain", "log_error", "said_over_seen"))
"""Of each training, one bar each, where a head has them."""
ORDER = ("auc", "said_over_seen")
"""How well a head of chances orders, how near a head of amounts comes: over time, whichever it has."""

TRAININGS = "tags.`became` LIKE '%'"
"""The trainings alone: MLflow loads a hundred runs, those inside others too."""

Chart = dict[str, Any]
"""As MLflow writes it."""


def page_of(heads: Sequence[str], metrics: Collection[str]) -> Page:
    """What the experiment of the trainings says and shows of these heads, among all their metrics."""
    note = (
        "Each run is a training; open the newest: its description is the model card. "
        "Views, *Trainings at a glance*, has the charts."
    )
    return Page(note, {GLANCE: ("Trainings at a glance", _packed(_state(heads, metrics)))})


def _packed(state: dict[str, object]) -> str:
    """As MLflow's page packs it: a tag of an experiment holds 20,000 characters."""
    text = json.dumps(state, separators=(",", ":")).encode()
    return "deflate;" + base64.b64encode(zlib.compress(text, 9)).decode()


def over_time(head: str, title: str = "") -> str:
    """A metric of a head from one stretch of judged calls to the next; without a title the group of them.

    MLflow heads a chart by the first twenty letters of its metric.
    """
    return f"Time: {head}" + (f"/{title}" if title else "")


def _state(heads: Sequence[str], metrics: Collection[str]) -> dict[str, object]:
    """What MLflow keeps of a saved view (undocumented: a test looks at it in a browser)."""
    charts = [chart for head in heads for chart in _charts(head) if chart["metricKey"] in metrics]
    drawn = {chart["metricKey"] for chart in charts}
    shown = [f"metrics.`{chart['metricKey']}`" for chart in charts if chart["type"] == "BAR"]
    return {
        "searchFilter": TRAININGS,
        "orderByKey": "attributes.start_time",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": ["attributes.`Models`", "tags.`became`", *shown],
        "runsHiddenMode": "FIRST_10_RUNS",
        "compareRunCharts": [*charts, *(_hidden(metric) for metric in metrics if metric not in drawn)],
        "compareRunSections": [_section(name) for head in heads for name in (over_time(head), head)],
        "isAccordionReordered": True,
    }


def _section(name: str) -> dict[str, object]:
    named = {"uuid": f"section {name}", "name": name, "display": True}
    return named | dict.fromkeys(("isReordered", "deleted", "isGenerated"), False)


def _charts(head: str) -> Iterator[Chart]:
    yield _line(head, "what it said and what came true", [over_time(head, SAID), over_time(head, TRUE)])
    for title in (TOLD[key].title for key in ORDER):
        yield _line(head, f"{title} over time", [over_time(head, title)])
    for title in FIGURES:
        yield _chart(head, f"{title}, each training", "BAR", f"{head}/{title}")


def _line(head: str, title: str, metrics: list[str]) -> Chart:
    return _chart(head, title, "LINE", metrics[0]) | {
        "selectedMetricKeys": metrics,
        "xAxisKey": "time",
        "useGlobalXaxisKey": False,
        "useGlobalLineSmoothing": False,
        "selectedXAxisMetricKey": "",
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "lineSmoothness": 0,
        "scaleType": "linear",
        "xAxisScaleType": "linear",
        "range": {},
        "ignoreOutliers": False,
    }


def _chart(head: str, title: str, kind: str, metric: str) -> Chart:
    return {
        "uuid": f"{head} {title}",
        "type": kind,
        "displayName": f"{head}: {title}",
        "metricKey": metric,
        "metricSectionId": f"section {metric.partition('/')[0]}",
        "runsCountToCompare": 10,
        "deleted": False,
        "isGenerated": False,
    }


def _hidden(metric: str) -> Chart:
    """A chart taken away: MLflow would draw one of every metric that has none."""
    return _chart(metric, "", "BAR", metric) | {"deleted": True, "isGenerated": True}
