"""`clearing convert`: hours of GPUs into SCU, by the program's table and by a journal's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest
from click.testing import Result

from tests.services.console.test_clear_trades import clearing, opened

# 100 h at 2.50 are 100 SCU; 1000 h of an A100 at 0.70 are 315 SCU at 0.70 / 0.315 = 2.2222…
ROWS: Final = (
    "gpu,hours,usd_per_hour,at\n"
    "H100-80GB-SXM,100,2.50,2026-06-08T10:00:00Z\n"
    "A100-80GB-SXM,1000,0.70,2026-06-08T10:00:00Z\n"
    "H200-141GB-SXM,10.5,3.00,2026-06-08T11:00:00Z\n"
)
WRONG: Final = (
    "V100,10,1.00,2026-06-08T11:00:00Z\n"
    "H100-80GB-SXM,-1,2.50,2026-06-08T10:00:00Z\n"
    'H100-80GB-SXM,1,"2,50",2026-06-08T10:00:00Z\n'
    "H100-80GB-SXM,1\n"
)
IN_USE: Final = ("product_in_use", "true"), ("gpu_hour_scu", "A100-80GB-SXM=0.5,H100-80GB-SXM=1")


def convert(rows: str, *options: str) -> Result:
    """The command on rows from standard input."""
    return clearing("convert", "-", *options, sent=rows.encode())


def cells(result: Result) -> list[tuple[str, ...]]:
    """The last three columns of CSV, without the head."""
    return [tuple(line.split(",")[6:9]) for line in result.stdout.splitlines()[1:]]


def configured(database: str) -> None:
    """Books with a table from 2026-06-09 on, after which that session is open."""
    lines = [
        json.dumps({
            "type": "configure/1", "parameter": parameter, "product": "SCU", "value": value,
            "effective_date": "2026-06-09", "at": "2026-06-08T00:00:02Z",
        })
        for parameter, value in IN_USE
    ]  # fmt: skip
    lines.append(
        '{"type":"close_session/1","business_date":"2026-06-08",'
        '"next_business_date":"2026-06-09","at":"2026-06-08T21:00:00Z"}'
    )
    command = ("clear", "--commands", "-", "--source", "terms", *opened(database))
    result = clearing(*command, sent="\n".join(lines).encode())
    assert result.exit_code == 0, result.output


def test_hours_and_prices_are_converted_by_the_programs_table() -> None:
    result = convert(ROWS, "--format", "csv")
    assert cells(result) == [
        ("1000000", "100000000", "2500000"),
        ("315000", "315000000", "2222222"),
        ("1000000", "10500000", "3000000"),
        # 250 + 700 + 31.50 = 981.50 over 425.5 SCU.
        ("", "425500000", "2306698"),
    ]
    assert result.stderr == "read 3 rows, converted 3, refused 0\n"


def test_a_table_for_people_says_by_which_table() -> None:
    text = convert(ROWS).stdout
    assert text.startswith("GPU hours in SCU, by the table of the program\n")
    assert "$2.222222" in text
    assert " 425.500000  $2.306698" in text


def test_index_lines_are_the_mean_of_each_time_weighed_by_scu() -> None:
    lines = [json.loads(line) for line in convert(ROWS, "--format", "index").stdout.splitlines()]
    # (250 + 700) / 415 = 2.28915…
    assert [(line["at"], line["value"]) for line in lines] == [
        ("2026-06-08T10:00:00Z", "2.289157"),
        ("2026-06-08T11:00:00Z", "3.000000"),
    ]


def test_a_wrong_row_is_named_and_left_out() -> None:
    result = convert(ROWS + WRONG, "--format", "csv")
    assert result.exit_code == 0
    assert len(cells(result)) == 4
    names = "A100-80GB-SXM, B200-180GB-SXM, H100-80GB-SXM, H200-141GB-SXM, MI300X-192GB-OAM"
    assert result.stderr.splitlines() == [
        f"line 5 of standard input: gpu: expected one of {names}, found V100",
        "line 6 of standard input: hours: expected above 0, found -1",
        "line 7 of standard input: usd_per_hour: expected a plain decimal, found '2,50'",
        "line 8 of standard input: expected 4 cells, found 2",
        "read 7 rows, converted 3, refused 4",
    ]


def test_wrong_rows_may_end_with_an_exit_code() -> None:
    assert convert(ROWS + WRONG, "--fail-on-refusal").exit_code == 4
    assert convert(ROWS, "--fail-on-refusal").exit_code == 0


def test_json_lines_are_read_too() -> None:
    rows = (
        '{"gpu":"A100-80GB-SXM","hours":"2","usd_per_hour":"0.63"}\n\n'
        '{"gpu":"A100-80GB-SXM","hours":2,"usd_per_hour":"0.63"}\n[]\n'
    )
    result = convert(rows, "--format", "csv")
    assert cells(result) == [("315000", "630000", "2000000"), ("", "630000", "2000000")]
    assert "line 3 of standard input: hours: expected text in quotes, found 2" in result.stderr
    assert "line 4 of standard input: expected one JSON object" in result.stderr


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ("gpu,hours\n", [], "expected one column usd_per_hour, found 'gpu, hours'"),
        ("", [], "expected one column gpu and one hours"),
        ("gpu,hours,usd_per_hour\n", ["--format", "index"], "expected one column at"),
        ('gpu,hours,usd_per_hour\n"A', [], "line 2 of standard input is no CSV"),
        (ROWS, ["--date", "2026-06-09"], "--date is of a journal"),
    ],
)
def test_what_is_no_such_file_stops_with_a_word(
    rows: str, options: list[str], message: str
) -> None:
    result = convert(rows, *options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_without_good_rows_there_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text("gpu,hours,usd_per_hour\n")
    result = clearing("convert", str(tmp_path / "none.csv"))
    assert result.stdout == "GPU hours in SCU, by the table of the program\nNothing.\n"


def test_a_journals_table_is_the_one_in_force_on_the_date(database: str) -> None:
    configured(database)
    row = "gpu,hours,usd_per_hour\nA100-80GB-SXM,10,1.00\n"
    books = ("--database", database)
    first = convert(row, *books, "--format", "csv")
    assert cells(first)[0] == ("315000", "3150000", "3174603")
    second = convert(row, *books, "--date", "2026-06-09")
    assert second.stdout.startswith("GPU hours in SCU, by the table in force on 2026-06-09\n")
    assert "0.500000  5.000000  $2.000000" in second.stdout
    assert "\n  control/0 " in second.stdout
    unknown = convert(row, *books, "--date", "2026-06-10")
    assert unknown.exit_code == 2
    assert "there is no session on 2026-06-10" in unknown.stderr


def test_trades_of_gpu_hours_are_cleared_by_the_table_of_their_time_and_again_as_before(
    database: str, tmp_path: Path
) -> None:
    configured(database)
    file = tmp_path / "hours.csv"
    file.write_text(
        "trade_id,contract,price,lots,buyer,seller,executed_at,GPU\n"
        "T1,SCUM26,1.00,10,A-H,B-H,2026-06-09T09:00:00Z,A100-80GB-SXM\n"
        "T2,SCUM26,1.00,5,A-H,B-H,2026-06-09T09:00:01Z,A100-80GB-SXM\n"
    )
    command = ("clear", "--csv", "--map", "gpu=GPU", "--commands", str(file), "--json")
    place = ("--database", database)
    first = clearing(*command, *place)
    assert first.exit_code == 0, first.output
    tree = json.loads(first.stdout)
    assert (tree["trades_novated"], tree["refused"]) == (1, {"malformed": 1})
    assert 'found "2.5 (5 h of A100-80GB-SXM)"' in tree["malformed"][0]
    changed = (
        '{"type":"configure/1","parameter":"gpu_hour_scu","product":"SCU","value":'
        '"A100-80GB-SXM=0.4,H100-80GB-SXM=1","effective_date":"2026-06-10",'
        '"at":"2026-06-09T12:00:00Z"}\n'
        '{"type":"close_session/1","business_date":"2026-06-09",'
        '"next_business_date":"2026-06-10","at":"2026-06-09T21:00:00Z"}\n'
    )
    closing = clearing("clear", "--commands", "-", "--source", "2", *place, sent=changed.encode())
    assert closing.exit_code == 0, closing.output
    with file.open("a") as stream:
        stream.write("T3,SCUM26,0.80,5,A-H,B-H,2026-06-10T09:00:00Z,A100-80GB-SXM\n")
    again = clearing(*command, *place)
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["trades_novated"] == 1
    facts = clearing("facts", *place).stdout
    novated = [json.loads(line) for line in facts.splitlines() if "trade_novated" in line]
    # 1.00 / 0.5 and 10 · 0.5; 0.80 / 0.4 and 5 · 0.4.
    assert [(fact["price_ticks"], fact["lots"]) for fact in novated] == [(200, 5), (200, 2)]
