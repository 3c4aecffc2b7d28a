"""The features' page says what the catalogue says, and the command notices when it doesn't."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from typer.testing import CliRunner

from features import Feature, Moments, Past
from features.catalogue import standing
from features.cli import app
from features.describe import page, row, span
from features.instants import DAY, HOUR, MINUTE, NEVER, SECOND
from features.kernel import Float32Array
from features.statistics import kinds
from features.statistics.calendar import Calendar
from features.statistics.distinct import Distinct
from features.statistics.rate import Rate
from features.statistics.streak import Run, Streak
from features.statistics.window import Count


@dataclass(frozen=True)
class Novel:
    """A kind that the page has never heard of."""

    name: str
    flavour: str
    categorical: ClassVar[bool] = True

    def fill(self, past: Past, moments: Moments, out: Float32Array) -> None:
        """Nothing."""


def cells(feature: Feature) -> list[str]:
    return [cell.strip() for cell in row(feature).strip().strip("|").split("|")]


def test_every_standing_line_has_its_row_and_every_kind_its_sentence():
    text = page()

    for feature in standing():
        assert row(feature) in text
    for name, kind in kinds().items():
        assert f"- **{name}**: {(kind.__doc__ or '').splitlines()[0]}" in text


def test_a_count_says_its_window():
    assert cells(Count("calls_1d", by="lead", within=DAY)) == [
        "`calls_1d`",
        "Count",
        "lead",
        "calls",
        "last 1 day",
        "",
    ]


def test_a_rate_says_its_half_life_and_prior():
    forever = Rate("a", by="agent", of="converted", per="answered", prior=(0.06, 50))
    fading = Rate("b", by="list", of="answered", prior=(0.3, 2), half_life=14 * DAY)

    assert cells(forever)[2:] == ["agent", "converted per answered", "never fades", "0.06 × 50"]
    assert cells(fading)[2:] == ["list", "answered per calls", "halves in 14 days", "0.3 × 2"]


def test_a_window_without_an_end_and_a_mean_without_a_prior_say_so():
    assert cells(Count("calls", by="lead", within=NEVER))[4] == "ever"
    assert cells(Rate("mood", by="lead", of="sentiment", per="scored", prior=(0.0, 0.0)))[5] == ""


def test_a_kind_says_in_its_own_words_what_it_counts():
    assert cells(Streak("a", by="lead"))[3] == "calls since answered"
    assert cells(Run("b", by="lead", of="no_answer"))[3] == "calls in a row with no_answer"
    assert cells(Distinct("c", by="lead", within=DAY, of="day"))[3] == "different day of calls"


def test_what_a_kind_asks_besides_is_shown_by_name():
    assert cells(Calendar("hour", part="hour"))[3] == "part hour, when moment"
    assert cells(Novel("x", "sweet")) == ["`x`", "Novel, categorical", "lead", "flavour sweet", "", ""]


@pytest.mark.parametrize(
    ("duration", "said"),
    [
        (DAY, "1 day"), (30 * DAY, "30 days"), (36 * HOUR, "36 hours"), (90 * MINUTE, "90 minutes"),
        (SECOND, "1 second"), (7, "7 µs"),
    ],
)  # fmt: skip
def test_a_duration_is_said_in_its_largest_whole_unit(duration: int, said: str):
    assert span(duration) == said


@pytest.mark.parametrize("command", [["docs"], ["features", "describe"]], ids=" ".join)
def test_the_command_writes_the_page_and_then_finds_it_fresh(command: list[str], tmp_path: Path):
    folder = ["--folder", str(tmp_path)]

    written = CliRunner().invoke(app, [*command, *folder])
    checked = CliRunner().invoke(app, [*command, *folder, "--check"])

    assert (written.exit_code, checked.exit_code) == (0, 0)
    assert (tmp_path / "features.md").read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("stale", [None, "an older page"])
def test_a_stale_or_missing_page_fails_the_check_and_says_what_to_run(stale: str | None, tmp_path: Path):
    if stale is not None:
        (tmp_path / "features.md").write_text(stale, encoding="utf-8")

    checked = CliRunner().invoke(app, ["docs", "--check", "--folder", str(tmp_path)])

    assert checked.exit_code == 1
    assert "run `leadrank docs`" in checked.stderr
    assert not (tmp_path / "features.md").exists() or (tmp_path / "features.md").read_text() == stale
