"""The queue in the job table: turns, bounds and places, and races between servers for them."""


import pytest
from alphintra_server.db.tables import JobRow
from alphintra_server.errors import Conflict, TooMany
from alphintra_server.jobs import fair_queue, store
from alphintra_server.limits import Limits, UserLimits

from .stored_jobs import LIMITS, claim, queued, state, together


def test_only_queued_jobs_are_claimed_and_each_once(database):
    created = database.write_now(
        lambda session: store.create(session, user_id="u", kind="backtest", resource_id="r")
    )
    assert claim(database) is None
    job = queued(database)
    held = claim(database)
    assert (held.job_id, held.attempt, held.owner) == (job, 1, "boot")
    assert claim(database) is None
    assert state(database, job) == ("RUNNING", "starting", 1)
    assert state(database, created.id) == ("PENDING", "created", 0)


def test_users_take_turns_and_each_ones_jobs_keep_their_order(database):
    jobs = [queued(database, user) for user in ("a", "a", "a", "b", "c")]
    claimed = [claim(database).job_id for _ in range(5)]
    assert claimed == [jobs[0], jobs[3], jobs[4], jobs[1], jobs[2]]


def low(database, user="u"):
    def work(session):
        row = store.create(session, user_id=user, kind="check", resource_id="r", priority=store.LOW)
        return fair_queue.queue(session, row.id, max_queued=1000).id

    return database.write_now(work)


def test_a_job_of_low_priority_waits_for_everybodys_others(database):
    first = [low(database, "a"), low(database, "b")]
    others = [queued(database, user) for user in ("c", "a")]
    held = [claim(database) for _ in range(4)]
    assert [h.job_id for h in held] == [*others, *first]
    assert [h.priority for h in held] == [store.NORMAL, store.NORMAL, store.LOW, store.LOW]


def test_what_somebody_runs_at_low_priority_does_not_put_their_backtests_back(database):
    low(database, "a")
    assert claim(database).priority == store.LOW
    jobs = [queued(database, "a"), queued(database, "b")]
    assert [claim(database).job_id for _ in range(2)] == jobs


def test_low_priority_is_left_where_there_is_no_room_for_it(database):
    waits = low(database)
    take = lambda **given: database.write_now(  # noqa: E731
        lambda session: fair_queue.claim(session, "boot", limits=LIMITS, **given)
    )
    assert take(low=False) is None
    job = queued(database)
    assert take(low=False).job_id == job
    assert take().job_id == waits


def test_each_priority_has_its_own_bound_in_the_queue(database):
    low(database)
    row = database.write_now(
        lambda session: store.create(session, user_id="u", kind="backtest", resource_id="r")
    )
    database.write_now(lambda session: fair_queue.queue(session, row.id, max_queued=1))
    more = database.write_now(
        lambda session: store.create(session, user_id="u", kind="check", resource_id="r", priority=store.LOW)
    )
    with pytest.raises(TooMany):
        database.write_now(lambda session: fair_queue.queue(session, more.id, max_queued=1))


def test_queue_refuses_twice_and_too_many(database):
    job = queued(database)
    with pytest.raises(Conflict, match="It is queued already"):
        database.write_now(lambda session: fair_queue.queue(session, job, max_queued=10))
    other = database.write_now(
        lambda session: store.create(session, user_id="u", kind="backtest", resource_id="r")
    )
    with pytest.raises(TooMany):
        database.write_now(lambda session: fair_queue.queue(session, other.id, max_queued=1))
    assert state(database, other.id) == ("PENDING", "created", 0)


def test_threads_racing_for_claims_get_each_job_once(database):
    jobs = {queued(database, f"user {number % 5}") for number in range(60)}
    claimed, failures = [], []

    def work(owner):
        try:
            while (held := claim(database, owner)) is not None:
                claimed.append(held.job_id)
        except Exception as error:  # noqa: BLE001  shown by the assertion
            failures.append(error)

    together(*(lambda owner=f"boot {number}": work(owner) for number in range(4)))
    assert failures == []
    assert sorted(claimed) == sorted(jobs)


def test_no_user_gets_more_than_their_share_however_many_servers_claim(database):
    """Whoever counts the running jobs while another claims would see too few."""
    limits = Limits(UserLimits(jobs=2), {"big": UserLimits(jobs=3)})
    for user in ("a", "b", "big"):
        for _ in range(6):
            queued(database, user)
    claimed = []

    def work(owner):
        while True:
            held = database.write_now(lambda session: fair_queue.claim(session, owner, limits=limits))
            if held is None:
                return
            claimed.append(held)

    together(*(lambda owner=f"boot {number}": work(owner) for number in range(4)))
    counts = {user: sum(held.user_id == user for held in claimed) for user in ("a", "b", "big")}
    assert counts == {"a": 2, "b": 2, "big": 3}
    # Whoever has room again is served again.
    database.write_now(lambda session: store.complete(session, claimed[0], log=[]))
    again = database.write_now(lambda session: fair_queue.claim(session, "x", limits=limits))
    assert again.user_id == claimed[0].user_id


def test_a_bound_of_the_queue_holds_however_many_ask(database):
    made = [
        database.write_now(
            lambda session: store.create(session, user_id="u", kind="backtest", resource_id="r").id
        )
        for _ in range(12)
    ]
    refused = []

    def ask(job_id):
        try:
            database.write_now(lambda session: fair_queue.queue(session, job_id, max_queued=5))
        except TooMany as error:
            refused.append((error.code, error.headers["Retry-After"]))

    together(*(lambda job_id=job_id: ask(job_id) for job_id in made))
    assert refused == [("QUEUE_FULL", "30")] * 7
    waiting = [state(database, job_id)[1] for job_id in made]
    assert waiting.count("queued") == 5


def test_a_costly_job_gives_the_turn_to_others(database):
    """Who runs a sweep on all cores has had more than who runs two plain backtests."""

    def add(user, cost):
        def work(session):
            row = store.create(session, user_id=user, kind="backtest", resource_id="r", cost=cost)
            return fair_queue.queue(session, row.id, max_queued=100).id

        return database.write_now(work)

    sweep, plain = add("a", 4), [add("a", 1), add("b", 1), add("b", 1), add("b", 1)]
    assert [claim(database).job_id for _ in range(5)] == [sweep, plain[1], plain[2], plain[3], plain[0]]


def test_places_in_the_queue_follow_the_turns(database):
    jobs = [queued(database, user) for user in ("a", "a", "b", "c", "b")]
    last = low(database, "d")

    def work(session):
        rows = [session.get_one(JobRow, job_id) for job_id in (*jobs, last)]
        return fair_queue.positions(session, rows)

    places = database.read_now(work)
    assert [places[job_id] for job_id in jobs] == [1, 4, 2, 3, 5]
    assert places[last] == 6
    assert [claim(database).job_id for _ in range(3)] == [jobs[0], jobs[2], jobs[3]]
