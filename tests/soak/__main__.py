"""``python -m tests.soak``: the kill test on SQLite with one server and on PostgreSQL with two."""

from __future__ import annotations

import argparse
import secrets
import sys

from ..postgres import PostgresServer, PostgresUnavailableError
from .run import Soak, SoakFailedError


def main() -> int:
    """Run it; 0 where all held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--kills", type=int, default=100, help="for each database")
    parser.add_argument("--seed", type=int, help="what the schedule follows from; by chance where left out")
    given = parser.parse_args()
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    summaries, failed = [], 0
    for database in ("sqlite", "postgresql") if given.database == "both" else (given.database,):
        try:
            if database == "sqlite":
                summaries.append(Soak(None, 1, seed, _say).run(given.kills))
            else:
                server = PostgresServer()
                try:
                    summaries.append(Soak(server.create_database(), 2, seed, _say).run(given.kills))
                finally:
                    server.close()
        except SoakFailedError as error:
            print(f"FAILED on {database}: {error}", file=sys.stderr, flush=True)
            failed += 1
        except PostgresUnavailableError as error:
            print(f"NOT RUN on {database}: {error}", file=sys.stderr, flush=True)
            failed += 1
    for summary in summaries:
        print(summary)
    return failed


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
