"""The page of uploads: its limits, codes, settings and metrics are those of the code."""

import re

from alphintra_server import metrics
from alphintra_server.handlers.uploads import MOST_FORM
from alphintra_server.services.dataset_grants import MOST
from alphintra_server.services.dataset_leases import LEASE
from alphintra_server.services.dataset_rows import LISTED, Level
from alphintra_server.services.stored_previews import MOST_COUNTED
from alphintra_server.services.upload_rows import MOST_OPEN
from alphintra_server.services.users import MOST_UNKNOWN
from alphintra_server.settings import Settings
from alphintra_server.uploads.protocol import MOST_CHUNK, VERSION

from .pages import DOCS

PAGE = (DOCS / "uploading.md").read_text()
SERVER = DOCS.parent / "server_extension" / "alphintra_server"


def test_its_numbers_are_those_of_the_code():
    minutes = {10: "ten"}[LEASE.total_seconds() / 60]
    for said in (
        f"one file of at most {MOST_FORM >> 20} MiB",
        f"adds at most {MOST_CHUNK >> 20} MiB",
        f"{MOST_OPEN} of yours are on their way",
        f"{MOST_COUNTED:,} values",
        f"at most {LISTED}",
        f"shared with {MOST} users",
        f"{MOST_UNKNOWN} such names within an hour",
        f"once in {minutes} minutes",
        f"`Tus-Resumable: {VERSION}`",
        *(f"(`{level}`)" for level in Level),
    ):
        assert said in PAGE, said


def test_what_it_names_there_is():
    source = "\n".join(path.read_text() for path in SERVER.rglob("*.py"))
    codes = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", PAGE)) - {"USER_UPLOAD"}
    assert len(codes) == 26
    # Those two are made of the state that the upload ended in.
    assert {code for code in codes if f'"{code}"' not in source} <= {"UPLOAD_EXPIRED", "UPLOAD_ABORTED"}
    for setting in ("max_storage", "max_upload", "keep_free", "keep_upload_hours"):
        assert f"`{setting}`" in PAGE
        assert Settings.class_traits()[setting].help
    for counter in (metrics.UPLOADS, metrics.UPLOAD_BYTES, metrics.UPLOAD_FAILURES):
        assert f"`{counter.describe()[0].name}_total`" in PAGE
