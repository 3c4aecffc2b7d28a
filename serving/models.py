"""Models: which bundle is champion, swapped without a restart; the last good one when the registry fails."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from features import FeatureMatrix, Past
from features.instants import MINUTE
from features.kernel import Int64Array
from features.whole import replace_whole, sqlite_file
from training.bundle import Bundle
from training.errors import TrainingError

from .ranking.reasons import Strongest, strongest
from .rules.hours import ahead
from .standing import Standing
from .week_ahead import Window, best_windows

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion as Registered

REGISTERED = "leadrank"
"""The registered model's name in MLflow."""

UNTRAINED = "no champion yet: `leadrank train` makes one, and rules rank until then"


@dataclass(frozen=True)
class ModelVersion:
    """One registered version: its bundle, its aliases, and what the gate said of it."""

    version: str
    bundle: str
    aliases: tuple[str, ...]
    created_at: int
    gate: str
    reason: str


@dataclass(frozen=True)
class Listed:
    """The registered versions, newest first: the registry's of now, or the last ones known."""

    items: tuple[ModelVersion, ...]
    degraded: bool = False
    trouble: str = ""
    """Why they aren't the registry's of now."""


@dataclass
class Models:
    """The champion in memory, the registry it comes from, and the folder where fetched bundles are kept."""

    uri: str
    cache: Path
    trouble: str = UNTRAINED
    """Why less serves than a champion that passed the gate; empty while one does."""
    _bundle: Bundle | None = None
    _listed: tuple[ModelVersion, ...] = field(default=(), init=False)

    @property
    def version(self) -> str | None:
        """The champion's version, None while rules rank."""
        return self._bundle.version if self._bundle else None

    @property
    def degraded(self) -> bool:
        """Whether the last good bundle or plain rules rank in the champion's place."""
        return bool(self.trouble)

    def champion(self) -> Bundle | None:
        """The bundle that scores, None while there is none."""
        return self._bundle

    def challenger(self) -> Bundle | None:
        """The last bundle that the gate refused, unless the champion is newer; None if it can't be had."""
        found: list[Bundle | None] = []
        with _trouble_told(lambda _: None):
            found.append(self._fetch("challenger"))
        newest, champion = found[0] if found else None, self._bundle
        return newest if newest and champion and newest.created_at >= champion.created_at else None

    def reload(self) -> bool:
        """Take over the registry's champion; tell whether it changed. The present one survives trouble."""
        champion = self.found()
        if champion is None or champion.version == self.version:
            return False
        self.take(champion)
        return True

    def recall(self) -> bool:
        """Let who served last serve, by the cache alone, until the registry is asked; tell if anybody did."""
        with _trouble_told(lambda _: None):
            self.take(Bundle.load(self.cache / self._last.read_text(encoding="utf-8")))
        return self._bundle is not None

    def found(self) -> Bundle | None:
        """The registry's champion, who may not serve yet; None where there is none or it can't be had."""
        found: list[Bundle | None] = []
        with _trouble_told(self._champion_missing):
            champion = self._fetch()
            if champion is None and not self._nobody_made_it():
                self._last.unlink(missing_ok=True)
            if champion is None or champion.version == self.version:
                self.trouble = champion.degraded if champion else UNTRAINED
            found.append(champion)
        return found[0] if found else None

    def take(self, champion: Bundle) -> None:
        """Let it serve from now on, and first after a restart if it was fetched."""
        self._bundle, self.trouble = champion, champion.degraded
        if (self.cache / champion.version).is_dir():
            replace_whole(self._last, champion.version.encode())

    @property
    def _last(self) -> Path:
        """The file that names who of this registry served last."""
        return self.cache / f"last-{hashlib.blake2b(self.uri.encode(), digest_size=8).hexdigest()}"

    def listed(self) -> Listed:
        """Every registered version; the last ones that this worker knows while the registry is in trouble."""
        said = list[str]()
        with _trouble_told(said.append):
            self._listed = tuple(self.versions())
        trouble = f"the registry's versions can't be had: {said[0]}" if said else ""
        return Listed(self._listed, bool(said), trouble)

    def versions(self) -> list[ModelVersion]:
        """Every registered version, newest first."""
        if self._nobody_made_it():
            return []
        client = self._client()
        aliases: dict[str, list[str]] = {}
        for alias, version in (self._registered_aliases(client)).items():
            aliases.setdefault(version, []).append(alias)
        found = client.search_model_versions(f"name='{REGISTERED}'")
        told = [_told(version, aliases.get(str(version.version), [])) for version in found]
        return sorted(told, key=lambda version: -int(version.version))

    def remarks(
        self, past: Past, leads: Int64Array, saw: FeatureMatrix, standing: Standing, at: int
    ) -> tuple[Strongest, list[Window | None]]:
        """What moved the conversion head most of each lead, by what it saw, and the lead's best window."""
        if self._bundle is None or not len(saw):
            return Strongest.nothing(len(saw)), [None] * len(saw)
        _, effects = self._bundle.explain(saw, "conversion")
        found, timing = strongest(saw.features, effects), self._bundle.timing
        if not timing.proven:
            return found, [None] * len(saw)
        return found, best_windows(timing.weeks(past, saw, leads, at), ahead(standing, at), at)

    def _fetch(self, alias: str = "champion") -> Bundle | None:
        """The registry's bundle of an alias, downloaded once per version; None where none was published."""
        if self._nobody_made_it():
            return None
        client = self._client()
        version = self._registered_aliases(client).get(alias)
        if version is None:
            return None
        registered = client.get_model_version(REGISTERED, version)
        folder = self.cache / str(registered.tags.get("bundle", version))
        if not (folder / "bundle.json").exists():
            _download(str(registered.source), folder, self.uri)
        return Bundle.load(folder)

    def _registered_aliases(self, client: "MlflowClient") -> dict[str, str]:
        """Version by alias; empty where nothing was ever registered."""
        models = client.search_registered_models(f"name='{REGISTERED}'")
        return {alias: str(version) for model in models for alias, version in model.aliases.items()}

    def _nobody_made_it(self) -> bool:
        """A registry in a file that isn't there: to ask would make it, slowly, in every worker at once."""
        file = sqlite_file(self.uri)
        return file is not None and not file.exists()

    def _client(self) -> "MlflowClient":
        from mlflow import MlflowClient  # noqa: PLC0415  # a second's work: only where the registry is asked

        return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    def _champion_missing(self, kind: str) -> None:
        self.trouble = f"the registry's champion can't be had: {kind}"


