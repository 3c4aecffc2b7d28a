"""What the linters can't say: how imports are written, how long files are, whose names our packages bear."""

import ast
import importlib.metadata
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("features", "training", "serving")
MIGRATIONS = ROOT / "features" / "store" / "migrations"
LONGEST = 400
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"
NAMES_THAT_SAY_NOTHING = {
    "utils",
    "util",
    "helpers",
    "helper",
    "manager",
    "handler",
    "process",
    "data",
    "common",
    "misc",
}


def modules_of(*rooms: str) -> list[Path]:
    return [
        path
        for room in rooms
        for path in sorted((ROOT / room).rglob("*.py"))
        if MIGRATIONS not in path.parents
    ]


def called(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports_in(path: Path) -> Iterator[tuple[int, str]]:
    """Line and absolute name of each absolute import."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.lineno, node.module or ""


SPEAKS_SQL = {"serving/leases.py", "serving/handout.py"}
"""Beside the store: a lead is claimed in one statement, and what was given is recorded with the claim."""

HEARS_THE_DATABASE = {"serving/api/problems.py", "serving/models.py", "serving/turn.py"}
"""Where the database's errors become an answer, or work goes on without it."""

CARRIED = {"sqlalchemy.Connection", "sqlalchemy.Engine", "sqlalchemy.RowMapping"}
"""What is handed from the store to those who ask it; none of them is a statement."""


KNOWN_IN = {
    "fastapi": ("serving/api/", "serving/app.py"),
    "starlette": ("serving/api/",),
    "structlog": (
        "training/lookout.py",
        "training/watch_cli.py",
        "serving/alerts.py",
        "serving/api/",
        "serving/app.py",
    ),
    "httpcore2": ("serving/post.py",),
    "mlflow": ("training/tracking.py", "serving/board.py", "serving/models.py"),
    "matplotlib": (
        "training/dashboard.py",
        "training/drift_figure.py",
        "training/journal.py",
        "training/tracking.py",
        "serving/weekly_page.py",
    ),
    "optuna": ("training/search.py",),
    "sklearn": ("training/baselines/",),
    "lightgbm": (
        "training/fit.py",
        "training/scorer.py",
        "training/seeds.py",
        "training/trees.py",
        "training/baselines/",
    ),
    "pydantic": (
        *(f"{room}/settings.py" for room in ROOMS),
        *("features/sources/", "features/store/writes/", "serving/api/"),
    ),
}
"""Where a library is known; elsewhere nobody could tell that it was replaced."""


EVERY_MODULE = pytest.mark.parametrize("path", [*modules_of(*ROOMS), ROOT / "leadrank.py"], ids=called)


@EVERY_MODULE
def test_a_file_opens_with_one_sentence_and_is_one_idea_long(path: Path):
    text = path.read_text(encoding="utf-8")

    docstring = ast.get_docstring(ast.parse(text)) or ""

    assert docstring or not text.strip()
    assert len(text.splitlines()) <= LONGEST


@EVERY_MODULE
def test_names_say_what_a_file_is_about(path: Path):
    parts = set(path.relative_to(ROOT).with_suffix("").parts)

    assert not parts & NAMES_THAT_SAY_NOTHING


@EVERY_MODULE
def test_inside_a_room_imports_are_relative_so_every_crossing_shows(path: Path):
    room = path.relative_to(ROOT).parts[0]

    own = [(line, name) for line, name in imports_in(path) if name.split(".")[0] == room]

    assert not own


@EVERY_MODULE
def test_chance_comes_in_as_an_argument_never_from_an_unseeded_generator(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))

    unseeded = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("default_rng")
        and not (node.args or node.keywords)
    ]

    assert path.name == "cli.py" or "api" in path.parts or not unseeded


def from_sqlalchemy(path: Path) -> Iterator[str]:
    """The names, dotted, that a module takes from SQLAlchemy."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "sqlalchemy")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sqlalchemy":
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@EVERY_MODULE
def test_only_the_store_and_the_handing_out_speak_sql(path: Path):
    name = called(path)

    taken = set(from_sqlalchemy(path)) - CARRIED
    if name in HEARS_THE_DATABASE:
        taken = {one for one in taken if not one.startswith("sqlalchemy.exc.")}

    assert name.startswith("features/store/") or name in SPEAKS_SQL or not taken


@pytest.mark.parametrize("library", KNOWN_IN)
def test_a_library_is_known_in_its_places_alone(library: str):
    knowing = [
        called(path)
        for path in modules_of(*ROOMS)
        if any(name.split(".")[0] == library for _, name in imports_in(path))
    ]

    assert knowing
    assert [name for name in knowing if not name.startswith(KNOWN_IN[library])] == []


def test_the_command_opens_no_room_before_it_knows_which():
    opened = (
        "import sys, leadrank; "
        "print(*{'features', 'training', 'serving', 'mlflow', 'lightgbm', 'numba'} & set(sys.modules))"
    )

    found = subprocess.run(
        [sys.executable, "-c", opened], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert found.stdout.split() == []


def test_nobody_else_owns_our_package_names():
    """Some registry has distributions of the same names: they would shadow ours without a word."""
    owners = importlib.metadata.packages_distributions()

    foreign = {name: set(owners.get(name, [])) - {"leadrank"} for name in (*ROOMS, "leadrank")}

    assert not any(foreign.values()), foreign


@pytest.mark.parametrize("room", ROOMS)
def test_importing_a_room_does_nothing(room: str, tmp_path: Path):
    """No file appears, no logging is set up, and nothing is said."""
    quiet = f"import logging, {room}; assert not logging.getLogger().handlers"

    said = subprocess.run(
        [sys.executable, "-W", "error", "-c", quiet],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )

    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("module", ["bundle", "errors", "pipeline"])
def test_the_door_into_training_stays_the_only_one(module: str, tmp_path: Path):
    """The wall itself is tried on a small copy of the house: a wrong import must fail, a right one pass."""
    for room in ROOMS:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").touch()
    (tmp_path / "training" / f"{module}.py").touch()
    (tmp_path / "serving" / "desk.py").write_text(f"from training import {module}\n", encoding="utf-8")
    walls = (ROOT / ".importlinter").read_text(encoding="utf-8")
    door = walls[
        walls.index("[importlinter:contract:door]") : walls.index("[importlinter:contract:features]")
    ]
    head = walls[: walls.index("[importlinter:contract:rooms]")]
    (tmp_path / ".importlinter").write_text(head + door, encoding="utf-8")

    verdict = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
    )

    assert (verdict.returncode == 0) == (module in ("bundle", "errors")), verdict.stdout + verdict.stderr


@pytest.mark.parametrize("name", ["dev", "serve", "train"])
def test_pins_keep_the_extras_that_packages_ask_for(name: str):
    """Else an older pip takes `coverage[toml]` for unpinned once a newer coverage is out."""
    pinned = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    wanted = {"dev": ("coverage[toml]==", "dask[dataframe]==", "psycopg[binary]==")}

    assert all(f"\n{pin}" in pinned for pin in wanted.get(name, ("psycopg[binary]==",)))
