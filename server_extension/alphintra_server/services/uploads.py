"""Uploads: reserved, received piece by piece, handed on when they are whole, forgotten when nobody goes on."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.dataset_tables import UploadRow
from ..db.engine import Database, database_now
from ..errors import BadRequest, Conflict, Gone, NotFound, ServiceError, TooLarge
from ..limits import Limits
from ..metrics import UPLOAD_BYTES, UPLOADS
from ..models.uploads import Upload, UploadsQuery, UploadState
from ..uploads.files import UploadFiles
from ..uploads.hashes import RunningHashes, sha256_of
from ..uploads.protocol import MOST_CHUNK, Checksum
from ..uploads.receiving import Receiver
from . import upload_rows
from .dataset_names import file_name
from .paging import Slice
from .upload_rows import to_model

T = TypeVar("T")
_THREADS = 4
_STRAY_SECONDS = 3600.0

Whole = Callable[[Session, UploadRow], object]


@dataclass(frozen=True)
class UploadLimits:
    """What an upload may be.

    Attributes:
        most_bytes: Bytes of one file.
        hours: For which one stays that nothing happens to.
    """

    most_bytes: int
    hours: float


class Uploads:
    """The uploads of all users.

    Args:
        database: Where their rows are.
        files: Where their bytes are.
        limits: What each user may store.
        bounds: What an upload may be.
        log: Where it says what it could not do.
        whole: Called with an upload that is here, in the transaction in which it came to be: it may queue a job.
        wake: Called after that transaction.
        usable: Called before one begins; raises where nothing could be made of it.
    """

    def __init__(
        self,
        database: Database,
        files: UploadFiles,
        limits: Limits,
        bounds: UploadLimits,
        log: logging.Logger,
        whole: Whole | None = None,
        wake: Callable[[], None] | None = None,
        usable: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._files = files
        self._limits = limits
        self.bounds = bounds
        self._log = log
        self._whole = whole
        self._wake = wake
        self._usable = usable
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="alphintra-upload")
        self._hashes = RunningHashes()
        self._settling: set[asyncio.Task[None]] = set()

    async def create(
        self, who: Caller, length: int, filename: str, dataset: str | None, metadata: str | None = None
    ) -> Upload:
        """Begin an upload: its room is reserved, in the user's quota and on the disk.

        Args:
            who: Who sends it.
            length: Its bytes.
            filename: What they call it.
            dataset: The dataset that it is to become; none: one that is called as the file is.
            metadata: What is told back to a client that asks.

        Raises:
            Invalid: The dataset's name cannot be one, or is the platform's.
            TooLarge: It is more than an upload or the user's quota may be.
            TooMany: The user has begun too many.
            NoRoom: The disk is full.
            Unavailable: Datasets could be stored nowhere yet.
        """
        self._usable()
        filename = file_name(filename)
        name = await self.named(filename, dataset)
        if length < 1:
            raise BadRequest("The file is empty.", code="EMPTY_FILE")
        if length > self.bounds.most_bytes:
            raise TooLarge(
                f"A file has at most {self.bounds.most_bytes:,} bytes; this one has {length:,}.",
                code="UPLOAD_TOO_LARGE",
            )

        def reserve(session: Session) -> UploadRow:
            upload_rows.refuse_too_many(session, who.user_id)
            return upload_rows.reserve(
                session,
                who.user_id,
                length=length,
                filename=filename,
                dataset=name,
                metadata=metadata,
                quota=self._limits.of(who.user_id).storage,
                hours=self.bounds.hours,
            )

        row = await self._database.write(reserve)
        try:
            await self._on_disk(self._files.create, row.id, length)
        except BaseException:
            await self._end(row.id, "ABORTED")
            raise
        return to_model(row)

    async def named(self, filename: str, dataset: str | None) -> str:
        """Return what the dataset of a file is to be called; see :func:`upload_rows.named`."""
        return await self._database.read(partial(upload_rows.named, filename=filename, dataset=dataset))

    async def get(self, who: Caller, upload_id: str) -> Upload:
        """Read one.

        Raises:
            NotFound: There is none, or it is another user's.
        """
        return to_model(await self._find(who, upload_id))

    async def alive(self, who: Caller, upload_id: str) -> tuple[Upload, str | None]:
        """Read one that is on its way or here, and what its sender said of it.

        Raises:
            NotFound: There is none, or it is another user's.
            Gone: It was ended, or has expired.
        """
        row = await self._find(who, upload_id)
        await self._refuse_gone(row)
        return to_model(row), row.sent_metadata

    async def search(self, who: Caller, query: UploadsQuery) -> Slice[Upload]:
        """List, the newest first."""
        state = [] if query.state is None else [UploadRow.state == query.state.value]
        still = [upload_rows.is_open()] if query.open else []
        wanted = select(UploadRow).where(UploadRow.user_id == who.user_id, *state, *still)

        def work(session: Session) -> Slice[Upload]:
            total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
            ordered = wanted.order_by(UploadRow.created_at.desc(), UploadRow.id)
            rows = session.scalars(ordered.limit(query.limit).offset(query.offset))
            return Slice([to_model(row) for row in rows], total)

        return await self._database.read(work)

    async def begin(
        self, who: Caller, upload_id: str, offset: int, length: int | None, checksum: Checksum | None
    ) -> Receiver:
        """Begin to take bytes.

        Args:
            who: Who sends them.
            upload_id: Of which upload.
            offset: Where they go.
            length: How many they say they are.
            checksum: What they hash to.

        Raises:
            NotFound: There is no such upload of theirs.
            Gone: It was ended, or has expired.
            Conflict: They go elsewhere, or it is whole.
            TooLarge: They are more than there is room for.
            Locked: Another request writes it.
        """
        row = await self._find(who, upload_id)
        await self._refuse_gone(row)
        if row.state != UploadState.RECEIVING:
            raise Conflict("The upload is whole.", code="UPLOAD_COMPLETE")
        descriptor = await self._on_disk(self._files.open, row.id)
        try:
            # Whoever wrote before has let go of the file: what is said of it now stays so.
            row = await self._find(who, upload_id)
            if row.state != UploadState.RECEIVING or row.received != offset:
                raise Conflict(
                    f"The next bytes go to {row.received}, these say {offset}.",
                    code="UPLOAD_OFFSET",
                    extra={"offset": row.received},
                )
            room = min(row.length - offset, MOST_CHUNK)
            if length is not None and length > room:
                raise TooLarge(
                    f"A request has at most {room:,} bytes here; this one has {length:,}.", code="UPLOAD_TOO_LONG"
                )
        except BaseException:
            os.close(descriptor)
            raise
        known = self._hashes.until(row.id, offset)
        return Receiver(row.id, descriptor, offset, row.length, room, checksum, known, self._threads)

    async def commit(self, receiver: Receiver) -> Upload:
        """Say that what was taken is there: it is on the disk before.

        Raises:
            ChecksumMismatch: It is not what was sent; nothing of it counts.
            Gone: The upload was ended meanwhile.
            TooLarge: It was too much.
            NoRoom: The disk is full.
        """
        try:
            end = await receiver.put_down()
            return to_model(await self._received(receiver, end, receiver.length))
        finally:
            await receiver.close()

    async def begin_form(self, who: Caller, room: int) -> Receiver:
        """Begin to take a file of which nothing is known but that it has at most ``room`` bytes.

        Raises:
            TooLarge: That is more than the user's quota leaves.
            TooMany: The user has begun too many.
            NoRoom: The disk is full.
        """
        begun = await self.create(who, max(room, 1), "file", None)
        descriptor = await self._on_disk(self._files.open, begun.id)
        known = self._hashes.until(begun.id, 0)
        return Receiver(begun.id, descriptor, 0, begun.length, begun.length, None, known, self._threads, form=True)

    async def commit_form(self, receiver: Receiver, filename: str, dataset: str | None) -> Upload:
        """Say that a form's file is there, and what it is called.

        Raises:
            BadRequest: It is empty.
            Invalid: The dataset's name cannot be one, or is the platform's.
        """
        try:
            shown = file_name(filename)
            name = await self.named(shown, dataset or None)
            end = await receiver.put_down()
            if end == 0:
                raise BadRequest("The file is empty.", code="EMPTY_FILE")
            await self._on_disk(receiver.cut)
            row = await self._received(receiver, end, end, length=end, filename=shown, dataset_name=name)
        except BaseException:
            await self.forget(receiver)
            raise
        await receiver.close()
        return to_model(row)

    async def forget(self, receiver: Receiver) -> None:
        """Drop a form's file of which not all came."""
        await receiver.close()
        await self._end(receiver.upload_id, "ABORTED")

    def settle(self, receiver: Receiver, *, keep: bool) -> None:
        """Let go of what no answer will be given to.

        Args:
            receiver: What was taken.
            keep: Whether it counts, where nothing says what it should have been: of a sender who is gone.
        """
        task = asyncio.get_running_loop().create_task(self._settle(receiver, keep))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    async def abort(self, who: Caller, upload_id: str) -> None:
        """End an upload and free its room; one that failed or expired is told no more.

        Raises:
            NotFound: There is no such upload of theirs.
            Gone: It was ended before.
            Conflict: A job reads it.
        """
        row = await self._find(who, upload_id)
        if await self._database.write(partial(upload_rows.dismiss, upload_id=upload_id)):
            return
        await self._refuse_gone(row)
        if row.state in upload_rows.BUSY:
            raise Conflict(
                f"The job {row.job_id} reads it: cancel that first.", code="UPLOAD_IN_USE", extra={"job_id": row.job_id}
            )
        if not await self._end(row.id, "ABORTED"):
            raise Conflict("A job has begun to read it.", code="UPLOAD_IN_USE")

    async def sweep(self) -> int:
        """Remove what has expired, and files that no row tells of; return how many files went."""
        gone = 0
        for upload_id, state in await self._database.read(upload_rows.due):
            gone += await self._end(upload_id, state)
        await self._database.write(upload_rows.forget_old)
        return gone + await self._sweep_strays()

    async def stop(self) -> None:
        """Finish what is being put down."""
        if self._settling:
            await asyncio.wait(self._settling)
        self._threads.shutdown(wait=True)

    async def _received(self, receiver: Receiver, end: int, of: int, **more: Any) -> UploadRow:
        """Write down how far the upload is; if it is whole, its hash, and hand it on."""
        whole = end == of
        sha256 = await self._sha256(receiver) if whole else None

        def work(session: Session) -> UploadRow:
            row = upload_rows.advance(
                session, receiver.upload_id, receiver.offset, end, self.bounds.hours, sha256=sha256, **more
            )
            if whole:
                row.state = UploadState.RECEIVED.value
                self._hand_on(session, row)
            return row

        row = await self._database.write(work)
        UPLOAD_BYTES.inc(end - receiver.offset)
        if whole:
            self._hashes.forget(row.id)
            UPLOADS.inc()
            if self._wake is not None:
                self._wake()
        else:
            self._hashes.keep(row.id, end, receiver.whole)
        return row

    def _hand_on(self, session: Session, row: UploadRow) -> None:
        if self._whole is None:
            return
        try:
            session.flush()
            with session.begin_nested():
                self._whole(session, row)
        except ServiceError as error:
            # The file is here all the same: who sent it can ask for the job again.
            session.refresh(row)
            self._log.warning("Upload %s is here, but no job was queued for it: %s", row.id, error.detail)

    async def _settle(self, receiver: Receiver, keep: bool) -> None:
        try:
            if receiver.form:
                await self.forget(receiver)
            elif keep and receiver.checksum is None:
                await self.commit(receiver)
        except (ServiceError, OSError) as error:
            self._log.info("What a broken request brought of upload %s is dropped: %s", receiver.upload_id, error)
        finally:
            await receiver.close()

    async def _end(self, upload_id: str, state: str) -> bool:
        end = partial(upload_rows.end, upload_id=upload_id, state=state, hours=self.bounds.hours)
        ended = await self._database.write(end)
        if ended:
            self._hashes.forget(upload_id)
            await self._on_disk(self._files.remove, upload_id)
        return ended

    async def _refuse_gone(self, row: UploadRow) -> None:
        if row.state in upload_rows.OVER:
            raise Gone(f"The upload was {row.state.lower()}: begin anew.", code=f"UPLOAD_{row.state}")
        now = await self._database.read(database_now)
        if row.state == UploadState.RECEIVING and row.expires_at <= now:
            await self._end(row.id, "EXPIRED")
            raise Gone("The upload was expired: begin anew.", code="UPLOAD_EXPIRED")

    async def _sweep_strays(self) -> int:
        """Remove files without a row that are older than a request may take."""
        found = await self._on_disk(lambda: list(self._files.found()))
        now = (await self._database.read(database_now)).timestamp()
        old = [name for name, modified in found if modified < now - _STRAY_SECONDS]
        gone = 0
        for start in range(0, len(old), 500):
            some = old[start : start + 500]
            kept = await self._database.read(partial(upload_rows.kept_of, names=some))
            for name in set(some) - kept:
                await self._on_disk(self._files.remove, name)
                gone += 1
        return gone

    async def _find(self, who: Caller, upload_id: str) -> UploadRow:
        query = select(UploadRow).where(UploadRow.id == upload_id, UploadRow.user_id == who.user_id)
        row = await self._database.read(lambda session: session.scalars(query).first())
        if row is None:
            raise NotFound("There is no such upload.", code="UNKNOWN_UPLOAD")
        return row

    async def _sha256(self, receiver: Receiver) -> str:
        if receiver.whole is not None:
            return str(receiver.whole.hexdigest())
        return await self._on_disk(sha256_of, self._files.path(receiver.upload_id))

    async def _on_disk(self, work: Callable[..., T], *given: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *given)
