"""Tracking: what a training or a race leaves in MLflow, and which registered bundle is champion."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from matplotlib.figure import Figure
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param
from mlflow.exceptions import MlflowException

from features.kernel import Float64Array, Int64Array
from features.whole import make_whole, sqlite_file

from .bundle import Bundle
from .errors import BrokenBundle, NoFormerChampion, NoSuchModel, NoSuchVersion, RefusedByGate
from .served import package

REGISTERED = "leadrank"
"""The registered model's name."""
BUNDLE = "bundle"
"""The folder of a run's artifacts that holds the bundle: the source of its model version."""
CHAMPION, CHALLENGER, FORMER = "champion", "challenger", "former"
"""Aliases: the version that serves, the last one that the gate refused, the one that served before."""
DEFAULT_URI = "sqlite:///mlruns/mlflow.db"
_NOTE, _PARENT, _TABLES = "mlflow.note.content", "mlflow.parentRunId", "mlflow.loggedArtifacts"
_KIND, _VIEW = "mlflow.experimentKind", "mlflow.sharedViewState."
_OURS = 0
"""When a view was saved that nobody has changed by hand."""
_LONGEST_VALUE = 6_000
_METRICS_AT_ONCE, _PARAMETERS_AT_ONCE = 900, 100
"""MLflow takes no more in one call: 1,000 of all together."""
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Succession:
    """Which version is champion now, and which one was before, if any."""

    champion: str
    former: str | None


@dataclass(frozen=True)
class Curve:
    """A metric over steps, in their order."""

    value: Float64Array
    at: Int64Array | None = None
    """The instant of each step, so that a chart can show it over time."""
    step: Int64Array | None = None
    """0, 1, 2 ... if not given."""

    def metrics(self, key: str, stamp: int) -> Iterator[Metric]:
        """Its points that are numbers; `stamp` (milliseconds) is the time of those without an instant."""
        for place, value in enumerate(self.value.tolist()):
            at = stamp if self.at is None else int(self.at[place]) // 1_000
            if np.isfinite(value):
                yield Metric(key, value, at, place if self.step is None else int(self.step[place]))


@dataclass(frozen=True)
class DataUsed:
    """Rows that a model was taught or judged on: what tells them from any others."""

    name: str
    digest: str
    """At most 36 characters."""
    source: Mapping[str, object]
    columns: Mapping[str, str]
    """MLflow's type of each."""
    profile: Mapping[str, object]
    context: str

    def entity(self) -> DatasetInput:
        """As MLflow keeps it."""
        columns = [{"name": name, "type": kind, "required": False} for name, kind in self.columns.items()]
        data = Dataset(
            self.name,
            self.digest,
            "leadrank",
            json.dumps(dict(self.source)),
            json.dumps({"mlflow_colspec": columns}),
            json.dumps(dict(self.profile)),
        )
        return DatasetInput(data, [InputTag("mlflow.data.context", self.context)])


@dataclass(frozen=True)
class Table:
    """Rows that MLflow shows as a table."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]

    def text(self) -> str:
        """JSON as MLflow's viewer of tables reads it."""
        return json.dumps({"columns": list(self.columns), "data": [list(row) for row in self.rows]})


@dataclass(frozen=True)
class Page:
    """What an experiment's own page says and shows."""

    note: str
    """MLflow shows its first line."""
    views: Mapping[str, tuple[str, str]]
    """Saved views by key: the name in the menu, and the state that MLflow's page reads."""

    def tags(self) -> dict[str, str]:
        """As MLflow keeps it."""
        told = {_NOTE: self.note, _KIND: "custom_model_development"}
        for key, (name, state) in self.views.items():
            view = {"name": name, "createdAt": _OURS, "updatedAt": _OURS, "state": state}
            told[f"{_VIEW}{key}"] = json.dumps(view)
        return told


@dataclass(frozen=True)
class Record:
    """One run: plain values, figures and texts, each under the name that people read."""

    experiment: str
    name: str
    at: int
    """The instant the run stands for, in microseconds; MLflow shows it as its start."""
    seconds: float = 0.0
    """How long it took."""
    parameters: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Curve] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    figures: Mapping[str, Figure] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    datasets: Sequence[DataUsed] = ()
    page: Page | None = None
    """Of the experiment."""
    stages: Sequence["Record"] = ()
    """Runs inside this one, in the order in which people read them."""


