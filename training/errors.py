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


class NoSuchModel(TrainingError):
    """The registry has no model of that name under that alias."""
