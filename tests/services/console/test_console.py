"""What all commands have in common: help, trouble in one line, progress, exit codes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from services.audit.verdict import AuditVerdict
from services.cli import COMMAND_TARGETS, cli, main
from services.console import progress as shown
from services.console.doctor.database import check_database
from services.console.doctor.finding import Finding
from services.console.doctor.program import check_directory, check_program
from services.console.exit_codes import Stopped
from services.console.schema import wire_schema
from services.console.stopping import stop_on_trouble
from services.embedded.memory import clear_in_memory
from services.journal import trouble
from services.journal.trouble import FencedOff, JournalTrouble
from services.sources.source import SourceTrouble
from tests.services.reports.small_market import BROKEN, SMALL_MARKET


def clearing(*arguments: str, sent: bytes = b"") -> Result:
    """The command line, in this process."""
    stream = io.BufferedReader(io.BytesIO(sent))
    return CliRunner().invoke(cli, arguments, input=stream)


@pytest.mark.parametrize("command", [None, *COMMAND_TARGETS])
def test_every_command_helps_with_an_example(command: str | None) -> None:
    result = clearing(*([command] if command else []), "--help")
    assert result.exit_code == 0
    assert "Example:\n    clearing" in result.output


def kinds_of_trouble() -> list[type[Exception]]:
    """The whole tree, and the trouble of sources."""
    tree = [one for one in vars(trouble).values() if isinstance(one, type)]
    return [SourceTrouble, *(one for one in tree if issubclass(one, JournalTrouble))]


@pytest.mark.parametrize("kind", kinds_of_trouble(), ids=lambda kind: kind.__name__)
def test_trouble_is_one_line_and_exit_code_2(kind: type[Exception]) -> None:
    with pytest.raises(Stopped) as stopped, stop_on_trouble():
        raise kind(*["found\nthis"])
    assert stopped.value.exit_code == 2
    assert stopped.value.format_message().startswith("found")


def test_who_is_fenced_off_hears_of_the_other_process() -> None:
    with pytest.raises(Stopped, match="another process writes this journal"), stop_on_trouble():
        raise FencedOff


@pytest.mark.parametrize(
    "url",
    [
        "postgresql//me:hunter2@db.test/books",
        "postgresql://me:hunter2@[db.test/books",
        "postgresql://me:hunter2%@db.test/books",
        "postgresql://me:a@hunter2@db.test/books",
        "postgresql://me:hunter2/a@db.test/books",
        "postgresql://me:hunter2@db..test/books",
        "postgresql://me:hunter2@standby.test,db..test/books",
    ],
)
@pytest.mark.parametrize("command", ["verify", "doctor", "worker"])
def test_a_url_that_nobody_understands_is_not_repeated(command: str, url: str) -> None:
    result = clearing(command, "--database", url)
    assert result.exit_code != 0
    assert "database: not a URL that Postgres understands" in result.output
    assert "hunter2" not in result.output


def test_a_broken_law_is_not_told_as_trouble() -> None:
    with pytest.raises(AssertionError), stop_on_trouble():
        raise AssertionError


@pytest.mark.parametrize("command", [("replay",), ("verify",), ("report", "trades")])
def test_who_only_reads_makes_no_books(tmp_path: Path, command: tuple[str, ...]) -> None:
    result = clearing(*command, "--data", str(tmp_path / "none"))
    assert (result.exit_code, (tmp_path / "none").exists()) == (2, False)
    assert "there are no books" in result.stderr


@pytest.mark.parametrize("command", [("clear", "--commands", "-"), ("report", "trades")])
@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("other", "other/postgres is no Postgres of ours"),
        ("file", "file is not a directory"),
        ("file/books", "file is not a directory"),
    ],
)
def test_a_data_directory_of_others_is_named_as_such(
    tmp_path: Path, command: tuple[str, ...], data: str, said: str
) -> None:
    (tmp_path / "other/postgres").mkdir(parents=True)
    (tmp_path / "file").touch()
    result = clearing(*command, "--data", str(tmp_path / data))
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert f"{said}" in result.stderr
    assert result.stderr.endswith("choose another --data\n")


def test_the_help_of_report_calls_its_argument_by_a_name() -> None:
    assert "report [OPTIONS] NAME\n" in clearing("report", "--help").output
    assert "'nope' is not one of" in clearing("report", "nope").stderr


def test_a_database_without_a_journal_says_what_to_do_first(database: str) -> None:
    result = clearing("report", "trades", "--database", database)
    assert result.exit_code == 2
    assert "clearing clear --commands FILE" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nonsense",), "'nonsense' is not one of"),
        (("trades", "--date", "8.6.2026"), "expected a date YYYY-MM-DD"),
        (("prices", "--member", "A"), "takes --contract, --product, not --member"),
        (("trades", "--date", "2020-01-06"), "there is no session on 2020-01-06; none was opened"),
        (("trades", "--date", "2026-06-08", "--to", "2026-06-09"), "or --from and --to"),
        (("trades", "--from", "2026-06-09", "--to", "2026-06-08"), "--from before --to"),
        (("trade", "--trade", "T", "--from", "2026-06-09"), "takes no --from"),
        (("halts", "--contract", "SITU6"), "no contract SITU6; symbols look like SITU26"),
        (("trade",), "needs --trade"),
        (("trades", "--product", "XYZ"), "no product XYZ is in use; there are SIT"),
        (("statement", "--member", "Z"), "there is no member Z"),
    ],
)
def test_a_report_asked_for_wrongly_is_exit_code_2(
    database: str, arguments: tuple[str, ...], said: str
) -> None:
    clearing("clear", "--commands", "-", "--database", database, sent=b"{}\n")
    result = clearing("report", *arguments, "--database", database)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_report_is_printed_in_the_format_asked_for(database: str) -> None:
    sent = b"".join(line + b"\n" for line in SMALL_MARKET)
    clearing("clear", "--commands", "-", "--database", database, sent=sent)
    asked = ("report", "trades", "--date", "2026-06-08", "--database", database)
    table, document = clearing(*asked), json.loads(clearing(*asked, "--format", "json").stdout)
    assert table.stdout.startswith("Trade register of 2026-06-08\n")
    assert [row["trade_id"] for row in document["rows"]] == ["T1", "T2", "T2", "T3", "T3"]
    assert clearing(*asked, "--format", "csv").stdout.count("\n") == 1 + 5


def test_a_report_of_several_dates_is_one_report(database: str) -> None:
    sent = b"".join(line + b"\n" for line in SMALL_MARKET)
    clearing("clear", "--commands", "-", "--database", database, sent=sent)
    wanted = ("report", "trades", "--format", "json", "--database", database)

    def dates(*options: str) -> list[str]:
        rows = json.loads(clearing(*wanted, *options).stdout)["rows"]
        return [*dict.fromkeys(row["business_date"] for row in rows)]

    assert dates("--from", "2026-06-08", "--to", "2026-06-30") == ["2026-06-08", "2026-06-09"]
    assert dates("--from", "2026-06-09") == ["2026-06-09"]
    assert dates("--to", "2026-06-08") == ["2026-06-08"]
    assert dates() == ["2026-06-08"]


def test_the_schema_has_every_field_of_every_fact_as_it_stands_on_the_wire() -> None:
    schema = json.loads(clearing("schema").stdout)
    assert schema == json.loads(json.dumps(wire_schema()))
    for fact in clear_in_memory(SMALL_MARKET):
        model = schema["facts"][fact["type"]]
        assert model["properties"]["type"] == {"const": fact["type"]}
        assert fact.keys() == model["properties"].keys()
        assert sorted(fact) == sorted(model["required"])


def test_the_schema_has_every_field_of_every_command() -> None:
    commands = wire_schema()["commands"]
    for line in SMALL_MARKET:
        if line != BROKEN:
            fields = json.loads(line)
            assert fields.keys() == commands[fields["type"]]["properties"].keys()


def test_verify_agrees_with_what_was_cleared(database: str) -> None:
    sent = b"".join(line + b"\n" for line in SMALL_MARKET)
    clearing("clear", "--commands", "-", "--database", database, sent=sent)
    for start in ("start", "snapshot"):
        result = clearing("verify", "--from", start, "--database", database)
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith(
            "The journal is what its input makes of it: no difference.\n"
        )
        assert ("; not rows 0 to " in result.stdout) == (start == "snapshot")


def test_verify_compares_with_a_list_of_days(database: str, tmp_path: Path) -> None:
    sent = b"".join(line + b"\n" for line in SMALL_MARKET)
    clearing("clear", "--commands", "-", "--database", database, sent=sent)
    days = clearing("days", "--format", "csv", "--database", database).stdout
    listed = tmp_path / "days.csv"
    asked = ("verify", "--expect", str(listed), "--json", "--database", database)
    assert clearing(*asked).exit_code == 2
    listed.write_text(days)
    assert json.loads(clearing(*asked).stdout)["agrees"] is True
    first, second = days.splitlines()[1:3]
    listed.write_text(days.replace(second, second.replace("market/SIT", "market/SCU")))
    result = clearing(*asked)
    (difference,) = json.loads(result.stdout)["differences"]
    assert result.exit_code == 1
    assert difference.startswith(f"{first[:10]} market/SCU expected this day")


def test_verify_names_what_differs_and_exits_with_1(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clearing("clear", "--commands", "-", "--database", database, sent=b"{}\n")
    found = AuditVerdict(["member/0 7 differs"], [], is_streamed=False)
    monkeypatch.setattr("services.audit.verify.audit", lambda _url, **_: found)
    result = clearing("verify", "--database", database)
    assert (result.exit_code, result.stdout.splitlines()[0]) == (1, "member/0 7 differs")


def test_patterns_are_those_of_json_schema() -> None:
    assert r"\A" not in json.dumps(wire_schema())


def test_the_schema_lists_parameters_reasons_and_products() -> None:
    schema = wire_schema()
    assert schema["refusals"]["trades"][1] == "malformed"
    assert {"name", "type", "default", "source"} <= schema["parameters"][0].keys()
    assert [product["code"] for product in schema["products"]] == ["SIT", "SCU"]


def test_the_doctor_finds_nothing_wrong_with_our_own_database(database: str) -> None:
    findings = list(check_database(database))
    assert [one.text for one in findings if one.verdict == "fail"] == []
    assert {"fsync", "full_page_writes", "roles", "schema"} <= {one.what for one in findings}


def test_the_doctor_names_a_database_that_does_not_answer() -> None:
    (finding,) = check_database("postgresql://nobody@localhost:1/none")
    assert finding.verdict == "fail"
    assert "--database" in finding.advice


def test_the_doctor_names_a_directory_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    findings = check_directory(tmp_path / "file" / "books")
    assert [one.what for one in findings if one.verdict == "fail"] == ["data directory"]


def test_the_doctor_knows_our_python_and_packages() -> None:
    findings = {one.what: one for one in check_program()}
    assert findings["Python"].verdict == "ok"


def test_the_doctor_makes_nothing_and_fails_by_its_exit_code(tmp_path: Path) -> None:
    result = clearing("doctor", "--data", str(tmp_path / "none"))
    failed = [line for line in result.stdout.splitlines() if line.startswith("fail")]
    assert (result.exit_code, (tmp_path / "none").exists()) == (int(bool(failed)), False)


def test_a_finding_says_what_to_do() -> None:
    finding = Finding("warn", "disk", "2.0 GiB free", "make room")
    assert finding.text == f"warn  {'disk':<26}  2.0 GiB free  — make room"


def test_progress_is_plain_lines_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = iter([0.0, 3.0, 11.0, 11.0, 14.0, 22.0, 22.0])
    monkeypatch.setattr(shown, "monotonic", lambda: next(now))
    with shown.progress("clearing day", total=200) as advance:
        for done in (10, 50, 60, 100):
            advance(done, f"{done} lines")
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "clearing day: 25 %, 50 lines\nclearing day: 50 %, 100 lines\n"


def test_main_ends_with_the_exit_code_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(**_: object) -> None:
        msg = "no"
        raise Stopped(msg)

    monkeypatch.setattr(cli, "main", stopped)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2


def test_an_interrupt_is_neither_success_nor_a_broken_law(monkeypatch: pytest.MonkeyPatch) -> None:
    def aborted(**_: object) -> None:
        raise click.Abort

    monkeypatch.setattr(cli, "main", aborted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
