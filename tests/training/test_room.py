"""MLflow's own pages in a real browser: what a manager opens is there, and what is drawn can be seen."""

from collections.abc import Iterator

import pytest
from mlflow import MlflowClient
from playwright.sync_api import Page, expect

from tests.mlflow_room import MODE, browsed, room
from training.report import TrainingReport
from training.tracking import Tracking
from training.views import GLANCE


@pytest.fixture(scope="module")
def page(first, tracking: Tracking) -> Iterator[Page]:
    """A browser at MLflow's pages of the first training's store."""
    with room(tracking.uri) as site, browsed(site) as page:
        yield page


@pytest.fixture
def run_page(first: TrainingReport, tracking: Tracking) -> str:
    """The path of the training's run."""
    run = MlflowClient(tracking_uri=tracking.uri).get_run(first.run_id)
    return f"/#/experiments/{run.info.experiment_id}/runs/{first.run_id}"


def test_a_runs_first_page_shows_the_verdict_what_it_was_taught_on_and_the_runs_inside(page, run_page, first):
    page.goto(f"{run_page}?{MODE}")

    expect(page.get_by_text(f"leadrank bundle {first.bundle.version} is champion")).to_be_visible()
    expect(page.get_by_text("answer examples").first).to_be_visible()
    for head in first.heads:
        expect(page.get_by_role("link", name=head, exact=True)).to_be_visible()


def test_the_metrics_open_with_lines_over_time(page, run_page):
    page.goto(f"{run_page}/model-metrics?{MODE}")

    expect(page.get_by_text("Time: answer").first).to_be_visible()
    expect(page.locator(".js-plotly-plot .scatterlayer .trace").first).to_be_visible()


def test_plots_and_tables_open_inside_mlflow(page, run_page):
    page.goto(f"{run_page}/artifacts?{MODE}")
    page.get_by_text("plots", exact=True).click()

    for plot in ("calibration", "gain", "influence", "over_time", "race", "week"):
        page.get_by_text(f"answer_{plot}.png", exact=True).click()
        expect(page.get_by_text(f"plots/answer_{plot}.png", exact=True)).to_be_visible()
        page.wait_for_function("[...document.images].some(image => image.naturalWidth > 400)")
    page.get_by_text("drift.png", exact=True).click()
    expect(page.get_by_text("plots/drift.png", exact=True)).to_be_visible()
    page.wait_for_function("[...document.images].some(image => image.naturalHeight > 900)")
    page.get_by_text("race", exact=True).click()
    page.get_by_text("answer.json", exact=True).click()
    expect(page.get_by_text("scikit-learn boosting")).to_be_visible()


def test_the_trainings_have_a_view_with_the_charts_that_matter(page, run_page):
    trainings = run_page.partition("/runs/")[0]

    page.goto(f"{trainings}/runs?{MODE}&compareRunsMode=CHART&viewStateShareKey={GLANCE}")

    expect(page.get_by_text("Each run is a training")).to_be_visible()
    expect(page.get_by_text("Trainings at a glance").first).to_be_visible()
    expect(page.get_by_text("Time: answer/Mean said vs Time").first).to_be_visible()
    expect(page.get_by_text("Time: answer/AUC", exact=True).first).to_be_visible()
    expect(page.get_by_text("answer/AUC", exact=True).first).to_be_visible()
    assert page.get_by_text("answer/Brier score").count() == 0


def test_the_registered_models_page_shows_its_schema_and_its_alias(page):
    page.goto(f"/#/models/leadrank/versions/1?{MODE}")

    expect(page.get_by_text("Schema")).to_be_visible()
    expect(page.get_by_text("Outputs (")).to_be_visible()
