"""Models: which bundle is champion, swapped without a restart; the last good one when the registry fails."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from features import Moments, Past, compute
from features.instants import render
from features.kernel import Int64Array
from training.bundle import Bundle
from training.errors import BrokenBundle

from .errors import TrainingFailed
from .ranking.reasons import Reason, strongest

REGISTERED = "leadrank"
"""The registered model's name in MLflow."""


@dataclass(frozen=True)
class ModelVersion:
    """One registered version: its aliases and what the gate said of it."""

    version: str
    bundle: str
    aliases: tuple[str, ...]
    created_at: int
    tags: dict[str, str]


@dataclass
class Models:
    """The champion in memory, with the registry it comes from and the folder where fetched bundles are kept."""

    uri: str
    cache: Path
    _bundle: Bundle | None = None
    _trouble: str = "no champion is registered: train one with `leadrank train`"

    @property
    def version(self) -> str | None:
        """The champion's version, None while rules rank."""
        return self._bundle.version if self._bundle else None

    @property
    def trouble(self) -> str | None:
        """Why the present ranking is not the champion's of this hour, or None."""
        return self._trouble or None

    @property
    def degraded(self) -> bool:
        """Whether a last good bundle or plain rules rank in the champion's place."""
        return bool(self._trouble)

    def champion(self) -> Bundle | None:
        """The bundle that scores, None while there is none."""
        return self._bundle

    def reload(self) -> bool:
        """Ask the registry for the champion; tell whether another one took over. A failure keeps the present one."""
        try:
            found = self._fetch()
        except BrokenBundle as problem:
            self._trouble = str(problem)
            return False
        if found is None or (self._bundle is not None and found.version == self._bundle.version):
            return False
        self._bundle = found
        return True

    def reasons(self, past: Past, rows: Int64Array, at: int) -> list[tuple[Reason, ...]]:
        """Why the conversion head thinks what it thinks of each lead; empty without a model."""
        if self._bundle is None or not rows.size:
            return [()] * rows.size
        matrix = compute(past, Moments.at_once(rows, at), self._bundle.features)
        _, effects = self._bundle.explain(matrix, "conversion")
        return [
            strongest(matrix.names, values, row) for values, row in zip(matrix.values, effects, strict=True)
        ]
