"""Where things lie in a store: paths are made of ids and hashes only.

::

    {owner}/blobs/{aa}/{sha256}.parquet     a file of rows, written once
    {owner}/manifests/{version}.json        a version: which files, and what is known of them
    {owner}/staging/{lease}/                what is being written; swept when its lease has ended
"""

from __future__ import annotations

import re

from alphintra.errors import DataError

MANIFEST = "manifest.json"
"""Name of the manifest in the folder that a version is written to."""
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


def check_id(value: object, what: str) -> str:
    """Return an id that may be part of a path.

    Raises:
        DataError: It is no text of 1 to 64 letters, digits, ``_`` or ``-``.
    """
    if not isinstance(value, str) or not _ID.match(value):
        raise DataError(f"{value!r} is no id of {what}", code="BAD_ID", hint="1 to 64 letters, digits, _ or -.")
    return value


def check_sha256(value: object) -> str:
    """Return a SHA-256 in lower-case hexadecimal digits.

    Raises:
        DataError: It is none.
    """
    if not isinstance(value, str) or not _SHA256.match(value):
        raise DataError(f"{str(value)[:80]!r} is no SHA-256", code="BAD_ID", hint="64 hexadecimal digits.")
    return value


def file_name(sha256: str) -> str:
    """Return a file's name in the folder that a version is written to."""
    return f"{sha256}.parquet"


def blob_path(owner: str, sha256: str) -> str:
    """Return the path of a file of rows."""
    return f"{check_id(owner, 'an owner')}/blobs/{check_sha256(sha256)[:2]}/{sha256}.parquet"


def manifest_path(owner: str, version: str) -> str:
    """Return the path of a version's manifest."""
    return f"{check_id(owner, 'an owner')}/manifests/{check_id(version, 'a version')}.json"


def staging_path(owner: str, lease: str) -> str:
    """Return the path of a folder in which something is written."""
    return f"{check_id(owner, 'an owner')}/staging/{check_id(lease, 'a lease')}"
