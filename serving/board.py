"""Board: the KPI experiment in MLflow: a run per day, one that lines the days up, a page per week."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from mlflow import MlflowClient
from mlflow.entities import Metric, RunTag

from features.whole import make_whole, sqlite_file

from .board_view import page_tags

EXPERIMENT = "KPI attribution"
NOTE = "mlflow.note.content"
MOST = 900
"""MLflow takes no more metrics in one call."""
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Told:
    """A run as it is to be: what it stands for, what it says, and what tells that it says it already."""

    campaign: str
    kind: str
    """`day`, `days` or `week`."""
    stands_for: str
    """A date, a week, or the campaign itself."""
    title: str
    digest: str
    begins: int
    """Instants that it stands for."""
    ends: int
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Point:
    """A figure at a step, and its instant."""

    title: str
    value: float
    step: int
    at: int


@dataclass(frozen=True)
class Kept:
    """A run as MLflow has it."""

    run_id: str
    digest: str
    figures: Mapping[str, float]
    """The latest of each."""


class Board:
    """The experiment in one MLflow store."""

    def __init__(self, uri: str) -> None:
        """Open the store, and make the experiment where it isn't."""
        database = sqlite_file(uri)
        if database is not None:
            make_whole(database, _make_tables)
        self._client = MlflowClient(tracking_uri=uri)
        found = self._client.get_experiment_by_name(EXPERIMENT)
        if found is None:
            where = None if database is None else (database.parent / "artifacts").resolve().as_uri()
            self._where = str(self._client.create_experiment(EXPERIMENT, artifact_location=where))
        else:
            self._where = str(found.experiment_id)

    def show_page(self) -> None:
        """Keep the experiment's note and its charts as this release draws them."""
        said = self._client.get_experiment(self._where).tags
        for key, text in page_tags().items():
            if said.get(key) != text:
                self._client.set_experiment_tag(self._where, key, text)

    def kept(self, campaign: str, kind: str) -> dict[str, Kept]:
        """The runs of a campaign by what they stand for."""
        wanted = f"tags.campaign = '{campaign}' and tags.kind = '{kind}'"
        found, token = [], None
        while True:
            some = self._client.search_runs([self._where], wanted, page_token=token)
            found += list(some)
            if not (token := some.token):
                break
        return {
            run.data.tags["stands for"]: Kept(
                run.info.run_id, run.data.tags.get("digest", ""), dict(run.data.metrics)
            )
            for run in found
        }

    def write(
        self, told: Told, before: Kept | None, points: Sequence[Point], pages: Mapping[str, str]
    ) -> str:
        """Bring a run up to date, or make it; its digest comes last: what was stopped is done again.

        One that says less than before is made anew: MLflow takes back no figure.
        """
        if before is not None and before.figures.keys() - {one.title for one in points}:
            return self.write_anew(told, before, points, pages)
        run_id = before.run_id if before else self._made(told)
        metrics = [Metric(one.title, one.value, one.at // 1_000, one.step) for one in points]
        tags = [RunTag(key, text) for key, text in told.tags.items()]
        for start in range(0, max(len(metrics), 1), MOST):
            self._client.log_batch(run_id, metrics[start : start + MOST], tags=tags if start == 0 else ())
        if pages:
            with TemporaryDirectory() as folder:
                for name, text in pages.items():
                    (Path(folder) / name).write_text(text, encoding="utf-8")
                self._client.log_artifacts(run_id, folder)
        self._client.set_tag(run_id, "digest", told.digest)
        self._client.set_terminated(run_id, end_time=told.ends // 1_000)
        return run_id

    def write_anew(
        self, told: Told, before: Kept | None, points: Sequence[Point], pages: Mapping[str, str]
    ) -> str:
        """Put a run in the place of one whose points changed: MLflow would draw the old ones too.

        The old one goes first: what is stopped between leaves none, which is made good, and not two.
        """
        if before is not None:
            self._client.delete_run(before.run_id)
        return self.write(told, None, points, pages)

    def _made(self, told: Told) -> str:
        named = {"campaign": told.campaign, "kind": told.kind, "stands for": told.stands_for}
        run = self._client.create_run(
            self._where, start_time=told.begins // 1_000, run_name=told.title, tags=named
        )
        return str(run.info.run_id)


def _make_tables(uri: str) -> None:
    """MLflow makes its tables when it is asked for the first time."""
    MlflowClient(tracking_uri=uri).search_experiments(max_results=1)
