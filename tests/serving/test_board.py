"""The KPI experiment: a run per day that says what the KPIs say, rewritten where the news bear, and pages."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from features.instants import DAY, HOUR, MINUTE, SECOND, render
from features.store.campaigns import write_campaign
from features.store.engine import open_engine, reading, transaction
from features.store.outbox import BOARD_FAILED, told
from serving.accounts import Question, ask
from serving.board import EXPERIMENT
from serving.board_view import DAY_BY_DAY
from serving.bookkeeping import Bookkeeper, as_process
from serving.closing import is_unshown
from serving.daybook import WINDOW, Shown, keep
from serving.ranking.policy import Arm, Experiment
from serving.switchbacks import Switchback
from tests.mlflow_room import MODE, browsed, room
from tests.serving.desks import OPEN, a_desk, a_dial, many_leads, poll, tell, tell_leads

MIDNIGHT = OPEN - 12 * HOUR
"""Of the first day, on a Monday, in New York."""
DAYS = 3
END = MIDNIGHT + DAYS * DAY
ZONE = "America/New_York"


HEAT = Experiment("heat", (Arm("cool", 0.5), Arm("old", 0.5, "oldest")), 0.5, MIDNIGHT)


SLOW = Switchback("slow", {"abandon_cap": 0.01}, {"timezone": ZONE}, MIDNIGHT)


def a_floor(engine: Engine, *experiments: Experiment, switchbacks: Sequence[Switchback] = ()) -> None:
    """Three days of calls that carry out decisions; every third contact buys."""
    with transaction(engine) as connection:
        settings = {
            "goal": "sale",
            "timezone": ZONE,
            "holdout": 0.5,
            "goal_target": 20,
            "goal_period": "week",
            "experiments": [asdict(one) for one in experiments],
            "switchbacks": [asdict(one) for one in switchbacks],
        }
        write_campaign(connection, "spring", settings, MIDNIGHT)
    received = render(MIDNIGHT + HOUR)
    tell_leads(
        engine, many_leads(60, created_at=received, updated_at=received, value=80), MIDNIGHT + 2 * HOUR
    )
    desk, made = a_desk(engine), 0
    for day in range(DAYS):
        for hour in range(4):
            at = OPEN + day * DAY + hour * HOUR
            for item in poll(desk, at, 5).items:
                made += 1
                outcome = "converted" if made % 3 == 0 else "contact_refused"
                said = {"human_answered": True, "talk_s": 90, "wrap_s": 20, "decision_id": item.decision_id}
                called = a_dial(f"c{made}", item.lead_id, at + MINUTE, outcome, **said)
                tell(engine, called, at=at + 30 * MINUTE)


def shown(engine: Engine, uri: str, until: int = END) -> Shown:
    return keep(engine, uri, "spring", None, until, lambda _what, _done, _of: None)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[tuple[Engine, str]]:
    """A floor and its board, shown once."""
    folder = tmp_path_factory.mktemp("board")
    (folder / "leadrank.db").write_bytes(template.read_bytes())
    engine, uri = open_engine(f"sqlite:///{folder / 'leadrank.db'}"), f"sqlite:///{folder / 'mlflow.db'}"
    a_floor(engine)
    assert shown(engine, uri) == Shown(DAYS, 1)
    yield engine, uri
    engine.dispose()


def runs(uri: str, kind: str) -> Sequence[Run]:
    client = MlflowClient(tracking_uri=uri)
    where = client.get_experiment_by_name(EXPERIMENT)
    assert where is not None
    return list(client.search_runs([where.experiment_id], f"tags.kind = '{kind}'"))


def by_date(uri: str) -> dict[str, Run]:
    return {run.data.tags["stands for"]: run for run in runs(uri, "day")}


@pytest.mark.parametrize(
    ("title", "kpi"),
    [
        ("Call conversion rate", "call_conversion_rate"),
        ("Average call seconds", "average_call_duration"),
        ("Contact rate", "contact_rate"),
        ("Sales per agent-hour", "conversions_per_agent_hour"),
        ("Leads reached percent", "penetration"),
    ],
)
def test_a_days_run_says_what_the_kpis_say(store: tuple[Engine, str], title: str, kpi: str):
    engine, uri = store
    found = by_date(uri)

    for day in range(DAYS):
        since = MIDNIGHT + day * DAY
        with reading(engine) as connection:
            (row,) = ask(connection, Question(kpi, since, since + DAY, END, "spring")).rows
        name = render(since + HOUR)[:10]
        run = found[name]
        assert run.data.metrics.get(title) == pytest.approx(row.value), name
        assert run.data.tags["live"] == "rules 100%"


def test_the_days_are_lined_up_as_steps_of_one_run(store: tuple[Engine, str]):
    _, uri = store
    (line,) = runs(uri, "days")

    history = MlflowClient(tracking_uri=uri).get_metric_history(line.info.run_id, "Sales per agent-hour")

    assert [(one.step, one.timestamp) for one in history] == [
        (day, (MIDNIGHT + (day + 1) * DAY) // 1_000) for day in range(DAYS)
    ]


def test_the_lift_stands_with_its_band(store: tuple[Engine, str]):
    _, uri = store
    last = by_date(uri)["2026-01-07"].data.metrics

    assert last["Lift percent at least"] < last["Lift percent"] < last["Lift percent at most"]
    assert last["Share promised model"] == 50


def test_what_stands_is_left_alone_and_a_late_call_rewrites_its_own_day(store: tuple[Engine, str]):
    engine, uri = store
    before = by_date(uri)

    again = shown(engine, uri)
    tell(engine, a_dial("late", "lead-0001", OPEN + DAY + 5 * MINUTE), at=END)
    after = shown(engine, uri, END + 12 * HOUR)

    assert (again, after) == (Shown(0, 0), Shown(1, 1))
    now = by_date(uri)
    assert {name: run.info.run_id for name, run in now.items()} == {
        name: run.info.run_id for name, run in before.items()
    }
    calls = [runs_["2026-01-06"].data.metrics["Calls"] for runs_ in (before, now)]
    assert calls[1] == calls[0] + 1
    assert len(runs(uri, "days")) == 1


def test_a_week_has_a_page_that_needs_nothing_from_elsewhere(store: tuple[Engine, str], tmp_path: Path):
    _, uri = store
    (week,) = runs(uri, "week")

    path = MlflowClient(tracking_uri=uri).download_artifacts(week.info.run_id, "report.html", str(tmp_path))
    text = Path(path).read_text(encoding="utf-8")

    for said in (
        "Did the ranking help?",
        "How soon were leads reached?",
        "Which hours reach people?",
        "Goal",
    ):
        assert said in text
    assert "<script" not in text
    assert 'src="http' not in text
    assert text.count("<svg") == 4


class Runs:
    """Stands for the process; what it says next."""

    def __init__(self, said: str = "") -> None:
        self.said, self.asked = said, list[Sequence[str]]()

    def __call__(self, words: Sequence[str]) -> str:
        self.asked.append(words)
        return self.said


def test_an_experiments_arms_stand_in_the_days_and_on_the_weeks_page(engine: Engine, tmp_path: Path):
    a_floor(engine, HEAT)
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"

    shown(engine, uri)

    for run in runs(uri, "day"):
        shares = [run.data.metrics[f"Share of hours {arm}"] for arm in ("heat:cool", "heat:old")]
        assert sum(shares) == pytest.approx(run.data.metrics["Share of hours model"])
    (week,) = runs(uri, "week")
    path = MlflowClient(tracking_uri=uri).download_artifacts(week.info.run_id, "report.html", str(tmp_path))
    page = Path(path).read_text(encoding="utf-8")
    assert "Experiment heat" in page
    assert "Each arm against heat:cool" in page
    assert page.count("<td>heat:old</td>") == 1


def test_a_switchbacks_days_are_told_apart_and_stand_on_the_weeks_page(engine: Engine, tmp_path: Path):
    a_floor(engine, switchbacks=[SLOW])
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"

    shown(engine, uri)

    first, second, _ = (run.data.metrics["Switchback on slow"] for _, run in sorted(by_date(uri).items()))
    assert {first, second} == {0.0, 1.0}
    (week,) = runs(uri, "week")
    path = MlflowClient(tracking_uri=uri).download_artifacts(week.info.run_id, "report.html", str(tmp_path))
    page = Path(path).read_text(encoding="utf-8")
    assert "Switchback slow" in page
    assert "1 of at least 7 blocks of two days with calls are over" in page


def test_the_service_has_the_board_kept_once_a_day_is_over(engine: Engine):
    a_floor(engine)
    runs_ = Runs()
    keeper = Bookkeeper(engine, runs_)

    done = [keeper.attend(at) for at in (MIDNIGHT + 23 * HOUR, MIDNIGHT + DAY, MIDNIGHT + DAY + SECOND)]

    assert done == [False, True, False]
    (asked,) = runs_.asked
    assert list(asked) == ["kpi", "board", "--campaign", "spring", "--to", render(MIDNIGHT + DAY)]


def test_a_board_that_cant_be_kept_is_an_alert_and_stops_nothing(engine: Engine):
    a_floor(engine)
    keeper = Bookkeeper(engine, Runs("no such host"))

    keeper.attend(MIDNIGHT + DAY)

    with reading(engine) as connection:
        (alert,) = told(connection, BOARD_FAILED, 0)
    assert alert.payload == {"campaign": "spring", "reason": "no such host"}


def test_what_mlflow_refused_is_shown_an_hour_later_once(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    a_floor(engine)
    database, uri = engine.url.render_as_string(hide_password=False), f"sqlite:///{tmp_path / 'mlflow.db'}"
    broken = Bookkeeper(engine, as_process(database, "http://127.0.0.1:9"))
    sound = Bookkeeper(engine, as_process(database, uri))

    tried = [broken.attend(END), broken.attend(END + HOUR), sound.attend(END + 2 * HOUR)]
    shown_then = {name: run.data.tags["digest"] for name, run in by_date(uri).items()}
    again = sound.attend(END + 3 * HOUR)

    assert (tried, again) == ([True, True, True], False)
    assert len(shown_then) == len(runs(uri, "day")) == DAYS
    with reading(engine) as connection:
        assert len(told(connection, BOARD_FAILED, 0)) == 1


def test_an_update_that_was_stopped_midway_is_finished_and_nothing_stands_twice(
    engine: Engine, tmp_path: Path
):
    a_floor(engine)
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"

    def stop(what: str, _done: int, _of: int) -> None:
        if what == "days shown":
            raise ConnectionError

    with pytest.raises(ConnectionError):
        keep(engine, uri, "spring", None, END, stop)
    (half,) = runs(uri, "day")
    MlflowClient(tracking_uri=uri).delete_tag(half.info.run_id, "digest")
    with reading(engine) as connection:
        behind = is_unshown(connection, "spring")

    assert (behind, shown(engine, uri)) == (True, Shown(DAYS, 1))
    assert sorted(by_date(uri)) == sorted(run.data.tags["stands for"] for run in runs(uri, "day"))
    assert (len(runs(uri, "days")), len(runs(uri, "week"))) == (1, 1)
    with reading(engine) as connection:
        assert not is_unshown(connection, "spring")


def test_a_figure_that_a_correction_leaves_nothing_to_divide_by_goes(engine: Engine, tmp_path: Path):
    a_floor(engine)
    uri, at = f"sqlite:///{tmp_path / 'mlflow.db'}", OPEN - 2 * DAY
    tell(engine, a_dial("early", "lead-0001", at, "contact_refused", human_answered=True, talk_s=90), at=OPEN)
    shown(engine, uri)
    talked = by_date(uri)["2026-01-03"].data.metrics

    tell(engine, {**a_dial("early", "lead-0001", at), "id": "put right", "time": render(at + HOUR)}, at=END)
    shown(engine, uri, END + 12 * HOUR)

    assert talked["Average talk seconds"] == 90
    assert "Average talk seconds" not in by_date(uri)["2026-01-03"].data.metrics
    assert len(runs(uri, "day")) == DAYS + 1


def test_a_call_that_turns_out_to_be_another_days_leaves_the_one_where_it_stood(
    engine: Engine, tmp_path: Path
):
    a_floor(engine)
    uri, wrong = f"sqlite:///{tmp_path / 'mlflow.db'}", OPEN - 7 * DAY
    tell(engine, a_dial("moved", "lead-0001", wrong), at=OPEN)
    shown(engine, uri)
    before = sum(run.data.metrics["Calls"] for run in runs(uri, "day"))

    moved = a_dial("moved", "lead-0001", OPEN)
    tell(engine, {**moved, "id": "put right"}, at=END)
    shown(engine, uri, END + 12 * HOUR)

    for kind in ("day", "week"):
        assert sum(run.data.metrics["Calls"] for run in runs(uri, kind)) == before
    assert by_date(uri)["2025-12-29"].data.metrics["Calls"] == 0


def report(uri: str, folder: Path) -> str:
    """The page of the one week."""
    (week,) = runs(uri, "week")
    path = MlflowClient(tracking_uri=uri).download_artifacts(week.info.run_id, "report.html", str(folder))
    return Path(path).read_text(encoding="utf-8")


def test_a_week_stays_whole_once_its_first_days_are_too_long_ago(engine: Engine, tmp_path: Path):
    a_floor(engine)
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    shown(engine, uri)
    (before,) = runs(uri, "week")

    for until in (MIDNIGHT + DAY + WINDOW, MIDNIGHT + 2 * DAY + WINDOW, MIDNIGHT + 9 * DAY + WINDOW):
        shown(engine, uri, until)
    keep(engine, uri, "spring", MIDNIGHT + DAY, END, lambda _what, _done, _of: None)

    assert f"<b>{before.data.metrics['Calls']:.0f}</b>calls<br>" in report(uri, tmp_path)


def test_a_weeks_page_says_when_its_sales_are_final(engine: Engine, tmp_path: Path):
    a_floor(engine)
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"

    pages = []
    for at in (END, END + 4 * DAY, END + 31 * DAY):
        shown(engine, uri, at)
        pages.append(report(uri, tmp_path))

    assert ["the figures are final" in page for page in pages] == [False, False, True]


@pytest.fixture(scope="module")
def page(store: tuple[Engine, str]) -> Iterator[Page]:
    """A browser at MLflow's pages of the board."""
    with room(store[1]) as site, browsed(site) as page:
        yield page


def test_the_view_draws_the_days_as_lines(page: Page, store: tuple[Engine, str]):
    (line,) = runs(store[1], "days")
    where = f"/#/experiments/{line.info.experiment_id}/runs?{MODE}&compareRunsMode=CHART"

    page.goto(f"{where}&viewStateShareKey={DAY_BY_DAY}")

    for said in ("Did the ranking help", "The floor", "Day by day"):
        expect(page.get_by_text(said).first).to_be_visible()
    expect(page.get_by_text("Sales per hour model").first).to_be_visible()
    expect(page.locator(".js-plotly-plot .scatterlayer .trace").first).to_be_visible()


def test_the_weeks_page_opens_inside_mlflow(page: Page, store: tuple[Engine, str]):
    (week,) = runs(store[1], "week")
    info = week.info

    page.goto(f"/#/experiments/{info.experiment_id}/runs/{info.run_id}/artifacts?{MODE}")
    page.get_by_text("report.html", exact=True).first.click()

    inside = page.frame_locator("iframe").first
    expect(inside.get_by_text("Did the ranking help?")).to_be_visible()
    expect(inside.locator("svg").first).to_be_visible()
