"""Rows of a real PostgreSQL: typed, bounded, read-only, from a time on."""

import ssl
from datetime import UTC, datetime

import pytest
from alphintra_kernel.fetching import postgres_source
from alphintra_kernel.fetching.addresses import Allowed
from alphintra_kernel.fetching.asked import Asked, Fetched
from alphintra_kernel.user_source import JobError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ..postgres import postgres, postgres_url  # noqa: F401  fixtures
from ..server.postgres_door import PASSWORD, postgres_door  # noqa: F401  a fixture

QUERY = "SELECT at, symbol, day, close, size, ok, x FROM bars WHERE at > %(since)s AND at <= %(until)s ORDER BY at;"


@pytest.fixture
def fetch(postgres_door, tmp_path):  # noqa: F811
    def go(query=QUERY, *, most=20_000_000, networks=("127.0.0.0/8",), secret=PASSWORD, since="2024-01-01", **more):
        asked = Asked(
            source={
                "host": "127.0.0.1", "port": postgres_door.port, "database": postgres_door.database, "user": "fetcher",
                "sslmode": "prefer", "query": query, **more,
            },
            secret={"password": secret}, since=datetime.fromisoformat(since).replace(tzinfo=UTC),
            until=datetime(2024, 6, 1, tzinfo=UTC), allowed=Allowed(networks), most_bytes=most, folder=tmp_path,
        )  # fmt: skip
        target = tmp_path / "rows.csv"
        return postgres_source.fetch(asked, target), target.read_text().splitlines()

    return go


def refusal(fetch, *arguments, **more):
    with pytest.raises(JobError) as caught:
        fetch(*arguments, **more)
    return caught.value


def test_rows_come_as_text_that_is_read_as_what_they_are(postgres_door, fetch):  # noqa: F811
    owner = postgres_door.owner
    owner.execute(
        "CREATE TABLE bars (at timestamptz, symbol text, day date, close numeric, size float8, ok bool, x text)"
    )
    owner.execute("GRANT SELECT, DELETE ON bars TO fetcher")
    owner.execute(
        "INSERT INTO bars VALUES ('2024-01-01 00:00+00', 'A', '2024-01-01', 1, 1, true, 'old'),"
        " ('2024-01-02 09:30-05', 'A', '2024-01-02', 1.10, 0.1, true, 'a,\"b\"'),"
        " ('2024-01-03 09:30:00.5-05', 'B', '2024-01-03', 1e3, 'NaN', false, NULL),"
        " ('2024-07-01 00:00+00', 'A', '2024-07-01', 1, 1, true, 'later')"
    )
    found, lines = fetch()
    assert found == Fetched("fetched", f"{postgres_door.database}.csv")
    assert lines == [
        "at,symbol,day,close,size,ok,x",
        '2024-01-02T14:30:00.000000Z,A,2024-01-02,1.10,0.1,true,"a,""b"""',
        "2024-01-03T14:30:00.500000Z,B,2024-01-03,1000,nan,false,",
    ]
    assert fetch(since="2024-05-01")[0] == Fetched("empty")

    wrong = refusal(fetch, secret="wrong-pa55")
    assert wrong.code == "SOURCE_REFUSED"
    assert "wrong-pa55" not in str(wrong)
    assert refusal(fetch, "DELETE FROM bars").code == "SOURCE_STATUS"
    assert refusal(fetch, "WITH d AS (DELETE FROM bars RETURNING 1) SELECT * FROM d").code == "SOURCE_STATUS"
    assert refusal(fetch, "SELECT * FROM pg_authid").code == "SOURCE_REFUSED"
    assert refusal(fetch, "SELECT nothing").code == "SOURCE_STATUS"
    # Of the query as well: it is not worth trying again a little later, as an unreachable server is.
    assert refusal(fetch, "SELECT * FROM bars WHERE x LIKE 'a%'").code == "SOURCE_STATUS"
    assert refusal(fetch, "SELECT '20000-01-01'::timestamptz AS at").code == "SOURCE_STATUS"
    assert refusal(fetch, port=1).code == "SOURCE_UNREACHABLE"
    assert refusal(fetch, networks=()).code == "SOURCE_ADDRESS"
    assert owner.execute("SELECT count(*) FROM bars").fetchone() == (4,)


def test_rows_are_written_while_they_come(fetch):
    """So that the bound on bytes ends it long before all are here."""
    found, lines = fetch("SELECT n, repeat('x', 40) AS x FROM generate_series(1, 12000) AS n")
    assert (found.state, len(lines), lines[-1]) == ("fetched", 12_001, "12000," + "x" * 40)
    assert refusal(fetch, "SELECT generate_series(1, 1000000000000) AS n", most=100_000).code == "SOURCE_TOO_LARGE"


def certificate(folder):
    """A key with a certificate that it signed itself, for this machine's name; the file of both."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, datetime(2024, 1, 1), datetime(2124, 1, 1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    file = folder / "server.pem"
    pem = serialization.Encoding.PEM
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.sign(key, hashes.SHA256()).public_bytes(pem)
    )
    return file


def test_whose_the_server_is_can_be_checked(postgres_door, fetch, tmp_path, monkeypatch):  # noqa: F811
    file = certificate(tmp_path)
    postgres_door.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    postgres_door.tls.load_cert_chain(file)
    monkeypatch.setattr(postgres_source, "resolve", lambda *_: "127.0.0.1")  # the door has no ::1
    more = {"host": "localhost"}
    assert fetch("SELECT 1 AS n", sslmode="require", **more)[1] == ["n", "1"]
    assert refusal(fetch, "SELECT 1 AS n", sslmode="verify-full", **more).code == "SOURCE_CERTIFICATE"
    # An authority that this machine trusts, as it trusts those of web servers.
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    assert fetch("SELECT 1 AS n", sslmode="verify-full", **more)[1] == ["n", "1"]
    assert refusal(fetch, "SELECT 1 AS n", sslmode="verify-full").code == "SOURCE_CERTIFICATE"  # 127.0.0.1 is no name
