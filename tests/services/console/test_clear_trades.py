"""`clearing clear` on CSV of trades, and its answers: one for each line that came in."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result

from services.cli import cli

OPENING: Final = (
    b'{"type":"open_session/1","business_date":"2026-06-08","at":"2026-06-08T00:00:00Z"}',
    b'{"type":"admit_member/1","member":"A","name":"A","at":"2026-06-08T00:00:01Z"}',
    b'{"type":"admit_member/1","member":"B","name":"B","at":"2026-06-08T00:00:01Z"}',
    *[
        b'{"type":"open_account/1","account":"%b-H","member":"%b","origin":"house","owner":"%b",'
        b'"at":"2026-06-08T00:00:01Z"}' % (name, name, name)
        for name in (b"A", b"B")
    ],
)
HEADER: Final = b"trade_id,contract,price,lots,buyer,seller,executed_at\n"
T1: Final = b"T1,SITM26,2.05,10,A-H,B-H,2026-06-08T09:00:01Z\n"
T2: Final = b"T2,SITM26,2.05,10,A-H,B-H,2026-06-08T09:00:02Z\n"
UNKNOWN: Final = b"T3,SITM26,2.05,10,A-H,C-H,2026-06-08T09:00:03Z\n"


def clearing(*arguments: str, sent: bytes | None = None) -> Result:
    """The command line, in this process."""
    stream = None if sent is None else io.BufferedReader(io.BytesIO(sent))
    return CliRunner().invoke(cli, arguments, input=stream)


def opened(database: str) -> tuple[str, ...]:
    """Books with two members, and where they are."""
    sent = b"\n".join(OPENING)
    result = clearing("clear", "--commands", "-", "--database", database, sent=sent)
    assert result.exit_code == 0, result.output
    return ("--database", database)


def answers_of(result: Result) -> list[dict[str, Any]]:
    """The answers on standard output."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_trades_as_csv_are_cleared_and_a_row_that_is_none_is_refused(
    database: str, tmp_path: Path
) -> None:
    (tmp_path / "day.csv").write_bytes(HEADER + T1 + b"Total,10\n\n" + T2 + UNKNOWN)
    command = ("clear", "--csv", "--commands", str(tmp_path / "day.csv"), "--answers", "-")
    place = opened(database)
    result = clearing(*command, *place)
    assert result.exit_code == 0, result.output
    told = [(one["line"], one["answer"], one["reference"]) for one in answers_of(result)]
    assert told == [
        (2, "accepted", "T1"),
        (3, "malformed", "Total"),
        (5, "accepted", "T2"),
        (6, "unknown_account", "T3"),
    ]
    assert "read 4 lines, accepted 2, refused 2" in result.stderr
    assert "    line 3 (Total): price" in result.stderr
    again = clearing(*command, *place)
    assert (again.stdout, "was cleared before" in again.stderr) == (result.stdout, True)


def test_a_csv_file_that_has_grown_goes_on_where_it_had_ended(
    database: str, tmp_path: Path
) -> None:
    file = tmp_path / "day.csv"
    command = ("clear", "--csv", "--commands", str(file), *opened(database))
    file.write_bytes(HEADER + T1)
    assert "read 1 lines" in clearing(*command).stderr
    file.write_bytes(HEADER + T1 + T2)
    assert "read 1 lines" in clearing(*command).stderr
    file.write_bytes(HEADER + T2 + T1)
    assert "it is another file" in clearing(*command).stderr


def test_semicolons_and_commas_are_cleared_as_feed_reads_them(database: str) -> None:
    sent = (HEADER + T1).replace(b",", b";").replace(b"2.05", b"2,05").replace(b"\n", b"\r")
    command = ("clear", "--csv", "--commands", "-", *opened(database))
    wrong = clearing(*command, "--source", "day", sent=sent)
    assert (wrong.exit_code, "give --separator ';'" in wrong.stderr) == (2, True)
    right = clearing(*command, "--source", "day", "--separator", ";", "--decimal", ",", sent=sent)
    assert "novated 1 trades" in right.stderr


