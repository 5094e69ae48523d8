"""`clearing feed`, `send` and `tail` on a real Kafka with a real worker: what an operator sees."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result

from services.cli import cli
from services.console.clear_command import fact_pieces
from services.journal.embedded import EmbeddedServer
from services.journal.migrate import migrate
from services.journal.reader import Reader
from tests.services.worker.test_shards_agree import embedded_hashes
from tests.streaming_house import StreamingHouse
from tests.twin.generate import written

LINES: Final = [line for line in written(2, 2).lines if line.strip()]
AT: Final = "at=2026-06-08T14:00:00Z"
LAST: Final = next(f"at={json.loads(one)['at']}" for one in LINES[::-1] if b"close_session" in one)
HEADER: Final = b"ID,contract,Px,lots,buyer,seller,executed_at\n"
ROW: Final = b"T1,SITZ26,2.07,5,A1,B1,2026-06-08T14:00:00Z\n"
MAPS: Final = ("--csv", "--map", "trade_id=ID", "--map", "price=Px")


def clearing(house: StreamingHouse, *arguments: str, sent: bytes = b"") -> Result:
    """The command line, in this process, with the settings of a house."""
    stream = io.BufferedReader(io.BytesIO(sent))
    return CliRunner(env=house.environment()).invoke(cli, arguments, input=stream)


@pytest.fixture
def idle(broker: str, postgres: EmbeddedServer, tmp_path: Path) -> Iterator[StreamingHouse]:
    """A house in which no worker runs."""
    with StreamingHouse(broker, postgres, tmp_path) as house:
        yield house


@pytest.fixture(scope="module")
def busy(
    broker: str, postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StreamingHouse]:
    """A house with a worker that has cleared a small market, fed from a packed file."""
    folder = tmp_path_factory.mktemp("house")
    file = folder / "day.jsonl.gz"
    file.write_bytes(gzip.compress(b"\r\n".join(LINES)))
    with StreamingHouse(broker, postgres, folder) as house:
        house.start_worker()
        result = clearing(house, "feed", str(file), "--timeout", "60")
        assert result.exit_code == 0, result.output
        assert f"fed {len(LINES):,} lines" in result.stderr
        house.await_durable()
        yield house


def test_the_order_of_a_fed_file_is_the_order_everywhere(busy: StreamingHouse) -> None:
    assert busy.day_hashes() == embedded_hashes(LINES) != {}


def test_tail_shows_the_facts_of_the_journal(busy: StreamingHouse) -> None:
    shown = clearing(busy, "tail", "--from-start", "--until-idle", "0.1", "--shard", "member/0")
    with Reader(busy.url) as reader:
        facts = [fact for piece in fact_pieces(reader) for fact in piece.splitlines()]
    own = [fact for fact in facts if json.loads(fact)["shard"] == "member/0"]
    assert (shown.exit_code, shown.stdout_bytes.splitlines()) == (0, own)


def test_a_command_that_stands_is_answered_with_its_facts(busy: StreamingHouse) -> None:
    admit = ("send", "admit_member", "member=NEW", "name=New & Sons", LAST)
    again = [clearing(busy, *admit) for _ in range(2)]
    assert [one.exit_code for one in again] == [0, 0]
    assert [json.loads(line)["type"] for line in again[0].stdout.splitlines()] == [
        "member_admitted/1"
    ]
    assert "nothing new" in again[1].stderr


def test_a_refused_command_is_exit_code_3_with_the_refusal(busy: StreamingHouse) -> None:
    fields = ("reference=r1", "account=NOBODY", "asset=USD", "amount_cents=5")
    result = clearing(busy, "send", "deposit_collateral", *fields, LAST)
    assert (result.exit_code, json.loads(result.stdout)["type"]) == (3, "command_refused/1")


def test_without_a_time_a_command_has_that_of_this_machine(busy: StreamingHouse) -> None:
    result = clearing(busy, "send", "admit_member", "member=LATE", "name=Late")
    (fact,) = map(json.loads, result.stdout.splitlines())
    assert (fact["reason"], result.exit_code) == ("time_out_of_range", 3)
    assert "by the clock of this machine" in result.stderr


def test_rows_before_a_broken_one_are_in_kafka_and_the_line_is_named(
    idle: StreamingHouse, tmp_path: Path
) -> None:
    file = tmp_path / "trades.csv"
    file.write_bytes(HEADER + ROW * 3 + b'"T2"x,SITZ26\n' + ROW)
    result = clearing(idle, "feed", str(file), *MAPS)
    assert (result.exit_code, "line 5 of" in result.stderr) == (2, True)
    assert "--from-line 6 passes over it" in result.stderr
    assert len(idle.inbox("market/SIT")) == 3
    assert clearing(idle, "feed", str(file), *MAPS, "--from-line", "6").exit_code == 0
    assert len(idle.inbox("market/SIT")) == 4


def test_what_will_be_refused_as_malformed_is_told_and_fed(
    idle: StreamingHouse, tmp_path: Path
) -> None:
    file = tmp_path / "trades.csv"
    file.write_bytes(HEADER + ROW + ROW.replace(b",5,", b",many,"))
    result = clearing(idle, "feed", str(file), *MAPS)
    assert result.exit_code == 0, result.output
    assert "line 3 (T1) of" in result.stderr
    assert json.loads(idle.inbox("market/SIT")[1].value)["lots"] == "many"


def test_a_feed_and_a_send_name_the_shard_that_nobody_works_on(idle: StreamingHouse) -> None:
    line = b'{"type":"advance_clock/1","at":"2026-06-08T14:00:00Z"}\n'
    for arguments in (("feed", "-"), ("send", "advance_clock", AT)):
        result = clearing(idle, *arguments, "--timeout", "5", sent=line)
        assert result.exit_code == 2
        assert "control/0 has taken 0 messages; does a worker run" in result.stderr
    assert len(idle.inbox("control/0")) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("feed",), "Missing argument"),
        (("feed", "-", "-"), "read only once"),
        (("feed", "/no/such/file"), "cannot open /no/such/file"),
        (("feed", "-", "--rate", "fast"), "expected lines a second"),
        (("feed", "-", "--rate", "0/s"), "expected lines a second"),
        (("feed", "-", "--map", "price=Px"), "give --csv too"),
        (("feed", "-", "--csv", "--map", "prize=Px"), "no field 'prize'"),
        (("feed", "-", "--csv", "--map", "price"), "expected name=value"),
        (("feed", "-", "--csv", "--set", "lots=5", "--set", "lots=6"), "lots is given twice"),
        (("feed", "-"), "no topics are recorded"),
        (("send", "open_session"), "business_date is missing: expected a date"),
        (("send", "opensession"), "did you mean open_session"),
        (("send", "open_session", "today"), "expected name=value"),
        (("send", "open_session", "business_date=2026-06-08"), "no topics are recorded"),
    ],
)
def test_what_is_wrong_is_told_with_exit_code_2(
    broker: str, database: str, arguments: tuple[str, ...], said: str
) -> None:
    migrate(database)
    place = ("--database", database, "--brokers", broker)
    result = CliRunner().invoke(cli, [*arguments, *place])
    assert result.exit_code == 2
    assert said in result.stderr


def test_without_a_database_there_is_nothing_to_feed() -> None:
    result = CliRunner().invoke(cli, ["feed", "-"])
    assert (result.exit_code, "no database is named" in result.stderr) == (2, True)
