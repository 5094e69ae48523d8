"""Databases behind a URL: the machine's Postgres works alike, one that may lose rows is refused."""

from pathlib import Path

import psycopg
import pytest

from services.embedded.clear import clear
from services.journal.embedded import EmbeddedServer
from tests.faults.kills import new_database
from tests.faults.markets import hostile, plain
from tests.faults.victims import ended
from tests.journal_contents import assert_equal, contents


def test_the_postgres_of_the_machine_holds_the_same_journal(
    tmp_path: Path, machine_postgres: EmbeddedServer, calm_url: str
) -> None:
    path = hostile(tmp_path, 6)
    with new_database(machine_postgres) as url:
        done = ended(["--commands", str(path), "--database", url], tmp_path / "log")
        assert done.code == 0, done
        clear(calm_url, str(path))
        assert_equal(contents(url), contents(calm_url))
        assert (
            "was cleared before"
            in ended(["--commands", str(path), "--database", url], tmp_path / "log").said
        )


@pytest.mark.parametrize("where", ["DATABASE {}", "ROLE clearing IN DATABASE {}"])
def test_a_database_that_does_not_wait_for_the_disk_is_refused(
    tmp_path: Path, url: str, where: str
) -> None:
    with psycopg.connect(url, autocommit=True) as admin:
        place = where.format(admin.info.dbname)
        admin.execute(f"ALTER {place} SET synchronous_commit = off".encode())
    ending = ended(["--commands", str(plain(tmp_path, 1)), "--database", url], tmp_path / "log")
    assert ending.code == 2, ending
    assert "synchronous_commit is off" in ending.said
    assert "Traceback" not in ending.said


@pytest.mark.parametrize("name", ["fsync", "full_page_writes"])
def test_a_server_that_does_not_sync_is_refused_and_untouched(tmp_path: Path, name: str) -> None:
    with EmbeddedServer(tmp_path / "data") as server:
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute(f"ALTER SYSTEM SET {name} = off".encode())
            admin.execute("SELECT pg_reload_conf(), pg_sleep(0.2)")
        path = str(plain(tmp_path, 1))
        ending = ended(["--commands", path, "--database", server.url], tmp_path / "log")
        assert ending.code == 2, ending
        assert f"{name} is off" in ending.said
        with psycopg.connect(server.url) as admin:
            assert admin.execute("SELECT to_regnamespace('clearing')").fetchone() == (None,)


def test_a_database_that_is_not_there_is_said_plainly(tmp_path: Path) -> None:
    path, nowhere = str(plain(tmp_path, 1)), f"postgresql://clearing@/x?host={tmp_path}"
    ending = ended(["--commands", path, "--database", nowhere], tmp_path / "log")
    assert ending.code == 2, ending
    assert "cannot connect to the database" in ending.said


def test_input_that_cannot_be_opened_is_said_plainly(tmp_path: Path) -> None:
    data = tmp_path / "data"
    ending = ended(["--commands", "/no/such/file", "--data", str(data)], tmp_path / "log")
    assert ending.code == 2, ending
    assert "cannot open /no/such/file" in ending.said
