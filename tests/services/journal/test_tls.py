"""TLS to Postgres is asked for in the URL, and kept: a real server that has a certificate.

The wheel's Postgres is built without TLS; this is the machine's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import psycopg
import pytest

from services.journal.connecting import connect
from services.journal.embedded import EmbeddedServer
from services.journal.trouble import DatabaseUnreachable
from tests.kafka_broker import CERTIFICATE

OURS: Final = CERTIFICATE.with_name("ours_ca.pem")
OTHER: Final = CERTIFICATE.with_name("other_ca.pem")
# Any of loopback that no other server of these tests listens on; the certificate names localhost.
ADDRESS: Final = f"127.{os.getpid() >> 16 & 127 | 64}.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
ONLY_TLS: Final = "local all all trust\nhostssl all all 127.0.0.0/8 trust\n"
SETTINGS: Final = {
    "ssl": "on",
    "ssl_cert_file": "server.pem",
    "ssl_key_file": "server.pem",
    "listen_addresses": ADDRESS,
}


@pytest.fixture(scope="module")
def guarded(machine_binaries: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The port of a server that speaks to nobody but by TLS."""
    directory = tmp_path_factory.mktemp("tls")
    with (
        EmbeddedServer(directory, binaries=machine_binaries) as server,
        psycopg.connect(server.url, autocommit=True) as connection,
    ):
        for name, value in SETTINGS.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
    files = directory / "postgres"
    (files / "pg_hba.conf").write_text(ONLY_TLS, encoding="utf-8")
    certificate = files / "server.pem"
    certificate.write_bytes(CERTIFICATE.read_bytes())
    certificate.chmod(0o600)
    owner = files.stat()
    os.chown(certificate, owner.st_uid, owner.st_gid)
    with EmbeddedServer(directory, binaries=machine_binaries):
        yield "5432"


def url_by(port: str, *, host: str = "localhost", **parameters: str) -> str:
    """The URL of that server over its address, with parameters of libpq."""
    query = urlencode({"hostaddr": ADDRESS, **parameters})
    return f"postgresql://clearing@{host}:{port}/postgres?{query}"


def test_verify_full_reaches_a_server_whose_certificate_is_vouched_for(guarded: str) -> None:
    url = url_by(guarded, sslmode="verify-full", sslrootcert=str(OURS))
    with connect(url, role=None) as connection:
        query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        assert connection.execute(query).fetchone() == (True,)


def test_a_server_that_nobody_vouches_for_is_not_spoken_to(guarded: str) -> None:
    url = url_by(guarded, sslmode="verify-full", sslrootcert=str(OTHER))
    with pytest.raises(DatabaseUnreachable, match="certificate verify failed"):
        connect(url)


def test_a_certificate_for_another_name_is_not_believed(guarded: str) -> None:
    url = url_by(guarded, host="db.test", sslmode="verify-full", sslrootcert=str(OURS))
    with pytest.raises(DatabaseUnreachable, match=r'does not match host name "db.test"'):
        connect(url)


def test_such_a_server_refuses_whoever_comes_without_tls(guarded: str) -> None:
    with pytest.raises(DatabaseUnreachable, match="no encryption"):
        connect(url_by(guarded, sslmode="disable"))
