"""Search: a head's tree settings tuned on the folds by Optuna, within a budget, resumable."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import optuna

from .fit import tree_judge
from .head import Head
from .lesson import Lesson
from .splits import Fold
from .trial import Trial

UNITS = {"s": 1.0, "m": 60.0, "h": 3_600.0}
SECONDS = "seconds"
Judge = Callable[[Head], float]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Budget:
    """What a search may take for each head: so many trials, or so many seconds."""

    trials: int | None = None
    seconds: float | None = None

    @classmethod
    def of(cls, text: str) -> "Budget":
        """`40` trials, or a time such as `90s`, `2m` or `1h`."""
        if text.isdigit() and int(text):
            return cls(trials=int(text))
        if text[-1:] in UNITS and text[:-1].isdigit() and int(text[:-1]):
            return cls(seconds=int(text[:-1]) * UNITS[text[-1]])
        raise ValueError(
            f"{text!r} is neither a number of trials, such as 40, nor a time, such as 90s, 2m or 1h"
        )

    def allows(self, trials: int, seconds: float) -> bool:
        """Whether there is room for one more after so many."""
        return (self.trials is None or trials < self.trials) and (
            self.seconds is None or seconds < self.seconds
        )


@dataclass(frozen=True)
class Search:
    """How to search: within a budget for each head, remembered in an SQLite file of its own."""

    budget: Budget
    file: Path
    """Never a database of ours or MLflow's: all three keep a table `alembic_version`."""
    threads: int = 2
    say: Say = print
    """Told after every trial."""
    clock: Callable[[], float] = perf_counter
    """Seconds; only differences count."""

    def tune(self, head: Head, lesson: Lesson, folds: Sequence[Fold]) -> tuple[Head, tuple[Trial, ...]]:
        """The head with the settings of the least loss on all folds but the last, and what was tried.

        The last fold is the gate's: there the head is raced with settings that it didn't choose.
        """
        judge = tree_judge(lesson, replace(head, seeds=1), folds[:-1], self.threads)
        if judge is None:
            return head, ()
        with self.study(f"{head.name} {digest(head, lesson)}") as study:
            done = self.run(study, replace(head, seeds=1), judge)
            best = min(done, key=lambda trial: trial.loss)
            return head.tuned(best.settings), done

    def run(self, study: optuna.Study, head: Head, judge: Judge) -> tuple[Trial, ...]:
        """Try settings until the budget is spent, the head's own first; all trials in their order."""
        done = trials_of(study)
        if head.settings not in [trial.settings for trial in done]:
            study.enqueue_trial(head.settings)
        while not done or self.budget.allows(len(done), sum(trial.seconds or 0.0 for trial in done)):
            study.sampler = optuna.samplers.TPESampler(seed=head.seed + len(study.trials))
            begun, asked = self.clock(), study.ask()
            loss = judge(head.tuned(proposed(asked)))
            asked.set_user_attr(SECONDS, self.clock() - begun)
            study.tell(asked, loss)
            done = trials_of(study)
            self.say(f"{head.name} head: {progress(done)}")
        return done

    @contextmanager
    def study(self, name: str) -> Iterator[optuna.Study]:
        """What is known of a search by its name, as far as it came."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        storage = optuna.storages.RDBStorage(f"sqlite:///{self.file}")
        try:
            yield optuna.create_study(storage=storage, study_name=name, load_if_exists=True)
        finally:
            storage.remove_session()
            storage.engine.dispose()


def digest(head: Head, lesson: Lesson) -> str:
    """Names what is searched: the same head taught the same calls goes on where it was interrupted."""
    told = hashlib.sha256(repr(head).encode())
    for column in (lesson.values, lesson.at, lesson.label, lesson.weight):
        told.update(column.tobytes())
    return told.hexdigest()[:12]


def progress(done: Sequence[Trial]) -> str:
    """How far a search came, for people."""
    least = min(trial.loss for trial in done)
    return f"search, {len(done)} trials, log loss {least:.5f} after {done[0].loss:.5f}"


def proposed(asked: optuna.Trial) -> dict[str, float | int]:
    """Settings to try: small trees, none with more than 63 leaves."""
    return {
        "learning_rate": asked.suggest_float("learning_rate", 0.02, 0.2, log=True),
        "leaves": asked.suggest_int("leaves", 3, 63, log=True),
        "least_in_leaf": asked.suggest_int("least_in_leaf", 10, 400, log=True),
        "shrinkage": asked.suggest_float("shrinkage", 1.0, 200.0, log=True),
        "columns_per_tree": asked.suggest_float("columns_per_tree", 0.2, 1.0),
    }


def trials_of(study: optuna.Study) -> tuple[Trial, ...]:
    """The trials that came to their end."""
    finished = study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.COMPLETE])
    return tuple(
        Trial(one.params, float(one.value), one.user_attrs[SECONDS])
        for one in finished
        if one.value is not None
    )
