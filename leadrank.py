"""The command `leadrank ...`: finds the room a command lives in and opens that room alone."""

import difflib
import sys
from collections.abc import Sequence
from importlib import import_module

__version__ = "0.1.0"

COMMANDS: dict[str, tuple[tuple[str, ...], str]] = {
    "demo": (("serving.cli",), "a simulated sales floor, from nothing to the table of results"),
    "serve": (("serving.cli",), "the HTTP service"),
    "keys": (("serving.cli",), "make, list and revoke API keys"),
    "kpi": (("serving.kpi_cli",), "a KPI by groups, with intervals; all of them by day in MLflow"),
    "lift": (("serving.kpi_cli",), "what the ranking brought over the holdout, and how sure that is"),
    "train": (("training.cli",), "train the models, pass the gate, publish"),
    "promote": (("training.cli",), "make a registered version of the models champion"),
    "rollback": (("training.cli",), "back to the former champion"),
    "watch": (("training.watch_cli",), "whether the floor is still what the champion was taught"),
    "shadow": (("training.watch_cli",), "the newest challenger on the calls that the champion chose"),
    "race": (("training.cli",), "our heads against their rivals on real data, in time order"),
    "import": (("features.cli",), "leads, events and call histories from files"),
    "quarantine": (("features.cli",), "what made no sense yet: list it, try it again"),
    "db": (("features.cli",), "create and upgrade the database"),
    "features": (("features.cli",), "training sets, a lead's features, their freshness"),
    "simulate": (("features.cli",), "a world whose truth is known"),
    "compile": (("serving.cli",), "compile every loop, once, rather than when it is first needed"),
    "docs": (("features.cli", "serving.cli"), "write the pages that come from the code"),
}
"""Each command with the rooms that know it, and its line in the help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 2 where there is none of that name."""
    asked = list(sys.argv[1:] if arguments is None else arguments)
    if not asked or asked[0] in ("--help", "-h", "help"):
        print(_help())  # noqa: T201
        return 0
    if asked[0] in ("--version", "-V"):
        print(f"leadrank {__version__}")  # noqa: T201
        return 0
    if asked[0] not in COMMANDS:
        print(_unknown(asked[0]), file=sys.stderr)  # noqa: T201
        return 2
    rooms, _ = COMMANDS[asked[0]]
    if "--help" in asked:
        rooms = rooms[:1]
    return max(_run(room, asked) for room in rooms)


def _run(room: str, asked: Sequence[str]) -> int:
    """Let a room's own command line take over; its exit code."""
    try:
        import_module(room).app(args=list(asked), prog_name="leadrank")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return 0


def _help() -> str:
    lines = [f"  {name:<12}{says}" for name, (_, says) in COMMANDS.items()]
    usage = "Usage: leadrank COMMAND [OPTIONS]\n\nDecides whom a telesales floor calls next."
    return "\n".join([usage, "", "Commands:", *lines, "", "`leadrank COMMAND --help` says more of one."])


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, COMMANDS, n=1)
    meant = f" Did you mean `{near[0]}`?" if near else ""
    return f"leadrank: there is no command `{name}`.{meant} `leadrank --help` lists them all."


if __name__ == "__main__":
    sys.exit(main())
