"""Uploads over HTTP: the tus protocol, and forms with one file.

Who sends is known, and what they send is admitted, before a byte of it is read; it goes to the disk as it comes in.
"""

from __future__ import annotations

from copy import copy
from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated

from .. import errors
from ..auth import Caller
from ..db.outage import is_away
from ..metrics import UPLOAD_FAILURES
from ..models.base import Page
from ..models.uploads import Upload, UploadsQuery
from ..services.paging import page
from ..services.uploads import Uploads
from ..uploads import protocol
from ..uploads.multipart import FormWithFile
from ..uploads.receiving import Receiver
from .base import AlphintraHandler, database_away, endpoint
from .reading import announced

MOST_FORM = 64 << 20
"""Bytes of the file of a form."""
_FORM_EXTRA = 64 << 10
_READ = 256 << 10
#: Enough for 16 MiB at half a Mbit/s.
_SECONDS = 300.0
_FIELDS = {"dataset", "_xsrf", "_charset_", "token"}
"""Of a form, beside the file; all but the first are Jupyter's and browsers'."""
_OVERRIDE = "X-HTTP-Method-Override"
_RESUMABLE = {"Tus-Resumable": "`1.0.0`"}
_PROBLEMS = (400, 404, 409, 410, 412, 413)


class UploadingHandler(AlphintraHandler):
    """What the two handlers share."""

    _uploads: Uploads
    _receiver: Receiver | None = None
    _form: FormWithFile | None = None
    _refusal: errors.ServiceError | None = None
    body_seconds = _SECONDS

    async def prepare(self) -> None:
        """Let bytes in, or refuse them by their head alone."""
        self._take_override()
        self.set_header("Tus-Resumable", protocol.VERSION)
        await super().prepare()
        described = getattr(getattr(self, str(self.request.method).lower()), "endpoint", None)
        if self._finished or described is None or self.request.method not in ("POST", "PATCH"):
            return
        try:
            who = await self.admit(described.scope)
            self._uploads = self.services.uploads
            connection: Any = self.request.connection
            connection.params = copy(connection.params)
            connection.params.chunk_size = connection.stream.read_chunk_size = _READ
        except errors.ServiceError as error:
            self.write_problem(error)
            return
        try:
            await self.let_in(who)
        except errors.ServiceError as error:
            # Who is let in is heard out: most clients read no answer before they have sent everything.
            if "Expect" in self.request.headers:
                self.write_problem(error)
            self._refusal = error
        except Exception as error:
            if not is_away(error):
                raise
            self.write_problem(database_away(error))

    async def let_in(self, who: Caller) -> None:
        """Begin to take the body of a request."""
        raise NotImplementedError

    async def data_received(self, chunk: bytes) -> None:
        """Take some of the body; the next comes when there is room for it."""
        if self._refusal is not None:
            return
        if self._receiver is None:
            self._refusal = errors.BadRequest(
                "What begins an upload has no body: its bytes follow by PATCH.", code="UNEXPECTED_BODY"
            )
            return
        try:
            await self._receiver.take(chunk if self._form is None else await self.fed(self._form, chunk))
        except errors.ServiceError as error:
            self._refusal = error
        except Exception as error:
            if not is_away(error):
                raise
            self._refusal = database_away(error)

    async def fed(self, form: FormWithFile, chunk: bytes) -> bytes:
        """Give a form some of the body; return what of it is of the file.

        Raises:
            ServiceError: It is no form, or names a dataset that it cannot become: what comes of it is not kept.
        """
        named = "dataset" in form.fields
        found = form.feed(chunk)
        if not named and form.fields.get("dataset"):
            await self._uploads.named("file", form.fields["dataset"])
        return found

    def on_connection_close(self) -> None:
        """Settle what came of a request whose sender is gone."""
        super().on_connection_close()
        self._settle(keep=True)

    def on_finish(self) -> None:
        """Settle what came of a request that was refused after its body began."""
        super().on_finish()
        self._settle(keep=False)

    def taken(self) -> Receiver:
        """Hand over what was received.

        Raises:
            ServiceError: It was refused on the way, or its sender has left: then it is settled already.
        """
        if self._refusal is not None:
            raise self._refusal
        receiver, self._receiver = self._receiver, None
        if receiver is None:
            raise errors.Gone("Whoever sent this has left.", code="SENDER_LEFT")
        return receiver

    def _settle(self, *, keep: bool) -> None:
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            self._uploads.settle(receiver, keep=keep)

    def write_problem(self, error: errors.ServiceError) -> None:
        """Count why an upload did not go on."""
        if self.request.method in ("POST", "PATCH"):
            UPLOAD_FAILURES.labels(error.code).inc()
        super().write_problem(error)

    def tell_expiry(self, upload: Upload) -> None:
        """Say when it is removed if nothing happens."""
        self.set_header("Upload-Expires", protocol.expires(upload.expires_at))

    @allow_unauthenticated
    def options(self, *_path: str) -> None:
        """Tell what is spoken here: nothing that depends on who asks."""
        super().options()
        self.set_header("Tus-Resumable", protocol.VERSION)
        self.set_header("Tus-Version", protocol.VERSION)
        self.set_header("Tus-Extension", ",".join(protocol.EXTENSIONS))
        self.set_header("Tus-Checksum-Algorithm", ",".join(protocol.ALGORITHMS))
        if self.settings["alphintra"].services is not None:
            self.set_header("Tus-Max-Size", str(self.services.uploads.bounds.most_bytes))
        self.set_status(204)
        self.finish()

    def _take_override(self) -> None:
        """Take the verb that a client means who cannot say it. Origin and rights are checked for that one."""
        meant = self.request.headers.get(_OVERRIDE, "").upper()
        if self.request.method == "POST" and meant in ("PATCH", "DELETE"):
            self.request.method = meant


