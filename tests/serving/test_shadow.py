"""Shadow scoring: the challenger's word on what the champion handed out, compared once outcomes are known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, select
from typer.testing import CliRunner

from features import Moments, compute
from features.instants import HOUR, MINUTE, render
from features.store.engine import reading
from features.store.tables import decision, shadow_score
from serving.desk import Desk
from serving.models import Models
from serving.shadow import TURN, Shadow
from tests.training.floors import a_floor
from training.bundle import Bundle
from training.pipeline import train
from training.shadowing import SELECTION, shadow
from training.tracking import Tracking
from training.watch_cli import app

from .desks import OPEN as AT
from .desks import a_desk, a_dial, many_leads, poll, tell, tell_leads
from .test_models import publish, uri_of

FLOOR = a_floor(700)


@pytest.fixture(scope="module")
def champion() -> Bundle:
    made = train(FLOOR.past, FLOOR.until, rng=np.random.default_rng(1), threads=1).bundle
    return replace(made, version="", created_at=AT - HOUR).named()


@pytest.fixture(scope="module")
def challenger(champion: Bundle) -> Bundle:
    """The same heads with the answer's log-odds turned over."""
    answer = champion.models["answer"]
    turned = replace(answer, trees="", margin=answer.margin.scaled(-1.0))
    models = {**champion.models, "answer": turned}
    return replace(champion, version="", created_at=AT - MINUTE, models=models).named()


@pytest.fixture(scope="module")
def registry(champion: Bundle, challenger: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mlruns")
    publish(folder, champion, "champion")
    publish(folder, challenger, "challenger")
    return folder


@pytest.fixture
def desk(engine: Engine, registry: Path, tmp_path: Path) -> Desk:
    """A desk whose champion has handed out thirty leads."""
    models = Models(uri_of(registry), tmp_path / "bundles")
    models.reload()
    tell_leads(engine, many_leads(40))
    made = a_desk(engine, models)
    poll(made, AT, n=30)
    return made


def kept(engine: Engine) -> dict[str, tuple[float, float]]:
    with reading(engine) as connection:
        rows = connection.execute(select(shadow_score)).all()
    return {row.decision_id: (row.p_answer, row.p_convert) for row in rows}


def call_everybody(engine: Engine) -> int:
    """Dial what was handed out; every third answers, and every other of these buys."""
    with reading(engine) as connection:
        given = connection.execute(
            select(decision.c.decision_id, decision.c.lead).order_by(decision.c.rank)
        ).all()
    for place, (name, _) in enumerate(given):
        took = place % 3 == 0
        outcome = "contact_refused" if took else "no_answer"
        tell(
            engine,
            a_dial(
                f"c-{place}", f"lead-{place:04d}", AT + MINUTE, outcome, human_answered=took, decision_id=name
            ),
            at=AT + 5 * MINUTE,
        )
    return len(given)


def test_the_challengers_word_is_what_it_says_as_of_the_decision(
    desk: Desk, engine: Engine, challenger: Bundle
):
    done = Shadow(desk).follow(AT + MINUTE)

    found = kept(engine)
    with reading(engine) as connection:
        rows = connection.execute(select(decision)).all()
    leads = np.array([desk.ledger.leads.row_of_key(row.lead) for row in rows])
    moments = Moments(leads, np.full(leads.size, -1), np.full(leads.size, AT))
    said = challenger.predict(compute(desk.ledger.past(), moments, challenger.features))
    assert done == len(found) == 30
    assert [found[row.decision_id][0] for row in rows] == pytest.approx(said.answer.tolist())
    assert [found[row.decision_id][1] for row in rows] == pytest.approx(said.conversion.tolist())
    assert [found[row.decision_id][0] for row in rows] != pytest.approx([row.p_answer for row in rows])


def test_each_decision_is_scored_once_and_by_one_worker_at_a_time(desk: Desk, engine: Engine):
    other = Shadow(a_desk(engine, desk.models))

    asked = [Shadow(desk).follow(AT + MINUTE), other.follow(AT + MINUTE), other.follow(AT + MINUTE + TURN)]

    assert asked == [30, 0, 0]
    assert len(kept(engine)) == 30


def test_without_a_challenger_or_behind_an_older_one_nothing_is_scored(
    engine: Engine, champion: Bundle, challenger: Bundle, tmp_path: Path
):
    folder = tmp_path / "mlruns"
    folder.mkdir()
    older = replace(challenger, version="", created_at=champion.created_at - HOUR).named()
    publish(folder, champion, "champion")
    models = Models(uri_of(folder), tmp_path / "bundles")
    models.reload()

    nobody = models.challenger()
    publish(folder, older, "challenger")

    assert nobody is None
    assert models.challenger() is None
    assert models.trouble == ""
    assert Shadow(a_desk(engine, models)).follow(AT) == 0


def test_both_are_compared_on_the_same_calls_once_outcomes_are_known(
    desk: Desk, engine: Engine, registry: Path, challenger: Bundle
):
    """The service scored some of them; what it had not, the command scores."""
    calls = call_everybody(engine)
    told: list[str] = []

    found = shadow(engine, Tracking(uri_of(registry)), AT + HOUR, np.random.default_rng(1), told.append)

    assert found is not None
    assert found.calls == calls == len(kept(engine)) == 30
    assert told == ["scoring 30 decisions as of when they were made"]
    (ranked, honest) = found.races["answer"].comparisons
    assert (ranked.against, ranked.calls) == ("the champion", 30)
    assert honest.measure == "log_loss"
    assert SELECTION in found.text
    assert challenger.version in found.text


def test_the_command_says_it_and_says_where_there_is_nobody(
    desk: Desk, engine: Engine, registry: Path, tmp_path: Path
):
    call_everybody(engine)
    url = engine.url.render_as_string(hide_password=False)
    where = ["shadow", "--database", url, "--at", render(AT + HOUR)]

    there = CliRunner().invoke(app, [*where, "--mlflow-uri", uri_of(registry)])
    nobody = CliRunner().invoke(app, [*where, "--mlflow-uri", uri_of(tmp_path)])

    assert there.exit_code == 0
    assert "30 calls" in there.stdout
    assert nobody.exit_code == 3
