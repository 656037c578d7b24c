"""``al.submit`` where there is no server, and arguments that no job can take."""

import datetime as dt
import http.client
import json
import socket
import threading

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra import _door, submitting
from alphintra.errors import NoServerError, ParameterError, RuleError, ServerError

DATA = "us-equities-daily/AAPL"


class Plain(al.Strategy):
    """Does nothing."""

    def on_bar(self):
        """Do nothing."""


@pytest.fixture(autouse=True)
def no_door(monkeypatch):
    monkeypatch.delenv(_door.SOCKET_VARIABLE, raising=False)
    monkeypatch.delenv(_door.TOKEN_VARIABLE, raising=False)


def test_without_a_server_it_says_what_to_do():
    with pytest.raises(NoServerError, match=r"no Alphintra server.*notebook of JupyterLab.*al\.backtest") as caught:
        al.submit(Plain, DATA)
    assert caught.value.code == "NO_SERVER"
    for ask in (al.jobs, lambda: al.Job("0" * 32)):
        with pytest.raises(NoServerError):
            ask()


def test_a_server_that_has_gone_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv(_door.SOCKET_VARIABLE, str(tmp_path / "gone.sock"))
    monkeypatch.setenv(_door.TOKEN_VARIABLE, "t")
    with pytest.raises(NoServerError, match=r"cannot be reached.*restart this kernel"):
        al.jobs()


@pytest.mark.parametrize(
    "said",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n[1", b"HTTP/1.1 200 OK\r\n\r\nnot json"],
)
def test_whatever_else_answers_is_no_server(monkeypatch, tmp_path, said):
    path = tmp_path / "odd.sock"
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()

    def answer():
        for _ in range(2):  # what only reads is asked once more
            connection, _ = listening.accept()
            connection.recv(65536)
            connection.sendall(said)
            connection.close()

    thread = threading.Thread(target=answer)
    thread.start()
    monkeypatch.setenv(_door.SOCKET_VARIABLE, str(path))
    monkeypatch.setenv(_door.TOKEN_VARIABLE, "t")
    with pytest.raises(NoServerError, match="cannot be reached"):
        al.jobs()
    thread.join()
    listening.close()


class Answers:
    """A door that answers each request as it is told to: a status and a body, or None to say nothing."""

    def __init__(self, monkeypatch, tmp_path, *answers):
        self.requests = []
        self._answers = answers
        self._silent = []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(tmp_path / "door.sock"))
        self._listening.listen()
        self._listening.settimeout(60)
        self._thread = threading.Thread(target=self._answer)
        self._thread.start()
        monkeypatch.setenv(_door.SOCKET_VARIABLE, str(tmp_path / "door.sock"))
        monkeypatch.setenv(_door.TOKEN_VARIABLE, "t")

    def _answer(self):
        for answer in self._answers:
            connection, _ = self._listening.accept()
            reading = connection.makefile("rb")
            first = reading.readline().decode().split()[:2]
            headers = http.client.parse_headers(reading)
            reading.read(int(headers.get("Content-Length", 0)))
            self.requests.append((*first, headers.get("Idempotency-Key")))
            if answer is None:
                self._silent.append(connection)
                continue
            status, body = answer
            text = json.dumps(body).encode()
            connection.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(text), text))
            reading.close()
            connection.close()

    def close(self):
        self._thread.join()
        self._listening.close()
        for connection in self._silent:
            connection.close()


TAKEN = {
    "job_id": "a" * 32, "backtest_id": "b", "strategy_id": "c", "strategy_version": 1, "new_version": True,
    "name": "Plain on AAPL", "status": "PENDING",
}  # fmt: skip


def test_what_was_taken_is_a_job_whatever_is_asked_next(monkeypatch, tmp_path):
    door = Answers(monkeypatch, tmp_path, (202, TAKEN), (500, {"detail": "broken", "code": "INTERNAL"}))
    job = al.submit(Plain, DATA)
    assert (job.id, job.name, job.finished) == ("a" * 32, "Plain on AAPL", False)
    assert repr(job) == f"<Job {'a' * 32} Plain on AAPL: waits in the queue>"
    with pytest.raises(ServerError, match="broken"):
        _ = job.status
    door.close()
    assert [request[:2] for request in door.requests] == [("POST", "/v1/backtests"), ("GET", f"/v1/jobs/{'a' * 32}")]


def test_work_that_was_not_answered_in_time_is_handed_over_once_more_under_its_key(monkeypatch, tmp_path):
    monkeypatch.setattr(_door, "SECONDS", 0.3)
    door = Answers(monkeypatch, tmp_path, None, (202, TAKEN))
    assert al.submit(Plain, DATA).id == "a" * 32
    door.close()
    first, second = door.requests
    assert first == second
    assert first[2] is not None


