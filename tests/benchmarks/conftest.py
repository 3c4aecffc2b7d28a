"""A benchmark is a function `bench_...` that returns its figures: they are recorded and shown at the end."""

import inspect
import io
from collections.abc import Iterable
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from tests.benchmarks.harness import Figure, record

FIGURES = pytest.StashKey[list[Figure]]()


def pytest_configure(config: pytest.Config) -> None:
    """Start with no figures."""
    config.stash[FIGURES] = []


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark by name, so that no benchmark can forget its marker and run with the tests."""
    if item.name.startswith("bench_"):
        item.add_marker("benchmark")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a benchmark, keep what it returns."""
    if not pyfuncitem.name.startswith("bench_"):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    returned = pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in wanted})
    figures = [returned] if isinstance(returned, Figure) else list(returned)
    assert figures, "a benchmark returns at least one figure"
    record(figures, pyfuncitem.config.rootpath / "var" / "bench")
    pyfuncitem.config.stash.setdefault(FIGURES, []).extend(figures)
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what was measured."""
    figures = config.stash.get(FIGURES, [])
    if figures:
        terminalreporter.write(rendered(figures, width=terminalreporter._tw.fullwidth))
        terminalreporter.write_line(f"records: {Path('var/bench')}/")


def rendered(figures: Iterable[Figure], width: int) -> str:
    """The figures as a table of that width."""
    table = Table("what", "against", "times better", "median", "min to max", "n", title="Benchmarks")
    for f in figures:
        table.add_row(
            f.name,
            f.rival,
            f"{f.ratio:.2f}",
            f"{f.median:.3g} {f.unit}",
            f"{f.min:.3g} to {f.max:.3g}",
            str(f.n),
        )
    text = io.StringIO()
    Console(file=text, width=width).print(table)
    return text.getvalue()
