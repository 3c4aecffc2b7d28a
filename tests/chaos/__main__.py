"""`make chaos`: some minutes of mischief against a service of several workers, and a table of what held."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .dialers import LEASE_S
from .run import Trial, run
from .verdict import Verdict

RECORD = Path("var/bench/chaos.json")


def main() -> int:
    """Run and tell; 1 where something happened that must not."""
    asked = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    asked.add_argument("--minutes", type=float, default=3.0)
    asked.add_argument("--workers", type=int, default=4)
    asked.add_argument("--dialers", type=int, default=16)
    asked.add_argument("--leads", type=int, default=20_000)
    asked.add_argument("--seed", type=int, default=1)
    said = asked.parse_args()
    trial = Trial(said.minutes * 60, said.workers, said.dialers, said.leads, said.seed)
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        found = run(trial, Path(folder), console.print)
    console.print(table(found))
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    RECORD.write_text(json.dumps({"trial": vars(trial), **found.as_json()}, indent=1), encoding="utf-8")
    console.print(f"record: {RECORD}")
    return 0 if found.holds else 1


def table(found: Verdict) -> Table:
    """What a person wants to know of it."""
    told = Table(title="held" if found.holds else "BROKEN", show_header=False)
    told.add_row(
        f"leads handed out, leases of {LEASE_S} s", f"{found.handed:,} ({found.leases_per_minute:,.0f}/min)"
    )
    told.add_row("in two hands at once", f"{found.twice}")
    told.add_row("acknowledged events lost", f"{found.lost_events} of {found.events:,}")
    told.add_row("handed out without a decision", f"{found.undecided}")
    told.add_row("errors other than 429 and 503", json.dumps(found.other_errors))
    told.add_row("refused", json.dumps(found.refused))
    told.add_row("connections that broke", json.dumps(found.broken))
    told.add_row("poll, ms: median, 99th percentile", f"{found.poll_ms_p50:.0f}, {found.poll_ms_p99:.0f}")
    for what, (usual, longest) in found.recovery_s.items():
        told.add_row(
            f"answers again after: {what}",
            f"{usual:.2f} s, at most {longest:.2f} s ({found.times[what]} times)",
        )
    return told


sys.exit(main())
