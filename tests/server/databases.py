"""Databases in their current shape: the migrations run once in each process of the tests, then they are copied.

What the migrations do, and how a server begins with an empty folder, has tests of its own.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from alphintra_server.db import Database
from alphintra_server.db.migrate import upgrade
from alphintra_server.services.shipped_datasets import bring_up
from sqlalchemy import make_url

from ..postgres import PostgresServer

BOTH = ("sqlite", pytest.param("postgresql", marks=pytest.mark.slow))
"""Parameters of a fixture whose tests `make test` does on SQLite, and `make soak` on PostgreSQL as well."""


def setting(request: pytest.FixtureRequest) -> dict[str, str]:
    """Return the setting of the server for the database that a fixture has as its parameter; SQLite without one."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return {}
    return {"database_url": request.getfixturevalue("migrated_postgres_url")}


@functools.cache
def _file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "alphintra.sqlite"
        _make(f"sqlite:///{path}")
        return path.read_bytes()


def _make(url: str) -> None:
    database = Database(url)
    upgrade(database.write_engine)
    bring_up(database)
    database.close()


def put(path: Path) -> None:
    """Put a SQLite file with the catalogue where there is none."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_bytes(_file())


def migrated(url: str) -> Database:
    """Open a database that has its tables; a SQLite file that is not there yet is a copy."""
    file = make_url(url).database if url.startswith("sqlite:") else None
    if file is not None:
        put(Path(file))
    database = Database(url)
    if file is None:
        upgrade(database.write_engine)
    return database


@pytest.fixture(scope="session")
def _postgres_template(postgres: PostgresServer) -> str:
    url = postgres.create_database()
    _make(url)
    return url


@pytest.fixture
def migrated_postgres_url(postgres: PostgresServer, _postgres_template: str) -> Iterator[str]:
    """A PostgreSQL database of the test's own, with the tables and the catalogue: its SQLAlchemy address."""
    url = postgres.create_database(_postgres_template)
    yield url
    postgres.drop_database(url)
