"""A file at an address: over HTTP or HTTPS, only where it has changed, gone on with where the connection broke."""

from __future__ import annotations

import errno
import hashlib
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, IncompleteRead, ProtocolError, ReadTimeoutError, SSLError

from alphintra_kernel.user_source import JobError

from .addresses import AddressRefusedError, refused, resolve
from .asked import Asked, Fetched, without, words
from .bounds import Sink

MOST_REDIRECTS = 3
_MOST_RESUMED = 3
_BLOCK = 1 << 16
_CONNECT_SECONDS, _READ_SECONDS = 10.0, 30.0
_MOVED = (301, 302, 303, 307, 308)
_BUSY = (408, 425, 429)
_MARK = re.compile(r"[\x20-\x7e]{1,200}")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOTHING = (b"", b"[]", b"{}", b"null")
_TIMES: dict[str, Callable[[datetime], str]] = {
    "iso": lambda time: time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "date": lambda time: time.astimezone(UTC).strftime("%Y-%m-%d"),
    "s": lambda time: str(int(time.timestamp())),
    "ms": lambda time: str(int(time.timestamp() * 1000)),
}


def fetch(asked: Asked, target: Path) -> Fetched:
    """Fetch what is there.

    Returns:
        ``unchanged`` where it is what was fetched before, ``empty`` where there is nothing.

    Raises:
        JobError: It could not be had; the code says why.
    """
    url = str(asked.source["url"])
    if "{page}" in url:
        return _pages(asked, target, url)
    with Sink(target, asked.most_bytes) as sink:
        return _one(asked, filled(asked, url), sink, asked.conditions)


def filled(asked: Asked, url: str, page: int = 1) -> str:
    """Put into an address what it leaves open."""
    form = _TIMES[str(asked.source.get("time_format", "iso"))]
    values = {"{end}": form(asked.until), "{page}": str(page), "{token}": str(asked.secret.get("token", ""))}
    if asked.since is not None:
        values["{start}"] = form(asked.since)
    for name, value in values.items():
        url = url.replace(name, quote(value, safe=""))
    return url


def _pages(asked: Asked, target: Path, url: str) -> Fetched:
    """Fetch page after page until one is empty, missing or what the one before it was, and pack them."""
    most, before, name = int(asked.source["most_pages"]), "", "page"
    page = asked.folder / "page"
    with Sink(target, asked.most_bytes) as sink, zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for number in range(1, most + 2):
            with Sink(page, asked.most_bytes) as own:
                try:
                    found = _one(asked, filled(asked, url, number), own, {})
                except JobError as error:
                    if error.code != "SOURCE_MISSING" or number == 1:
                        raise
                    break
            if found.state == "empty" or _has_nothing(page):
                break
            with page.open("rb") as opened:
                mark = hashlib.file_digest(opened, "sha256").hexdigest()
            if mark == before:
                break
            if number > most:
                raise JobError(f"the source has more than {most:,} pages (most_pages)", "SOURCE_TOO_LARGE")
            before, name = mark, found.name
            stem, dot, ending = name.rpartition(".")
            archive.write(page, f"{stem or ending}-{number:06}{dot}{ending if stem else ''}")
            asked.tell(f"{number:,} pages")
    page.unlink(missing_ok=True)
    return Fetched("fetched", f"{name}.zip") if before else Fetched("empty")


def _has_nothing(page: Path) -> bool:
    """Tell whether a page has no row: it is empty, an empty list, or only a header."""
    if page.stat().st_size > _BLOCK:
        return False
    content = page.read_bytes().strip()
    return content in _NOTHING or (b"\n" not in content and not content.startswith((b"{", b"[")))


def _one(asked: Asked, url: str, sink: Sink, conditions: Mapping[str, str]) -> Fetched:
    headers = {"User-Agent": "alphintra", "Accept": "*/*", "Accept-Encoding": "identity"}
    if "etag" in conditions:
        headers["If-None-Match"] = conditions["etag"]
    elif "modified" in conditions:
        headers["If-Modified-Since"] = conditions["modified"]
    pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(_CONNECT_SECONDS, _READ_SECONDS))
    with pool:
        for tries in range(_MOST_RESUMED + 1):
            with _said(asked, url), _following(asked, pool, url, headers) as answer:
                if answer.status == 304 and conditions:
                    return Fetched("unchanged")
                if answer.status == 204:
                    return Fetched("empty")
                if answer.status == 200:
                    sink.restart()
                    etag, modified = _mark(answer, "ETag"), _mark(answer, "Last-Modified")
                elif answer.status != 206 or "Range" not in headers or not _goes_on(answer, sink.tell()):
                    raise _refusal(asked, url, answer.status)
                broken = _read(answer, sink)
            if broken is None:
                name = _name(asked, url)
                return Fetched("fetched" if sink.tell() else "empty", name, etag, modified)
            strong = etag if etag is not None and not etag.startswith("W/") else None
            if tries == _MOST_RESUMED:
                break
            headers = {key: value for key, value in headers.items() if not key.startswith("If-")}
            if strong is not None and sink.tell():
                headers |= {"Range": f"bytes={sink.tell()}-", "If-Range": strong}
    raise JobError(f"the connection to {_shown(asked, url)} broke again and again", "SOURCE_BROKEN")


