"""Fetching from web servers that behave, and from those that do not."""

import io
import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime

import pytest
from alphintra_kernel.fetching import addresses, http_source
from alphintra_kernel.fetching.addresses import Allowed
from alphintra_kernel.fetching.asked import Asked, Fetched, without, words
from alphintra_kernel.fetching.bounds import within
from alphintra_kernel.user_source import JobError

from ..server.source_server import source  # noqa: F401  a fixture

NOW = datetime(2024, 3, 10, 12, 30, tzinfo=UTC)
HERE = ("127.0.0.0/8", "::1/128")


@pytest.fixture
def fetch(source, tmp_path):  # noqa: F811
    def go(path, *, most=1_000_000, networks=HERE, secret=None, conditions=None, since=None, **more):
        asked = Asked(
            source={"url": source.url + path, "time_format": "iso", "most_pages": 3, **more}, secret=secret or {},
            since=since, until=NOW, conditions=conditions or {}, allowed=Allowed(networks), most_bytes=most,
            folder=tmp_path,
        )  # fmt: skip
        target = tmp_path / "fetched"
        found = http_source.fetch(asked, target)
        return found, target.read_bytes()

    return go


def refused(fetch, *arguments, **more):
    with pytest.raises(JobError) as caught:
        fetch(*arguments, **more)
    return caught.value.code


def test_a_file_comes_with_its_mark_and_a_second_time_only_if_it_has_changed(source, fetch):  # noqa: F811
    source.files["/a/b.csv"], source.etags["/a/b.csv"] = b"1,2\n", '"m1"'
    secret = {"headers": {"Authorization": "Bearer s3cret"}}
    assert fetch("/a/b.csv", secret=secret) == (Fetched("fetched", "b.csv", '"m1"'), b"1,2\n")
    assert source.asked[0][1]["Authorization"] == "Bearer s3cret"
    assert fetch("/a/b.csv", conditions={"etag": '"m1"'}) == (Fetched("unchanged"), b"")
    source.etags["/a/b.csv"] = '"m2"'
    assert fetch("/a/b.csv", conditions={"etag": '"m1"'})[0].etag == '"m2"'
    source.answers["/none"] = lambda handler: source.say(handler, 204)
    assert fetch("/none") == (Fetched("empty"), b"")


def test_what_broke_off_is_gone_on_with_and_begun_anew_where_it_has_changed(source, fetch):  # noqa: F811
    content = bytes(range(256)) * 1000
    source.files["/x"], source.etags["/x"] = content, '"m1"'
    source.answers["/x"] = lambda handler: source.give(handler, most=100_000)
    assert fetch("/x")[1] == content
    assert [headers.get("Range") for _, headers in source.asked] == [None, "bytes=100000-", "bytes=200000-"]
    source.asked.clear()

    def changed(handler):
        first = len(source.asked) == 1
        source.give(handler, most=100_000 if first else None)
        if first:  # the second answer is whole: whoever asked goes on while this is still at work
            source.files["/x"], source.etags["/x"] = b"another one", '"m2"'

    source.files["/x"], source.etags["/x"] = content, '"m1"'
    source.answers["/x"] = changed
    assert fetch("/x")[1] == b"another one"
    source.etags["/x"] = None
    source.files["/x"] = content
    source.answers["/x"] = lambda handler: source.give(handler, most=1_000)
    assert refused(fetch, "/x") == "SOURCE_BROKEN"


def test_each_bad_answer_has_its_code_and_nothing_is_read_beyond_the_bounds(source, fetch):  # noqa: F811
    for status, code in ((401, "REFUSED"), (404, "MISSING"), (429, "BUSY"), (503, "BUSY"), (418, "STATUS")):
        source.answers["/s"] = lambda handler, status=status: source.say(handler, status, b"no")
        assert refused(fetch, "/s") == f"SOURCE_{code}"
    source.files["/huge"] = b"x" * 2_000
    source.answers["/huge"] = lambda handler: source.give(handler, most=1)
    assert refused(fetch, "/huge", most=1_000) == "SOURCE_TOO_LARGE"
    assert len(source.asked) == 6

    def endless(handler):
        handler.close_connection = True
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b"x" * 2_000)

    source.answers["/endless"] = endless
    assert refused(fetch, "/endless", most=1_000) == "SOURCE_TOO_LARGE"
    source.answers["/slow"] = source.dribble
    with pytest.raises(JobError, match="fetch_seconds") as caught, within(0.2):
        fetch("/slow")
    assert caught.value.code == "SOURCE_SLOW"


def test_it_goes_only_where_it_may_and_takes_no_secret_elsewhere(source, fetch):  # noqa: F811
    source.files["/goal"] = b"found"
    secret = {"headers": {"X-Key": "s3cret"}}
    places = {"/near": "/goal", "/far": f"http://localhost:{source.port}/goal", "/round": "/round", "/file": "file:///x"}
    for path, goal in places.items():
        source.answers[path] = lambda handler, goal=goal: source.say(handler, 302, Location=goal)
    assert fetch("/near", secret=secret)[1] == b"found"
    assert source.asked[-1][1]["X-Key"] == "s3cret"
    assert fetch("/far", secret=secret)[1] == b"found"
    assert source.asked[-1][0] == "/goal"
    assert "X-Key" not in source.asked[-1][1]
    assert refused(fetch, "/round") == "SOURCE_REDIRECTS"
    assert refused(fetch, "/file") == "SOURCE_ADDRESS"
    for goal in ("http://[::1", "http://localhost:99999/"):
        source.answers["/nowhere"] = lambda handler, goal=goal: source.say(handler, 302, Location=goal)
        assert refused(fetch, "/nowhere") == "SOURCE_REDIRECTS"
    # Without the administrator's leave nobody gets here, and no request is made.
    source.asked.clear()
    assert refused(fetch, "/goal", networks=()) == "SOURCE_ADDRESS"
    assert refused(fetch, "/goal", networks=("10.0.0.0/8",)) == "SOURCE_ADDRESS"
    assert source.asked == []
    # A redirect is judged as the first address is.
    source.answers["/meta"] = lambda handler: source.say(handler, 302, Location="http://169.254.169.254/latest")
    assert refused(fetch, "/meta") == "SOURCE_ADDRESS"