def test_answers_number_lines_as_an_editor_does_and_read_what_can_be_read(database: str) -> None:
    sent = b"\n".join(
        [
            b"",
            *OPENING,
            b"\r",
            b'{"type":"submit_trade/1","trade_id":"T7","contract":"SITM26"}',
            b'{"type":"submit_trade/1","trade_id":"T8",oops}',
            b"nothing to be read",
            OPENING[1],
        ]
    )
    result = clearing(
        "clear", "--commands", "-", "--answers", "-", "--database", database, sent=sent
    )
    told = [(one["line"], one["answer"], one["reference"]) for one in answers_of(result)]
    assert told[5:] == [
        (8, "malformed", "T7"),
        (9, "malformed", "T8"),
        (10, "malformed", None),
        (11, "accepted", "A"),
    ]
    assert [one["line"] for one in answers_of(result)][:5] == [2, 3, 4, 5, 6]
    assert answers_of(result)[-1]["detail"] == "nothing new: it was said before"


def test_refused_lines_have_an_exit_code_of_their_own_if_asked_for(database: str) -> None:
    command = ("clear", "--commands", "-", "--source", "day", "--database", database)
    assert clearing(*command, "--fail-on-refusal", sent=OPENING[0] + b"\n").exit_code == 0
    more = OPENING[0] + b"\n{}\n"
    assert clearing(*command, "--fail-on-refusal", sent=more).exit_code == 4
    assert clearing(*command, "--fail-on-refusal", sent=more).exit_code == 4
    assert clearing(*command, sent=more).exit_code == 0


def test_the_summary_as_json_says_what_the_words_say(database: str) -> None:
    command = ("clear", "--commands", "-", "--database", database, "--json")
    result = clearing(*command, sent=b"\n".join([*OPENING, b"{}"]))
    summary = json.loads(result.stdout)
    seconds = summary.pop("seconds")
    assert 0 <= seconds < 60
    assert summary == {
        "source": "stdin", "was_cleared_before": False, "lines_read": 6, "accepted": 5,
        "refused": {"malformed": 1}, "malformed": summary["malformed"], "trades_novated": 0,
        "days": [],
    }  # fmt: skip
    assert summary["malformed"][0].startswith("line 6: type")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--answers", "-", "--facts", "-"), "only one of --facts, --answers and --json"),
        (("--answers", "-", "--json"), "only one of --facts, --answers and --json"),
        (("--from-line", "2"), "--from-line is about CSV here"),
        (("--map", "lots=Q"), "give --csv too"),
        (("--csv", "--map", "prize=P"), "no field 'prize'"),
        (("--csv", "--separator", ":"), "'--separator': ':' is not one of"),
        (("--answers", "/no/such/place/answers"), "no directory /no/such/place"),
    ],
)
def test_options_that_do_not_fit_are_named_before_anything_is_cleared(
    arguments: tuple[str, ...], said: str
) -> None:
    result = clearing("clear", "--commands", "-", *arguments, "--database", "postgresql://x/y")
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize("separator", [b",", b";", b"\t"])
def test_trades_as_csv_without_saying_so_are_not_taken_for_commands(
    database: str, tmp_path: Path, separator: bytes
) -> None:
    file = tmp_path / "day.csv"
    file.write_bytes((HEADER + T1).replace(b",", separator))
    wrong = clearing("clear", "--commands", str(file), *opened(database))
    assert (wrong.exit_code, "give --csv" in wrong.stderr) == (2, True), wrong.stderr
    named = {b",": ",", b";": ";", b"\t": "tab"}[separator]
    command = ("clear", "--csv", "--separator", named, "--commands", str(file))
    right = clearing(*command, "--database", database)
    assert "novated 1 trades" in right.stderr


def test_a_file_that_was_read_with_other_options_is_told_so(database: str, tmp_path: Path) -> None:
    file = tmp_path / "day.csv"
    file.write_bytes(HEADER + T1)
    command = ("clear", "--csv", "--commands", str(file), *opened(database))
    assert clearing(*command).exit_code == 0
    other = clearing(*command, "--set", "lots=20")
    assert (other.exit_code, "or is read with other options" in other.stderr) == (2, True)
