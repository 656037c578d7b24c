"""The rows of a query on a PostgreSQL server, written as CSV while they come."""

from __future__ import annotations

import csv
import io
import re
import ssl
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from alphintra_kernel.user_source import JobError

from .addresses import resolve
from .asked import Asked, Fetched, without, words
from .bounds import Sink

_BATCH = 5_000
_CONNECT_SECONDS = 10
_AUTHORITIES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
"""Where systems have them: Debian, Fedora, Alpine and macOS."""
_OPTIONS = "-c default_transaction_read_only=on -c TimeZone=UTC -c DateStyle=ISO"


def fetch(asked: Asked, target: Path) -> Fetched:
    """Run the query in a transaction that only reads; a cursor of the server's keeps what is here at once small.

    Raises:
        JobError: It could not be done; the code says why.
    """
    library = _library()
    source, secret = asked.source, asked.secret
    address = resolve(str(source["host"]), int(source["port"]), asked.allowed)
    query = str(source["query"]).strip().rstrip(";")
    rows = 0
    try:
        with (
            library.connect(
                host=str(source["host"]), hostaddr=address, port=int(source["port"]), dbname=str(source["database"]),
                user=str(source["user"]), password=str(secret.get("password", "")), sslmode=str(source["sslmode"]),
                sslrootcert=_authorities(str(source["sslmode"])), connect_timeout=_CONNECT_SECONDS,
                application_name="alphintra", options=_OPTIONS,
            ) as connection,
            connection.cursor(name="alphintra") as cursor,
            Sink(target, asked.most_bytes) as sink,
            io.TextIOWrapper(io.BufferedWriter(sink), "utf-8", newline="") as text,
        ):  # fmt: skip
            cursor.execute(query, {"since": asked.since, "until": asked.until})
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow([column.name for column in cursor.description or ()])
            while batch := cursor.fetchmany(_BATCH):
                writer.writerows([_text(cell) for cell in row] for row in batch)
                rows += len(batch)
                asked.tell(f"{rows:,} rows")
    except library.Error as error:
        said = re.sub(r"\s+", " ", without(str(error), words(secret)))[:300]
        raise JobError(f"{source['host']}: {said}", _code(library, error)) from None
    return Fetched("fetched", f"{source['database']}.csv") if rows else Fetched("empty")


def _library() -> Any:
    try:
        import psycopg
    except ImportError:
        raise JobError(
            "databases need the package psycopg: an administrator installs it by pip install 'alphintra[postgres]'",
            "MISSING_LIBRARY",
        ) from None
    return psycopg


def _authorities(sslmode: str) -> str | None:
    """Return the file of the authorities that this machine trusts, where whose the server is has to be checked.

    Left to itself, libpq looks into the user's folder, which nobody has here.

    Raises:
        JobError: ``SOURCE_CERTIFICATE``: This machine has none.
    """
    if sslmode != "verify-full":
        return None
    told = ssl.get_default_verify_paths().cafile
    for file in (told, *_AUTHORITIES):
        if file is not None and Path(file).is_file():
            return file
    raise JobError("this machine has no file of the authorities that it trusts", "SOURCE_CERTIFICATE")


def _code(library: Any, error: Exception) -> str:
    state = getattr(error, "sqlstate", None)
    if state is None:
        if not isinstance(error, library.OperationalError):
            return "SOURCE_STATUS"  # of the query or of what came, such as a single % or the year 10,000
        text = str(error)
        if "certificate" in text:
            return "SOURCE_CERTIFICATE"
        return "SOURCE_REFUSED" if "authentication" in text or "no password" in text else "SOURCE_UNREACHABLE"
    if state.startswith("28") or state == "42501":
        return "SOURCE_REFUSED"
    return "SOURCE_BUSY" if state[:2] in ("08", "40", "53", "57") else "SOURCE_STATUS"


def _text(cell: Any) -> str:
    """Return a cell as text that is read as what it is: a time with its zone as UTC."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        if cell.tzinfo is None:
            return cell.isoformat(sep=" ", timespec="microseconds")
        return cell.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, Decimal):
        return format(cell, "f")
    return repr(cell) if isinstance(cell, float) else str(cell)
