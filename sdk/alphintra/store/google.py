"""Google's object store through its own client, gcsfs, over the JSON interface alone."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

_TRIES = 2
_PATIENCE = {"total": 120.0, "sock_connect": 5.0, "sock_read": 15.0}
"""Seconds. A store that hangs is given up after half a minute, as one that speaks S3; one that no longer takes what is
sent is known by the whole time of a request alone, which has 16 MiB at most."""


@cache
def _client() -> type[Any]:
    from gcsfs.core import GCSFileSystem
    from gcsfs.credentials import GoogleCredentials
    from gcsfs.retry import HttpError, retry_request

    # Not the class that fsspec knows, which first asks over gRPC of what kind a bucket is, with waits of its own:
    # objects are put, read, listed and removed in the same way in all kinds that keep objects.
    class Client(GCSFileSystem):  # type: ignore[misc]
        """Tries again less often, and says what is refused as other clients do."""

        credentials: Any

        _request = retry_request(retries=_TRIES)(GCSFileSystem._request.__wrapped__)

        async def _call(self, *args: Any, **options: Any) -> Any:
            if self.on_google and self.credentials.method == "anon":
                # When they are needed, since looking for them may wait for the network; and by no other way, such as
                # the client's own file of pickles, or as nobody where there are none.
                given = self.credentials.project, self.credentials.access, "google_default"
                self.credentials = await asyncio.to_thread(GoogleCredentials, *given)
            try:
                return await super()._call(*args, **options)
            except HttpError as error:
                if str(error.code) != "401":
                    raise
                raise PermissionError("Unauthorized") from error
            except OSError as error:
                if not str(error).startswith("Forbidden:"):
                    raise
                raise PermissionError("Forbidden") from error

    return Client


def connect(**options: Any) -> Any:
    """Return the client.

    Args:
        options: Of fsspec.

    Raises:
        ImportError: gcsfs is not installed.
    """
    client = _client()
    import aiohttp

    return client(token="anon", requests_timeout=aiohttp.ClientTimeout(**_PATIENCE), **options)


def has_bucket(files: Any, path: str) -> bool:
    """Tell whether there is the bucket of a path: of what is not there, the client does not say which is missing.

    Raises:
        Exception: Whatever the client raises where it cannot be asked.
    """
    from fsspec.asyn import sync

    try:
        sync(files.loop, files._call, "GET", "b/{}/o", path.partition("/")[0], maxResults=1)
    except FileNotFoundError:
        return False
    return True