@contextmanager
def _trouble_told(tell: Callable[[str], None]) -> Iterator[None]:
    """What goes wrong between here and the registry stops nothing: the kind of error is told."""
    try:
        yield
    except (TrainingError, OSError) as problem:
        tell(type(problem).__name__)
    except Exception as problem:
        if not isinstance(problem, _errors_of_registries()):
            raise
        tell(type(problem).__name__)


def _errors_of_registries() -> tuple[type[Exception], ...]:
    """Asked for once something went wrong: to import MLflow takes seconds, that a start need not have.

    An AttributeError comes out of MLflow's migration where two threads run it on a file half made.
    """
    from alembic.util import CommandError  # noqa: PLC0415
    from mlflow.exceptions import MlflowException  # noqa: PLC0415
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    return MlflowException, SQLAlchemyError, CommandError, AttributeError


def _download(source: str, folder: Path, uri: str) -> None:
    """Fetch a bundle beside its place, then move it there whole."""
    from mlflow.artifacts import download_artifacts  # noqa: PLC0415

    folder.parent.mkdir(parents=True, exist_ok=True)
    fetched = Path(download_artifacts(artifact_uri=source, dst_path=str(folder) + ".part", tracking_uri=uri))
    if not folder.exists():
        fetched.rename(folder)


def _told(version: "Registered", aliases: list[str]) -> ModelVersion:
    return ModelVersion(
        version=str(version.version),
        bundle=version.tags.get("bundle", ""),
        aliases=tuple(sorted(aliases)),
        created_at=int(version.creation_timestamp) * (MINUTE // 60_000),
        gate=version.tags.get("gate", ""),
        reason=version.tags.get("reason", ""),
    )