def test_special_addresses_are_refused_however_they_are_written():
    nobody = Allowed()
    for address in (
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
        "2002:7f00:1::", "ff02::1", "/var/run/docker.sock", "localhost", "",
        # What clouds tell their machines, and forms of IPv4, that this Python's own tables call public.
        "192.0.0.192", "168.63.129.16", "::ffff:168.63.129.16", "64:ff9b:1::7f00:1", "::7f00:1", "fec0::1",
        "::ffff:0:7f00:1",
    ):  # fmt: skip
        assert address not in nobody, address
    for address in ("93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822", "::ffff:93.184.216.34"):
        assert address in nobody, address
    assert "10.1.2.3" in Allowed(["10.1.0.0/16"])
    assert "10.2.2.3" not in Allowed(["10.1.0.0/16"])


def test_this_machine_is_not_public_by_whatever_address(monkeypatch):
    """A server with a public address of its own reaches by it what a firewall keeps from everybody else."""
    monkeypatch.setattr(addresses, "_is_public", lambda _: True)
    nobody = Allowed()
    assert [address in nobody for address in ("127.0.0.1", "::ffff:127.0.0.1", "198.51.100.7")] == [False, False, True]
    assert "127.0.0.1" in Allowed(HERE)
    # Where any address can be bound, that says nothing.
    monkeypatch.setattr(addresses, "_binds", lambda _: True)
    assert "198.51.100.7" in nobody


def test_a_connection_is_judged_by_the_address_that_it_goes_to(source):  # noqa: F811
    """As in a worker: whatever code connects, and to whatever its name has become since it was looked up."""
    script = """
import json, socket, sys
from alphintra_kernel.fetching.addresses import Allowed, keep_to
port, said = int(sys.argv[1]), []
def can(do):
    try:
        do()
        return True
    except OSError as error:
        return type(error).__name__
keep_to(Allowed())
said.append(can(lambda: socket.create_connection(("localhost", port))))
said.append(can(lambda: socket.create_connection(("127.0.0.1", port))))
said.append(can(lambda: socket.socket(socket.AF_UNIX).connect("/tmp/x")))
said.append(can(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port))))
keep_to(Allowed(["127.0.0.0/8"]))
said.append(can(lambda: socket.create_connection(("127.0.0.1", port))))
print(json.dumps(said))
"""
    ran = subprocess.run([sys.executable, "-c", script, str(source.port)], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == ["AddressRefusedError"] * 4 + [True]


def test_pages_are_fetched_until_one_is_empty_and_packed(source, fetch):  # noqa: F811
    template = "/bars.csv?page={page}&from={start}&to={end}&key={token}"
    rest = "&from=2024-03-01T00%3A00%3A00Z&to=2024-03-10T12%3A30%3A00Z&key=a%26b"
    pages = {1: b"t,c\n1,1\n", 2: b"t,c\n2,2\n", 3: b"t,c\n"}
    for number, page in pages.items():
        source.files[f"/bars.csv?page={number}{rest}"] = page
    more = {"since": datetime(2024, 3, 1, tzinfo=UTC), "secret": {"token": "a&b"}}
    found, content = fetch(template, **more)
    assert found == Fetched("fetched", "bars.csv.zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "bars-000001.csv": pages[1], "bars-000002.csv": pages[2],
        }  # fmt: skip
    source.files[f"/bars.csv?page=1{rest}"] = b"[]"
    assert fetch(template, **more)[0] == Fetched("empty")
    for number in range(1, 6):
        source.files[f"/bars.csv?page={number}{rest}"] = b"t,c\n%d,1\n" % number
    assert refused(fetch, template, **more) == "SOURCE_TOO_LARGE"


def test_a_token_in_a_path_is_in_no_name_and_no_message(source, fetch):  # noqa: F811
    """The name stays with the dataset, for everybody to see with whom it is shared."""
    for token, written in (("k3y/a=", "k3y%2Fa%3D"), ("t" * 1000, "t" * 1000)):
        source.files[f"/v1/{written}"] = source.files[f"/v1/{written}.csv"] = b"1,2\n"
        secret = {"token": token}
        assert fetch("/v1/{token}", secret=secret)[0] == Fetched("fetched", "•••")
        assert fetch("/v1/{token}.csv", secret=secret)[0] == Fetched("fetched", "•••.csv")
        with pytest.raises(JobError, match=r"/v1/•••/x has nothing there") as caught:
            fetch("/v1/{token}/x", secret=secret)
        assert "k3y" not in str(caught.value)
        assert "ttt" not in str(caught.value)


def test_no_message_holds_a_secret():
    secret = {"headers": {"Authorization": "Bearer s3cret-token"}, "token": None, "password": "pa55"}
    told = without("who sent Bearer s3cret-token, s3cret-token or pa55?", words(secret))
    assert told == "who sent •••, ••• or •••?"
