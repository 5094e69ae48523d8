"""What an operator types as a command: typed by its model, or told what is wrong."""

from __future__ import annotations

import json

import pytest

from events.commands import COMMANDS
from events.control_commands import OpenSession
from events.member_commands import DepositCollateral
from services.feed.command_text import NotComposed, compose, forms_of, in_words

AT = {"at": "2026-06-08T14:00:00Z"}
DEPOSIT = {"reference": "d1", "account": "A1", "asset": "USD", "amount_cents": "500"}


@pytest.mark.parametrize("kind", ["deposit_collateral", "deposit_collateral/1"])
def test_a_number_is_a_number_and_the_version_may_be_left_out(kind: str) -> None:
    command, line = compose(kind, DEPOSIT | AT)
    assert isinstance(command, DepositCollateral)
    assert json.loads(line) == {
        "type": "deposit_collateral/1", **DEPOSIT, "amount_cents": 500, **AT
    }  # fmt: skip


def test_null_is_null_only_where_there_can_be_none() -> None:
    halt = {"contract": "SITZ26", "until": "null", "reason": "null"}
    line = compose("halt_contract", halt | AT).line
    assert json.loads(line) == {"type": "halt_contract/1", **halt, "until": None, **AT}


def test_a_name_of_digits_stays_text() -> None:
    line = compose("deposit_collateral", DEPOSIT | AT | {"account": "17"}).line
    assert json.loads(line)["account"] == "17"


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        ("open_session", {}, "business_date is missing: expected a date like 2026-06-08"),
        ("open_session", {"business_date": "8 June"}, "found '8 June'"),
        ("open_session", {"business_date": "2026-06-08", "day": "1"}, "unknown field day: open"),
        ("deposit_collateral", DEPOSIT | {"amount_cents": "5.5"}, "a whole number, found '5.5'"),
        ("deposit_collateral", DEPOSIT | {"amount_cents": "9" * 19}, "amount_cents: expected"),
        ("deposit_collateral", DEPOSIT | {"account": "A 1"}, "account: expected text"),
        ("halt_contract", {}, "until is missing: expected a time like .* or null"),
        ("submit_spread", {"legs": "L1"}, "legs: expected a list in JSON, found 'L1'"),
        ("submit_spread", {"legs": "[1]"}, r"legs: expected a list in JSON, found \[1\]"),
        ("opensession", {}, "did you mean open_session"),
        ("x", {}, "there is no command 'x'"),
    ],
)
def test_what_is_wrong_is_named(kind: str, fields: dict[str, str], message: str) -> None:
    with pytest.raises(NotComposed, match=message):
        compose(kind, fields | AT)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(NotComposed) as trouble:
        compose("open_account", {"origin": "street", "color": "red"})
    for name in ("account", "member", "owner", "at", "color", "one of house, customer"):
        assert name in str(trouble.value)


def test_fields_that_are_right_alone_and_wrong_together_are_no_command() -> None:
    quote = {"maker": "A", "contract": "SITZ26", "bid": "2", "bid_lots": "null"}
    with pytest.raises(NotComposed, match="bid is given and bid_lots is null"):
        compose("submit_quote", quote | {"ask": "null", "ask_lots": "null"} | AT)


@pytest.mark.parametrize("model", COMMANDS.values(), ids=lambda model: model.TYPE)
def test_every_field_of_every_command_has_a_form_in_words(model: type[OpenSession]) -> None:
    words = [in_words(forms) for forms in forms_of(model).values()]
    assert all(words)
    assert len(words) == len(model.model_fields)
