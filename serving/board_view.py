"""Board view: how the KPI experiment opens in MLflow: its note, and its charts, day by day."""

import base64
import json
import zlib
from collections.abc import Iterator, Sequence

from .kpi.dashboard import LIFT, LIFT_HIGH, LIFT_LOW, PROMISED, QUARANTINED, RESPONSE, SHARE, UNSAID, titles

DAY_BY_DAY = "day-by-day"
"""The saved view's key: `viewStateShareKey=day-by-day` opens it."""

SAID = (
    "Each day of a campaign is a run, *day by day* lines them up; each week has a page: its run, Artifacts, "
    "report.html. Views, *Day by day*, has the charts."
)

CHARTS: dict[str, Sequence[Sequence[str]]] = {
    "Did the ranking help": (
        (LIFT, LIFT_LOW, LIFT_HIGH),
        ("Sales per hour model", "Sales per hour holdout"),
        ("Value per hour model", "Value per hour holdout"),
        (SHARE, PROMISED),
    ),
    "The floor": (
        ("Call conversion rate",),
        ("Average call seconds",),
        (RESPONSE,),
        ("Contact rate",),
        ("Sales per agent-hour",),
        ("Value per agent-hour",),
        ("Abandon rate",),
        ("Reached in 5 minutes", "Reached in an hour"),
        ("Calls",),
    ),
    "Can it be trusted": (("Late calls percent",), (UNSAID,), (QUARANTINED,)),
}
"""The figures of each chart, by section; a chart bears the name of its first."""


def page_tags() -> dict[str, str]:
    """The experiment's tags; a saved view is undocumented in MLflow: a test looks at it in a browser."""
    text = json.dumps(_state(), separators=(",", ":")).encode()
    packed = "deflate;" + base64.b64encode(zlib.compress(text, 9)).decode()
    view = {"name": "Day by day", "createdAt": 0, "updatedAt": 0, "state": packed}
    return {
        "mlflow.note.content": SAID,
        "mlflow.experimentKind": "custom_model_development",
        f"mlflow.sharedViewState.{DAY_BY_DAY}": json.dumps(view),
    }


def _state() -> dict[str, object]:
    return {
        "searchFilter": "tags.kind = 'days'",
        "orderByKey": "attributes.start_time",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": ["tags.`campaign`", "tags.`live`"],
        "runsHiddenMode": "FIRST_10_RUNS",
        "compareRunCharts": list(_charts()),
        "compareRunSections": [_section(name) for name in CHARTS],
        "isAccordionReordered": True,
    }


def _section(name: str) -> dict[str, object]:
    named = {"uuid": f"section {name}", "name": name, "display": True}
    return named | dict.fromkeys(("isReordered", "deleted", "isGenerated"), False)


def _charts() -> Iterator[dict[str, object]]:
    drawn = {chart[0] for charts in CHARTS.values() for chart in charts}
    yield from (_hidden(title) for title in titles() if title not in drawn)
    for section, charts in CHARTS.items():
        for chart in charts:
            yield {
                "uuid": f"{section} {chart[0]}",
                "type": "LINE",
                "displayName": chart[0],
                "metricKey": chart[0],
                "selectedMetricKeys": list(chart),
                "metricSectionId": f"section {section}",
                "runsCountToCompare": 10,
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
                "deleted": False,
                "isGenerated": False,
            }


def _hidden(title: str) -> dict[str, object]:
    """A chart taken away: MLflow would draw one of every metric that has none."""
    gone = {"deleted": True, "isGenerated": True, "runsCountToCompare": 10}
    return {"uuid": title, "type": "BAR", "metricKey": title, "metricSectionId": "section The floor", **gone}
