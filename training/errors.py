"""Every error of training: its docstring is its message, its keywords are its facts."""

from features.errors import LeadrankError


class TrainingError(LeadrankError):
    """The models can't be trained or used as asked."""


class StaleBundle(TrainingError):
    """The bundle was trained on other features than the ones computed here."""


class BrokenBundle(TrainingError):
    """The folder holds no bundle that this release can read."""


class NotEnoughCalls(TrainingError):
    """The past is too small to learn from: import more calls, or let the floor call on."""


class NoSuchVersion(TrainingError):
    """The registry has no such version of the model: `leadrank promote --help` tells how to list them."""


class NoFormerChampion(TrainingError):
    """No champion came before the present one: there is nothing to go back to."""


class RefusedByGate(TrainingError):
    """The gate refused this version: `--despite-gate` makes it champion all the same."""


class NoSuchModel(TrainingError):
    """The registry has no model of that name under that alias."""


class SuspiciousFeatures(TrainingError):
    """Features tell the outcome too well: import since when they are known, or `--allow-suspicious NAME`."""