@dataclass(frozen=True)
class Tracking:
    """One MLflow store (tracking and registry) by its URI."""

    uri: str = DEFAULT_URI

    def record(self, record: Record, bundle: Bundle | None = None) -> str:
        """Write a run with all it holds and the runs inside it; return its id."""
        client = self._client()
        return _record(client, self._experiment(client, record.experiment, record.page), record, bundle)

    def follow(
        self,
        experiment: str,
        name: str,
        by_day: Mapping[str, Mapping[int, float]],
        tags: Mapping[str, str],
        figures: Mapping[str, Figure],
    ) -> str:
        """Go on with the run of that name, or begin it; return its id. Days that it has are left as they are.

        Figures take the place of those of the same name.

        Days count from 1970-01-01, UTC. Step 0 is the first day (tag `first day`); a step's time is its end.
        """
        client = self._client()
        where = self._experiment(client, experiment)
        found = client.search_runs([where], f"attributes.run_name = '{name}'", max_results=1)
        days = sorted({day for curve in by_day.values() for day in curve})
        first = int(found[0].data.tags["first day"]) if found else min(days, default=0)
        last = int(found[0].data.tags["last day"]) if found else first - 1
        run = found[0] if found else client.create_run(where, run_name=name)
        run_id: str = run.info.run_id
        points = [
            Metric(key, value, (day + 1) * _DAY_MS, day - first)
            for key, curve in by_day.items()
            for day, value in curve.items()
            if day > last
        ]
        for start in range(0, len(points), _METRICS_AT_ONCE):
            client.log_batch(run_id, metrics=points[start : start + _METRICS_AT_ONCE])
        for key, text in {**tags, "first day": first, "last day": max([last, *days])}.items():
            client.set_tag(run_id, key, text)
        with _quiet(), TemporaryDirectory() as folder:
            _draw(figures, Path(folder))
            client.log_artifacts(run_id, folder)
        client.set_terminated(run_id)
        return run_id

    def register(self, run_id: str, bundle: Bundle, alias: str, tags: Mapping[str, str]) -> str:
        """Register a run's bundle under the alias, which the version before loses; return its number."""
        client = self._client()
        try:
            client.get_registered_model(REGISTERED)
        except MlflowException:
            client.create_registered_model(REGISTERED, description="Whom a telesales floor calls next.")
        source = f"{client.get_run(run_id).info.artifact_uri}/{BUNDLE}"
        version = client.create_model_version(
            REGISTERED,
            source,
            run_id,
            tags={"bundle": bundle.version, "fingerprint": bundle.fingerprint, **tags},
            description=f"Bundle {bundle.version}: {tags.get('gate', '')}",
        )
        if alias == CHAMPION:
            _crown(client, str(version.version))
        else:
            client.set_registered_model_alias(REGISTERED, alias, version.version)
        return str(version.version)

    def promote(self, version: str, despite_gate: bool = False) -> Succession:
        """Make a registered version champion; the one before is remembered for `rollback`."""
        client = self._client()
        try:
            found = client.get_model_version(REGISTERED, version)
        except MlflowException as problem:
            raise NoSuchVersion(model=REGISTERED, version=version) from problem
        if found.tags.get("gate") == "refused" and not despite_gate:
            raise RefusedByGate(version=version, reason=found.tags.get("reason", ""))
        return _crown(client, version)

    def rollback(self) -> Succession:
        """Make the former champion champion again; done twice, all is as before."""
        client = self._client()
        former = _alias(client, FORMER)
        if former is None:
            raise NoFormerChampion(model=REGISTERED)
        return _crown(client, former)

    def fetch(self, alias: str, into: Path) -> Path:
        """Download the bundle under an alias; return its folder. `NoSuchModel` if there is none."""
        try:
            version = self._client().get_model_version_by_alias(REGISTERED, alias)
        except MlflowException as problem:
            raise NoSuchModel(model=REGISTERED, alias=alias) from problem
        into.mkdir(parents=True, exist_ok=True)
        return Path(
            download_artifacts(artifact_uri=version.source, dst_path=str(into), tracking_uri=self.uri)
        )

    def champion(self) -> Bundle | None:
        """The bundle that serves now, None where none was ever published or this release can't read it."""
        return self.bundle(CHAMPION)

    def bundle(self, alias: str) -> Bundle | None:
        """The bundle under an alias, None where nobody bears it or this release can't read it."""
        with TemporaryDirectory() as folder:
            try:
                return Bundle.load(self.fetch(alias, Path(folder)))
            except (NoSuchModel, BrokenBundle):
                return None

    def _client(self) -> MlflowClient:
        database = sqlite_file(self.uri)
        if database is not None:
            make_whole(database, _make_tables)
        return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    def _experiment(self, client: MlflowClient, name: str, page: Page | None = None) -> str:
        wanted = page.tags() if page else {}
        found = client.get_experiment_by_name(name)
        if found is not None:
            for key, value in wanted.items():
                if _may_change(found.tags.get(key), value):
                    client.set_experiment_tag(found.experiment_id, key, value)
            return str(found.experiment_id)
        database = sqlite_file(self.uri)
        beside = None if database is None else (database.parent / "artifacts").resolve().as_uri()
        return str(client.create_experiment(name, artifact_location=beside, tags=wanted))