class UploadsHandler(UploadingHandler):
    """All uploads of the caller."""

    @property
    def most_body(self) -> int:
        """A form with its file; what begins an upload has no body."""
        return MOST_FORM + _FORM_EXTRA

    async def let_in(self, who: Caller) -> None:
        """Begin to take a form."""
        if "Tus-Resumable" in self.request.headers:
            protocol.check_version(self.request.headers["Tus-Resumable"])
            return
        form = FormWithFile(self.request.headers.get("Content-Type"))
        length = announced(self.request)
        room = MOST_FORM if length is None else min(length, MOST_FORM)
        self._receiver = await self._uploads.begin_form(who, room)
        self._form = form

    @endpoint("datasets:read", query=UploadsQuery, response=Page[Upload])
    async def get(self, who: Caller, *, query: UploadsQuery) -> Page[Upload]:
        """List your uploads, the newest first."""
        return page(await self.services.uploads.search(who, query), query, self.request.path)

    @endpoint(
        "datasets:write",
        response=Upload,
        status=201,
        problems=(400, 412, 413, 422, 429, 507),
        location=lambda upload: f"/api/datasets/upload/{upload.id}",
        takes={
            "multipart/form-data": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary"}, "dataset": {"type": "string"}},
            }
        },
        reads={
            "Tus-Resumable": "`1.0.0` begins an upload by tus; without it, the body is a form.",
            "Upload-Length": "By tus: bytes of the whole file.",
            "Upload-Metadata": "By tus: `filename` and `dataset`, each with its value in Base64.",
        },
        tells=("Upload-Expires",),
    )
    async def post(self, who: Caller) -> Upload:
        """Upload a file: with `Tus-Resumable`, begin an upload by tus; else a form with one file, at most 64 MiB."""
        if self._form is None:
            headers = self.request.headers
            if self._refusal is not None:
                raise self._refusal
            if "Upload-Defer-Length" in headers:
                raise errors.BadRequest("Upload-Defer-Length is not supported.", code="BAD_HEADER")
            length = protocol.read_number("Upload-Length", headers.get("Upload-Length"))
            given = headers.get("Upload-Metadata")
            about = protocol.read_metadata(given)
            upload = await self.services.uploads.create(
                who, length, about.get("filename", about.get("name", "file")), about.get("dataset"), given
            )
        else:
            if self._refusal is None and (not self._form.complete or self._form.filename is None):
                self._refusal = errors.BadRequest("The form has no file, or not all of it.", code="BROKEN_FORM")
            other = sorted(set(self._form.fields) - _FIELDS)
            if self._refusal is None and other:
                # A field that is misspelt would make a dataset of another name.
                text = "there is no such field: the form has file and dataset"
                self._refusal = errors.Invalid.field(other[0][:40], text, code="SCHEMA")
            upload = await self._uploads.commit_form(
                self.taken(), self._form.filename or "", self._form.fields.get("dataset")
            )
        self.tell_expiry(upload)
        return upload


