"""Sharing with names: who is known, who is meant, and that nobody finds out by trying who is here."""

import sqlite3
from contextlib import closing
from datetime import UTC

import pytest
from alphintra_server.auth import Caller
from alphintra_server.db import Database
from alphintra_server.db.migrate import upgrade
from alphintra_server.db.outage import DatabaseAwayError
from alphintra_server.db.tables import UserRow
from alphintra_server.services.users import MOST_UNKNOWN, Users, _one_slip
from sqlalchemy import select

from . import databases
from .conftest import TestIdentities
from .stored import store_version
from .uploaded import ALICE

HERE = ("bob", "grantee", "50%_off", "margarethe")


@pytest.fixture
def identities():
    return TestIdentities


@pytest.fixture(params=databases.BOTH)
def settings(request):
    return databases.setting(request) | {"user_limits": {"carol": {"jobs": 1}}}


@pytest.fixture
def share(api, services, tmp_path):
    """Share alice's dataset."""
    store_version(services.database, services.storage, tmp_path / "made")

    async def work(name, level="READ", dataset="prices", user=ALICE):
        return await api("PUT", f"/api/datasets/{dataset}/grants", {"user_id": name, "level": level}, user=user)

    return work


async def test_it_is_shared_with_who_has_been_here_alone(api, share, services):
    unknown = await share("grantee")
    assert (unknown.status, unknown.json["code"]) == (422, "UNKNOWN_USER")
    assert "Nobody called grantee has been here." in unknown.json["detail"]
    assert "open Alphintra once" in unknown.json["detail"]
    assert [error["field"] for error in unknown.json["errors"]] == ["user_id"]
    assert (await api("GET", "/api/datasets/prices/grants", user=ALICE)).json["grants"] == []
    # Who is let in by the door alone, with no role that does anything, is nobody.
    assert (await api("GET", "/api/datasets", user="grantee:janitor")).status == 403
    assert (await share("grantee")).status == 422
    assert (await api("GET", "/api/datasets", user="grantee:viewer")).status == 200
    # Whom the settings name is known before they come.
    for name in ("grantee", "carol"):
        assert (await share(name)).status == 200
    found = (await api("GET", "/api/datasets/prices/grants", user=ALICE)).json
    assert [(grant["user_id"], grant["seen"]) for grant in found["grants"]] == [("carol", True), ("grantee", True)]
    assert found["alone"] is False
    # It is written down once, for every server of the database and after a start.
    names = services.database.read_now(lambda session: set(session.scalars(select(UserRow.user_id))))
    assert names == {"alice", "grantee"}
    assert (await share("alice")).json["errors"][0]["message"] == "it is yours already"


async def test_what_was_shared_with_nobody_before_is_marked_and_can_be_ended(api, share, services, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr(Users, "refuse_unknown", lambda *_: None)
        assert (await share("garntee")).status == 200
    (grant,) = (await api("GET", "/api/datasets/prices/grants", user=ALICE)).json["grants"]
    assert (grant["user_id"], grant["seen"]) == ("garntee", False)
    assert (await share("garntee", "USE")).status == 200
    assert (await share("garntee", None)).json["grants"] == []


async def test_a_slip_of_the_hand_is_told_and_nothing_more(api, share):
    for name in HERE:
        assert (await api("GET", "/api/datasets", user=f"{name}:viewer")).status == 200
    meant = {
        "Bob": "bob", "Grantee": "grantee", "grante": "grantee", "grantees": "grantee", "grabtee": "grantee",
        "garntee": "grantee", "granete": "grantee", "50_off": "50%_off", "gr": None, "bop": None, "grandee2": None,
        "%": None, "g%": None, "_______": None,
    }  # fmt: skip
    for given, wanted in meant.items():
        refused = await share(given)
        assert (refused.status, refused.json["code"]) == (422, "UNKNOWN_USER"), given
        assert refused.json.get("did_you_mean") == wanted, given
        assert (f"Did you mean {wanted}?" in refused.json["detail"]) is (wanted is not None)
        assert [name for name in HERE if name in str(refused.json)] == ([] if wanted is None else [wanted])
    # Of those with whom one shares already, more is recognised.
    assert (await share("marg")).json.get("did_you_mean") is None
    assert (await share("margarethe")).status == 200
    assert (await share("margrete")).json["did_you_mean"] == "margarethe"


async def test_nobody_finds_out_by_trying(api, share, extension, services):
    now = [0.0]
    services.users._clock = lambda: now[0]
    await api("GET", "/api/datasets", user="bob:viewer")
    for number in range(MOST_UNKNOWN):
        now[0] = 60.0 * number
        assert (await share(f"user{number:03}")).status == 422
    # Who is here and who is not is answered alike then; what is shared can be changed and ended.
    for name in ("bob", "nobody-at-all"):
        refused = await share(name)
        assert (refused.status, refused.json["code"]) == (429, "TOO_MANY_UNKNOWN_USERS")
        assert int(refused.headers["Retry-After"]) == 3600 - 60 * (MOST_UNKNOWN - 1) + 1
    now[0] = 3600.0
    assert (await share("bob")).status == 200
    assert (await share("bob", "USE")).status == 200
    # Others have their own tries, and of another's dataset nothing is said at all.
    assert (await share("bob", user="mallory:researcher")).status == 404


def test_one_slip():
    for given, meant, wanted in (
        ("abcd", "abcd", True), ("abcd", "abce", True), ("abcd", "abdc", True), ("abcd", "bacd", True),
        ("abcd", "abcde", True), ("abcde", "bcde", True), ("abcd", "abxcd", True), ("abcd", "abef", False),
        ("abcd", "badc", False), ("abcd", "abcdef", False), ("ab", "abc", False), ("", "abcd", False),
    ):  # fmt: skip
        assert _one_slip(given, meant) is _one_slip(meant, given) is wanted, (given, meant)


async def test_a_database_that_is_away_keeps_nobody_from_asking(database, monkeypatch):
    users = Users(database)

    async def away(*_given, **_more):
        raise DatabaseAwayError("away")

    with monkeypatch.context() as while_away:
        while_away.setattr(database, "write", away)
        await users.seen(Caller("bob", ()))
    assert database.read_now(lambda session: users.known_of(session, ["bob", "eve"])) == set()
    for name in ("bob", "bob", "x" * 256):
        await users.seen(Caller(name, ()))
    assert database.read_now(lambda session: users.known_of(session, ["bob", "eve", "x" * 256])) == {"bob"}
    # A broken request is no outage.
    with monkeypatch.context() as broken:
        broken.setattr(database, "write", lambda *_given, **_more: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await users.seen(Caller("eve", ()))


def test_whoever_has_something_here_has_been_here(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'old.sqlite'}")
    upgrade(database.write_engine, "0013_reference")
    with closing(sqlite3.connect(tmp_path / "old.sqlite")) as plain, plain:
        for name in ("alice", "bob", "local"):
            plain.execute("INSERT INTO event_counters (user_id, last) VALUES (?, 1)", (name,))
        day = "2024-01-01 00:00:00.000000"
        plain.execute("INSERT INTO storage_accounts (user_id, folder, created_at) VALUES ('carol', 'f', ?)", (day,))
        plain.execute("INSERT INTO storage_accounts (user_id, folder, created_at) VALUES ('bob', 'g', ?)", (day,))
    upgrade(database.write_engine)
    found = database.read_now(lambda session: list(session.scalars(select(UserRow).order_by(UserRow.user_id))))
    assert [row.user_id for row in found] == ["alice", "bob", "carol"]
    assert {row.first_seen_at.tzinfo for row in found} == {UTC}
    database.close()