def test_what_is_never_answered_is_told_after_the_second_time(monkeypatch, tmp_path):
    monkeypatch.setattr(_door, "SECONDS", 0.2)
    door = Answers(monkeypatch, tmp_path, None, None, None)
    with pytest.raises(ServerError, match="did not answer") as caught:
        al.submit(Plain, DATA)
    assert caught.value.code == "TIMEOUT"
    with pytest.raises(ServerError, match="did not answer"):
        al.jobs()
    door.close()
    assert [request[0] for request in door.requests] == ["POST", "POST", "GET"]


def test_more_than_the_server_takes_is_not_sent(monkeypatch, tmp_path):
    monkeypatch.setenv(_door.SOCKET_VARIABLE, str(tmp_path / "gone.sock"))
    monkeypatch.setenv(_door.TOKEN_VARIABLE, "t")
    with pytest.raises(ServerError, match="8,388,608") as caught:
        _door.ask("POST", "/v1/backtests", {"code": "x" * (9 << 20)})
    assert caught.value.code == "TOO_LARGE"


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"strategy": Plain, "data": pd.DataFrame()}, ParameterError, "name of a dataset, got DataFrame"),
        ({"strategy": Plain(), "data": DATA}, ParameterError, "must be a class"),
        ({"strategy": int, "data": DATA}, ParameterError, "does not derive from al.Strategy"),
        ({"engine": "backtrader"}, ParameterError, "a job cannot take engine"),
        ({"compiled": False}, ParameterError, "a job cannot take compiled"),
        ({"detail": pd.DataFrame({"close": [1.0, 2.0]})}, ParameterError, "a job cannot take detail"),
        ({"rates": pd.DataFrame({"EURUSD": [1.0, 2.0]})}, ParameterError, "a job cannot take rates"),
        ({"instruments": {"A": None}}, ParameterError, "a job cannot take instruments"),
        ({"benchmark": pd.DataFrame()}, ParameterError, "benchmark is the name"),
        ({"features": {"vix": pd.DataFrame()}}, ParameterError, "features are names of datasets"),
        ({"features": pd.DataFrame()}, ParameterError, "features are names of datasets"),
        ({"reference": pd.DataFrame()}, ParameterError, "reference is the name of a dataset"),
        ({"methodology": "guess"}, ParameterError, "no methodology 'guess'"),
        ({"commission": 2}, RuleError, r"outside \[0, 0.5\]"),
    ],
)
def test_what_a_job_cannot_take_is_refused_before_anything_is_sent(arguments, error, words):
    given = {"strategy": Plain, "data": DATA} | arguments
    with pytest.raises(error, match=words):
        al.submit(**given)


def test_arguments_of_a_backtest_become_those_of_the_server():
    settings = submitting._settings(
        {
            "start": dt.date(2005, 1, 3),
            "end": pd.Timestamp("2010-12-31", tz="UTC"),
            "cash": np.int64(50_000),
            "commission": al.Commission(per_share=0.005, minimum=1, tiers=((1000.0, 0.001), (float("inf"), 0.0005))),
            "slippage": {"spread": 0.02},
            "params": {"fast": np.int64(5), "words": ("a", "b")},
            "seed": 7,
            "risk_free_rate": 0.01,
            "benchmark": DATA,
            "features": {"vix": "vix-daily"},
            "reference": "actions@1",
            "max_share": None,
            "check": True,
        }
    )
    assert settings == {
        "start_date": "2005-01-03",
        "end_date": "2010-12-31T00:00:00+00:00",
        "initial_capital": "50000",
        "commission": {"per_share": "0.005", "minimum": "1.0", "tiers": [["1000.0", "0.001"], [None, "0.0005"]]},
        "slippage": {"spread": "0.02"},
        "profile": "default",
        "parameters": {"fast": 5, "words": ["a", "b"]},
        "seed": 7,
        "risk_free_rate": 0.01,
        "rules": {"max_share": None},
        "benchmark": DATA,
        "features": {"vix": "vix-daily"},
        "reference": "actions@1",
    }


def test_defaults_are_those_of_a_backtest_not_the_servers():
    assert submitting._settings({}) == {
        "initial_capital": "100000", "slippage": "0.0", "commission": "0.0", "profile": "default",
        "parameters": {}, "seed": 0, "risk_free_rate": 0.0, "rules": {},
    }  # fmt: skip
    # A profile with fees of its own takes them.
    assert "commission" not in submitting._settings({"profile": "lean"})
    assert submitting._settings({"profile": "lean", "commission": 0})["commission"] == "0.0"


def test_grids_become_json():
    asked = submitting._method("walk-forward", {"grid": {"fast": range(5, 20, 5), "slow": np.array([1.5, 2])}})
    assert asked == {
        "methodology": "WALK_FORWARD",
        "method": {"grid": {"fast": [5, 10, 15], "slow": [1.5, 2.0]}},
    }
