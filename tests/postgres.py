"""A PostgreSQL server of the tests' own: on a free port, in a folder of its own, gone afterwards."""

import os
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Server:
    """One server; as root it runs as the user postgres, for it refuses to run as root."""

    folder: Path
    port: int
    owner: str | None
    options: str = ""

    @property
    def url(self) -> str:
        """Its own maintenance database."""
        return f"postgresql://leadrank@127.0.0.1:{self.port}/postgres"

    @property
    def postmaster(self) -> int:
        """Its process, whose children serve the connections."""
        return int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 {self.options}"
        self._control("-o", options, "-l", str(self.folder / "log"), "start")

    def stop(self) -> None:
        """Stop it as a crash would: what was committed is found again in the log of changes."""
        self._control("-m", "immediate", "stop")

    def remove(self) -> None:
        """Stop it for good."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _control(self, *words: str) -> None:
        _run([program("pg_ctl"), "-w", "-D", str(self.folder / "data"), *words], self.owner)


def start_server(options: str = "-c fsync=off") -> Server:
    """A new server, running."""
    folder = Path(tempfile.mkdtemp(prefix="leadrank_postgres_"))
    owner = "postgres" if os.geteuid() == 0 else None
    if owner:
        shutil.chown(folder, owner)
    wanted = ["-A", "trust", "-U", "leadrank", "-E", "UTF8", "-D", str(folder / "data")]
    _run([program("initdb"), *wanted], owner)
    server = Server(folder, free_port(), owner, options)
    server.start()
    return server


def program(name: str) -> str:
    """A program of PostgreSQL's, on the path or where Debian keeps it; the newest."""
    found = shutil.which(name) or max(
        (str(path) for path in Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), default=None
    )
    if found is None:
        pytest.fail("PostgreSQL is needed: install it, or set LEADRANK_TEST_POSTGRES to a server's URL")
    return found


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(command: list[str], user: str | None) -> None:
    subprocess.run(command, user=user, check=True, capture_output=True, cwd="/")
