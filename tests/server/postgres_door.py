"""A way from a TCP port to a PostgreSQL that listens on a UNIX socket alone, for who speaks TCP."""

import contextlib
import socket
import threading

import psycopg
import pytest
from sqlalchemy import make_url

PASSWORD = "s3cret-pa55"
SSL_REQUEST = bytes.fromhex("0000000804d2162f")


class Door:
    """Passes bytes between a port of this machine's and the server's socket, and has a role that needs its password.

    Attributes:
        tls: Where set, who asks for encryption gets it, as from a server that has a certificate.
        port: The port.
        database: Name of a database of its own.
        owner: A connection that may write there.
    """

    def __init__(self, postgres, url):
        self.tls = None
        self._goal = str(postgres.folder / ".s.PGSQL.5432")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.database = make_url(url).database
        self.owner = psycopg.connect(
            host=str(postgres.folder), user="postgres", dbname=self.database, autocommit=True, connect_timeout=10
        )
        rules = postgres.folder / "data" / "pg_hba.conf"
        rule = "local all fetcher scram-sha-256\n"
        if rule not in rules.read_text():
            rules.write_text(rule + rules.read_text())
            self.owner.execute("SELECT pg_reload_conf()")
        self.owner.execute("DROP ROLE IF EXISTS fetcher")
        self.owner.execute(f"CREATE ROLE fetcher LOGIN PASSWORD '{PASSWORD}'")
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                one, _ = self._listener.accept()
            except OSError:
                return
            if self.tls is not None and one.recv(8) == SSL_REQUEST:
                one.sendall(b"S")
                try:
                    one = self.tls.wrap_socket(one, server_side=True)
                except OSError:  # the client does not like the certificate
                    continue
            other = socket.socket(socket.AF_UNIX)
            other.connect(self._goal)
            for source, goal in ((one, other), (other, one)):
                threading.Thread(target=_pass_on, args=(source, goal), daemon=True).start()

    def close(self):
        self.owner.execute("DROP OWNED BY fetcher")
        self.owner.execute("DROP ROLE fetcher")
        self.owner.close()
        self._listener.close()


def _pass_on(source, goal):
    try:
        while block := source.recv(1 << 16):
            goal.sendall(block)
    except OSError:
        pass
    finally:
        for end in (source, goal):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def postgres_door(postgres, postgres_url):
    made = Door(postgres, postgres_url)
    yield made
    made.close()
