"""TLS to Postgres is asked for in the URL, and kept: a real server that has a certificate."""

from __future__ import annotations

from typing import Final

import pytest

from services.journal.connecting import connect, setting
from services.journal.trouble import DatabaseUnreachable
from tests.guarded_postgres import OTHER, GuardedServer

DATABASE: Final = "postgres"


@pytest.fixture(scope="module")
def guarded(guarded_postgres: GuardedServer) -> GuardedServer:
    """A server that speaks to nobody but by TLS, and lets in who has a password."""
    guarded_postgres.allow(DATABASE)
    return guarded_postgres


def test_verify_full_reaches_a_server_whose_certificate_is_vouched_for(
    guarded: GuardedServer,
) -> None:
    with connect(guarded.url_of(DATABASE), role=None) as connection:
        query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        assert connection.execute(query).fetchone() == (True,)


def test_the_server_notices_a_machine_that_is_gone(guarded: GuardedServer) -> None:
    with connect(guarded.url_of(DATABASE), role=None) as connection:
        names = [f"tcp_keepalives_{name}" for name in ("idle", "interval", "count")]
        assert [setting(connection, name) for name in names] == ["20", "5", "4"]


def test_a_server_that_nobody_vouches_for_is_not_spoken_to(guarded: GuardedServer) -> None:
    with pytest.raises(DatabaseUnreachable, match="certificate verify failed"):
        connect(guarded.url_of(DATABASE, sslrootcert=str(OTHER)))


def test_a_certificate_for_another_name_is_not_believed(guarded: GuardedServer) -> None:
    url = guarded.url_of(DATABASE).replace("@localhost", "@db.test")
    with pytest.raises(DatabaseUnreachable, match=r'does not match host name "db.test"'):
        connect(url)


def test_such_a_server_refuses_whoever_comes_without_tls(guarded: GuardedServer) -> None:
    with pytest.raises(DatabaseUnreachable, match="no encryption"):
        connect(guarded.url_of(DATABASE, sslmode="disable"))
