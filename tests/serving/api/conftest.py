"""A whole service under test: its application on an empty database, its own clock, and keys for it.

Whatever it answers is held against its own description.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from httpx2 import Response
from sqlalchemy import Engine
from starlette.testclient import TestClient

from features.instants import render
from serving.access import SCOPES, create_key
from serving.app import create_app
from serving.settings import Settings
from tests.features.store.tellings import NOON

from . import contract


@dataclass
class Door:
    """One key at the service's door; `at` goes along as the request's clock."""

    client: TestClient
    engine: Engine
    token: str
    at: int | None = NOON
    closed: bool = False

    def close(self) -> None:
        """End the service, once."""
        if not self.closed:
            self.client.__exit__(None, None, None)
        self.closed = True

    def __call__(self, method: str, path: str, json: object = None, **headers: str) -> Response:
        """Send a request; header names are written with underscores."""
        said = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if self.at is not None:
            said["Leadrank-Now"] = render(self.at)
        said |= {name.replace("_", "-"): word for name, word in headers.items()}
        if json is None:
            return self._checked(method, path, self.client.request(method, path, headers=said))
        return self._checked(method, path, self.client.request(method, path, headers=said, json=json))

    def send(self, path: str, content: bytes, kind: str) -> Response:
        """Post bytes of some type."""
        said = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        if self.at is not None:
            said["Leadrank-Now"] = render(self.at)
        return self._checked("POST", path, self.client.post(path, content=content, headers=said))

    def _checked(self, method: str, path: str, answer: Response) -> Response:
        """An answer, once it is what the interface's description says."""
        contract.check(method, path, answer)
        return answer

    def with_key(self, *scopes: str, campaigns: list[str] | None = None) -> "Door":
        """Another key for the same service."""
        return Door(self.client, self.engine, a_key(self.engine, *scopes, campaigns=campaigns), self.at)


def a_key(engine: Engine, *scopes: str, campaigns: list[str] | None = None) -> str:
    return create_key(engine, "test", scopes or SCOPES, campaigns, NOON)


Opened = Callable[..., Door]


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for a registry without models, shared: making MLflow's tables takes seconds."""
    return tmp_path_factory.mktemp("registry")


@pytest.fixture
def opened(engine: Engine, registry: Path, tmp_path: Path) -> Iterator[Opened]:
    """Opens services on the test's database; all close after the test."""
    doors: list[Door] = []

    def open_service(clock: str = "request", registry: Path = registry, webhook_allow: str = "") -> Door:
        settings = Settings(
            database_url=engine.url.render_as_string(hide_password=False),
            mlflow_uri=f"sqlite:///{registry / 'mlflow.db'}",
            cache=str(tmp_path / "bundles"),
            checkpoints=str(tmp_path / "checkpoints"),
            rankings=str(tmp_path / "rankings"),
            clock=clock,
            retrain_every="off",
            webhook_allow=webhook_allow,
        )
        client = TestClient(create_app(settings), raise_server_exceptions=False)
        client.__enter__()
        doors.append(Door(client, engine, a_key(engine), NOON if clock == "request" else None))
        return doors[-1]

    yield open_service
    for door in doors:
        door.close()


@pytest.fixture
def door(opened: Opened) -> Door:
    """A service with the request's clock, and a key that may do everything."""
    return opened()
