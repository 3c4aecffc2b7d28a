"""Every error of leadrank: its docstring is its message, its keywords are its facts."""

import re
from typing import ClassVar


class LeadrankError(Exception):
    """Something in the world, not in the code, is not as it must be."""

    code: ClassVar[str] = "leadrank_error"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.message())

    def message(self) -> str:
        """The docstring's first line and the facts: what happened, and to what."""
        sentence = (self.__doc__ or type(self).__name__).strip().splitlines()[0]
        facts = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{sentence} ({facts})" if facts else sentence


class FeatureError(LeadrankError):
    """The past can't be remembered as asked."""


class LeakingColumn(FeatureError):
    """A column that is known only after the call was asked to be a feature."""


class UnknownSince(FeatureError):
    """Attributes without an instant since which they are known can't be features: map one."""


class UnknownLeadId(FeatureError):
    """No lead of that id was received."""


class UnknownAgent(FeatureError):
    """No agent of that name was on any call."""


class TrainingSetError(FeatureError):
    """A training set can't be used as it is."""


class NoTrainingSet(TrainingSetError):
    """There is no training set in that folder: `leadrank features build` makes one."""


class DamagedTrainingSet(TrainingSetError):
    """A file of the training set is not the one that was written: build the set anew with `--fresh`."""


class OtherFeatures(TrainingSetError):
    """The training set asks other questions than the catalogue does now: build it anew with `--fresh`."""


class OtherTrainingSet(TrainingSetError):
    """The folder holds a training set of another kind: name another folder, or build anew with `--fresh`."""


class MissingExtra(FeatureError):
    """A library is not installed: install leadrank with the extra that brings it."""


class StoreError(LeadrankError):
    """The database can't be used as it is."""


class StaleSchema(StoreError):
    """The database's schema is older or newer than this release: run `leadrank db upgrade`."""


class MissingSecret(StoreError):
    """The database was set up with LEADRANK_SECRET and it is not set now: set it to the same text."""


class WrongSecret(StoreError):
    """LEADRANK_SECRET is not the secret that this database was set up with: phone numbers would not match."""


class UnknownOutcome(StoreError):
    """There is no such outcome in leadrank's vocabulary."""


class SourceError(LeadrankError):
    """A file or feed can't be read."""


class BadMapping(SourceError):
    """The mapping doesn't fit the file: correct the TOML."""


class UnreadableFile(SourceError):
    """The file can't be read as what it should be."""