class UploadHandler(UploadingHandler):
    """One upload."""

    @property
    def most_body(self) -> int:
        """A chunk."""
        return protocol.MOST_CHUNK

    async def let_in(self, who: Caller) -> None:
        """Begin to take a chunk."""
        headers = self.request.headers
        protocol.check_version(headers.get("Tus-Resumable"))
        protocol.check_type(headers.get("Content-Type"))
        offset = protocol.read_number("Upload-Offset", headers.get("Upload-Offset"))
        checksum = protocol.read_checksum(headers.get("Upload-Checksum"))
        self._receiver = await self._uploads.begin(
            who, self.path_args[0], offset, announced(self.request), checksum
        )

    @endpoint("datasets:read", response=Upload, problems=(404,))
    async def get(self, who: Caller, upload_id: str) -> Upload:
        """Read how far an upload is."""
        return await self.services.uploads.get(who, upload_id)

    @endpoint(
        "datasets:read",
        problems=(404, 410, 412),
        reads=_RESUMABLE,
        tells=("Upload-Offset", "Upload-Length", "Upload-Metadata", "Upload-Expires"),
    )
    async def head(self, who: Caller, upload_id: str) -> None:
        """Ask where the next bytes go (`Upload-Offset`)."""
        protocol.check_version(self.request.headers.get("Tus-Resumable"))
        upload, metadata = await self.services.uploads.alive(who, upload_id)
        if metadata:
            self.set_header("Upload-Metadata", metadata)
        self.set_header("Upload-Offset", str(upload.received))
        self.set_header("Upload-Length", str(upload.length))
        self.set_header("Cache-Control", "no-store")
        self.tell_expiry(upload)

    @endpoint(
        "datasets:write",
        status=204,
        problems=(*_PROBLEMS, 415, 423, 460, 507),
        takes={protocol.CONTENT_TYPE: {"type": "string", "format": "binary"}},
        reads=_RESUMABLE
        | {
            "Upload-Offset": "Where the bytes go.",
            "Upload-Checksum": "`sha256` or `sha1`, and the digest of these bytes in Base64.",
        },
        tells=("Upload-Offset", "Upload-Expires"),
    )
    async def patch(self, who: Caller, upload_id: str) -> None:
        """Add at most 16 MiB (`application/offset+octet-stream`) at `Upload-Offset`; answered when they are kept."""
        upload = await self._uploads.commit(self.taken())
        self.set_header("Upload-Offset", str(upload.received))
        self.tell_expiry(upload)
        self.set_status(204)

    @endpoint("datasets:write", status=204, problems=(404, 409, 410))
    async def delete(self, who: Caller, upload_id: str) -> None:
        """End an upload: its file is removed. One that failed or expired is dismissed: no longer listed as open."""
        await self.services.uploads.abort(who, upload_id)
        self.set_status(204)
