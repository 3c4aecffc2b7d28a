"""Checkpoints: a restart that reads only what was stored since is the one that reads everything."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from features.store import checkpoints
from features.store.checkpoints import Code, label, of_ledgers, restored
from features.store.engine import open_engine, reading
from features.store.frozen import Freezer, Thawer, name_of
from features.store.ledger import Ledger
from features.store.migrations import upgrade
from features.tape import Tape
from tests.conftest import empty

from .tellings import a_lead
from .test_ledger import LEADS, Telling, events, followed, new_leads, state

SETTINGS = settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def restart(engine: Engine, ledger: Ledger, folder: Path) -> Ledger:
    """What the next process has."""
    save(engine, ledger, folder)
    found = saved_in(engine, folder)
    assert isinstance(found, Ledger)
    return found


def save(engine: Engine, ledger: Ledger, folder: Path) -> None:
    with reading(engine) as connection:
        told = label(ledger.seq, of_ledgers(), connection)
    checkpoints.save(ledger, told, of_ledgers(), folder)


def saved_in(engine: Engine, folder: Path, code: Code | None = None) -> object | None:
    with reading(engine) as connection:
        return restored(code or of_ledgers(), connection, folder)


def tapes_of(ledger: Ledger) -> list[tuple[object, ...]]:
    """Every tape's running state, actor by actor, in bits."""
    return [tape_of(tape) for tape in (ledger.past().tapes or {}).values()]


def tape_of(tape: Tape) -> tuple[object, ...]:
    first, size = tape.blocks.first, tape.blocks.size
    rows = [slice(int(a), int(a + n)) for a, n in zip(first, size, strict=True)]
    return (
        tape.spec, tape.facts, *([part[row].tobytes() for row in rows] for part in tape.entries),
    )  # fmt: skip


@SETTINGS
@given(steps=st.lists(st.one_of(new_leads(), events, st.just("restart")), max_size=6))
def test_a_ledger_restarted_now_and_then_is_the_one_read_from_nothing(engine: Engine, tmp_path: Path, steps):
    empty(engine)
    tell, ledger = Telling(engine), followed(engine)

    tell([a_lead(name) for name in LEADS[:2]])
    for step in steps:
        if step == "restart":
            state(followed(engine, ledger), ledger)
            ledger = restart(engine, ledger, tmp_path)
        else:
            tell(step)
    followed(engine, ledger)

    afresh = followed(engine)
    assert state(ledger, afresh) == state(afresh, afresh)


@SETTINGS
@given(before=st.lists(events, max_size=3), after=events)
def test_its_tapes_go_on_from_where_they_were(engine: Engine, tmp_path: Path, before, after):
    empty(engine)
    tell = Telling(engine)
    tell([a_lead(name) for name in LEADS])
    for batch in before:
        tell(batch)
    ledger = followed(engine)
    state(ledger, ledger)
    again = restart(engine, ledger, tmp_path)

    assert tapes_of(again) == tapes_of(ledger)
    tell(after)
    assert state(followed(engine, again), ledger) == state(followed(engine, ledger), ledger)
    assert tapes_of(again) == tapes_of(ledger)


@pytest.fixture
def saved(engine: Engine, tmp_path: Path) -> Path:
    tell = Telling(engine)
    tell([a_lead(name) for name in LEADS])
    save(engine, followed(engine), tmp_path)
    (found,) = tmp_path.glob("*.map")
    return found


def test_without_a_file_there_is_nothing_to_restore(engine: Engine, tmp_path: Path):
    assert saved_in(engine, tmp_path) is None


def test_a_damaged_file_is_passed_over(engine: Engine, saved: Path):
    whole = saved.read_bytes()

    for damaged in (b"", whole[: len(whole) // 2], whole[:300] + bytes(200) + whole[500:]):
        saved.write_bytes(damaged)
        assert saved_in(engine, saved.parent) is None


def test_a_file_of_other_code_is_passed_over(engine: Engine, saved: Path):
    tomorrow = replace(of_ledgers(), digest="of tomorrow")

    assert saved_in(engine, saved.parent, tomorrow) is None


def test_a_file_of_another_installation_is_passed_over(saved: Path, tmp_path: Path):
    other = open_engine(f"sqlite:///{tmp_path}/other.db")
    upgrade(other)

    assert saved_in(other, saved.parent) is None
    other.dispose()


@dataclass
class Box:
    """Holds anything."""

    held: list[object] = field(default_factory=list)


def test_what_is_frozen_thaws_equal_and_shared_where_it_was_shared():
    inner = Box(["a", None, 1.5, float("inf"), True, 7, ("x", -1), {"k": [1, 2]}])
    many = {name: number for number, name in enumerate(f"né-{n}\U0001f600" for n in range(40))}
    box = Box([inner, inner, many, [[1], [], [2, 3]] * 9, set(range(30)), np.arange(3)])

    freezer = Freezer({name_of(Box): Box})
    tree = freezer.freeze(box)
    thawed = Thawer({name_of(Box): Box}, freezer.arrays).thaw(tree)

    assert thawed.held[:5] == box.held[:5]
    assert thawed.held[0] is thawed.held[1]
    assert thawed.held[5].tolist() == [0, 1, 2]


def test_an_unknown_class_is_refused_when_it_is_frozen_and_when_it_thaws():
    with pytest.raises(TypeError, match="Box"):
        Freezer({}).freeze(Box())
    with pytest.raises(KeyError):
        Thawer({}, {}).thaw(Freezer({name_of(Box): Box}).freeze(Box()))
