"""What the tests with real processes share."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from features.store.engine import open_engine
from tests.conftest import empty


@pytest.fixture
def database(postgres: str) -> Iterator[Engine]:
    """An empty store on PostgreSQL."""
    engine = open_engine(postgres)
    empty(engine)
    yield engine
    engine.dispose()