def _record(
    client: MlflowClient, experiment: str, record: Record, bundle: Bundle | None = None, parent: str = ""
) -> str:
    stamp = record.at // 1_000
    run = client.create_run(experiment, start_time=stamp, run_name=record.name, tags=_tags(record, parent))
    run_id: str = run.info.run_id
    if bundle or record.figures or record.texts or record.tables:
        with _quiet(), TemporaryDirectory() as folder:
            _write(record, bundle, Path(folder))
            client.log_artifacts(run_id, folder)
    metrics = [Metric(key, value, stamp, 0) for key, value in record.metrics.items()]
    metrics += [metric for key, curve in record.curves.items() for metric in curve.metrics(key, stamp)]
    parameters = [Param(key, str(value)[:_LONGEST_VALUE]) for key, value in record.parameters.items()]
    _log(client, run_id, metrics, parameters)
    if record.datasets:
        client.log_inputs(run_id, [data.entity() for data in record.datasets])
    for place, stage in enumerate(record.stages):
        # MLflow shows the latest first.
        _record(client, experiment, replace(stage, at=stage.at - place * 1_000), parent=run_id)
    client.set_terminated(run_id, end_time=stamp + round(record.seconds * 1_000))
    return run_id


def _may_change(told: str | None, wanted: str) -> bool:
    """Whether what stands is missing or an older word of ours; what people wrote stays."""
    ours = f'"updatedAt": {_OURS}, '
    return told is None or (told != wanted and ours in told)


def _tags(record: Record, parent: str) -> dict[str, str]:
    told = {**record.tags, **({_NOTE: record.note} if record.note else {})}
    if parent:
        told[_PARENT] = parent
    if record.tables:
        told[_TABLES] = json.dumps([{"path": name, "type": "table"} for name in record.tables])
    return told


def _log(client: MlflowClient, run_id: str, metrics: Sequence[Metric], parameters: Sequence[Param]) -> None:
    """All of them, as many at once as MLflow takes."""
    client.log_batch(run_id, metrics[:_METRICS_AT_ONCE], parameters[:_PARAMETERS_AT_ONCE])
    more = metrics[_METRICS_AT_ONCE:], parameters[_PARAMETERS_AT_ONCE:]
    if any(more):
        _log(client, run_id, *more)


def _crown(client: MlflowClient, version: str) -> Succession:
    """Give a version the champion's alias, and `former` to the one that loses it."""
    before = _alias(client, CHAMPION)
    if before == version:
        return Succession(version, _alias(client, FORMER))
    if _alias(client, CHALLENGER) == version:
        client.delete_registered_model_alias(REGISTERED, CHALLENGER)
    if before is not None:
        client.set_registered_model_alias(REGISTERED, FORMER, before)
    client.set_registered_model_alias(REGISTERED, CHAMPION, version)
    return Succession(version, before)


def _alias(client: MlflowClient, alias: str) -> str | None:
    """The version under an alias."""
    models = client.search_registered_models(f"name='{REGISTERED}'")
    found = models[0].aliases.get(alias) if models else None
    return None if found is None else str(found)


def _make_tables(uri: str) -> None:
    """MLflow makes its tables when it is asked for the first time."""
    MlflowClient(tracking_uri=uri, registry_uri=uri).search_experiments(max_results=1)


def _write(record: Record, bundle: Bundle | None, folder: Path) -> None:
    _draw(record.figures, folder)
    for name, text in {
        **record.texts,
        **{name: table.text() for name, table in record.tables.items()},
    }.items():
        _made(folder / name).write_text(text, encoding="utf-8")
    if bundle is not None:
        bundle.save(folder / BUNDLE)
        package(bundle, folder / BUNDLE)


def _draw(figures: Mapping[str, Figure], folder: Path) -> None:
    for name, figure in figures.items():
        figure.savefig(_made(folder / name), dpi=90)


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def _quiet() -> Iterator[None]:
    """Matplotlib tells of its font cache; nobody here needs to know."""
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