def _read(answer: Any, sink: Sink) -> Exception | None:
    """Write what comes; return what broke it off."""
    length = answer.headers.get("Content-Length", "")
    if length.isascii() and length.isdecimal():
        sink.room_for(int(length.lstrip("0")[:18] or "0"))
    try:
        while block := answer.read1(_BLOCK, decode_content=False):
            sink.write(block)
    except (IncompleteRead, ProtocolError, ReadTimeoutError) as error:
        return error
    return None


@contextmanager
def _following(asked: Asked, pool: urllib3.PoolManager, url: str, headers: Mapping[str, str]) -> Iterator[Any]:
    """Ask, and go where the answer sends us, a few times; what is secret is told to the first address alone."""
    secret = {str(name): str(value) for name, value in asked.secret.get("headers", {}).items()}
    for _ in range(MOST_REDIRECTS + 1):
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise JobError("only http and https addresses are fetched", "SOURCE_ADDRESS")
        resolve(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80), asked.allowed)
        answer = pool.request(
            "GET", url, headers={**headers, **secret}, redirect=False, preload_content=False, decode_content=False
        )
        if answer.status not in _MOVED or "Location" not in answer.headers:
            try:
                yield answer
            finally:
                answer.close()
            return
        answer.close()
        goal = _goal(asked, url, answer.headers["Location"])
        if (urlsplit(goal).scheme, urlsplit(goal).netloc) != (parts.scheme, parts.netloc):
            secret = {}
        if parts.scheme == "https" and urlsplit(goal).scheme != "https":
            raise JobError(f"{_shown(asked, url)} sends on to an address without encryption", "SOURCE_REDIRECTS")
        url = goal
    raise JobError(f"the source sends on more than {MOST_REDIRECTS} times", "SOURCE_REDIRECTS")


def _goal(asked: Asked, url: str, location: str) -> str:
    """Return where an answer sends us.

    Raises:
        JobError: It is no address.
    """
    try:
        goal = urljoin(url, location)
        _ = urlsplit(goal).port
    except ValueError:
        text = f"{_shown(asked, url)} sends on to what is no address"
        raise JobError(text, "SOURCE_REDIRECTS") from None
    return goal


@contextmanager
def _said(asked: Asked, url: str) -> Iterator[None]:
    """Say what went wrong on the way."""
    try:
        yield
    except SSLError as error:
        raise JobError(f"{_shown(asked, url)}: the certificate is refused: {error}", "SOURCE_CERTIFICATE") from None
    except (HTTPError, OSError) as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            raise  # of this machine's disk
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, AddressRefusedError):
                raise refused(urlsplit(url).hostname or "") from None
            cause = cause.__cause__ or cause.__context__
        raise JobError(f"{_shown(asked, url)} cannot be reached", "SOURCE_UNREACHABLE") from None


def _refusal(asked: Asked, url: str, status: int) -> JobError:
    where = _shown(asked, url)
    if status in (401, 403):
        return JobError(f"{where} refuses access ({status}): check the secret", "SOURCE_REFUSED")
    if status in (404, 410):
        return JobError(f"{where} has nothing there ({status})", "SOURCE_MISSING")
    if status in _BUSY or status >= 500:
        return JobError(f"{where} cannot answer now ({status})", "SOURCE_BUSY")
    return JobError(f"{where} answered with status {status}", "SOURCE_STATUS")


def _goes_on(answer: Any, offset: int) -> bool:
    return str(answer.headers.get("Content-Range", "")).startswith(f"bytes {offset}-")


def _mark(answer: Any, header: str) -> str | None:
    value = answer.headers.get(header)
    return value if value is not None and _MARK.fullmatch(value) else None


def _name(asked: Asked, url: str) -> str:
    """Return what a file is called by its address. The name stays with the dataset: no secret may stand in it."""
    name = unquote(without(urlsplit(url).path, words(asked.secret))).rstrip("/").rpartition("/")[2]
    return without(name, words(asked.secret))[:200] or "fetched"


def _shown(asked: Asked, url: str) -> str:
    """Return an address without what may be secret in it, and only then cut: half a secret would be known by nobody."""
    parts = urlsplit(url)
    return without(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}", words(asked.secret))[:300]
