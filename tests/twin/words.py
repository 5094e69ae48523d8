"""The words that come in, read strictly and naively (WIRE 1 and 2)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, NoReturn

from tests.twin.instants import read_instant

Command = dict[str, Any]
Fact = dict[str, Any]
Reader = Callable[[object], object]

BYTES_MAX = 64 * 1024
DEPTH_MAX = 8
DIGITS_MAX = 18
TEXT_MAX = 200
VOLUMES_MAX = 200
INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)
SILENT = "silent"
IDENTIFIER = re.compile(r"[A-Za-z0-9._:-]{1,64}")
DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass
class Reading:
    """What a line says: its type if readable, its raw fields, its values if well-formed."""

    type: str | None
    raw: dict[str, object]
    values: Command | None
    problem: str = ""


def fits(number: int) -> bool:
    """Tell whether an integer fits an int64 (RULEBOOK 1)."""
    return INT64_MIN <= number <= INT64_MAX


def read_line(line: bytes) -> Reading:
    """Read one line without its end (WIRE 1)."""
    try:
        found = strict_json(line)
    except ValueError as error:
        return Reading(None, {}, None, f"strict JSON expected: {error}")
    if not isinstance(found, dict):
        return Reading(None, {}, None, "an object expected")
    name = found.get("type")
    if not isinstance(name, str) or name not in FIELDS:
        return Reading(None, {}, None, "a known type expected")
    try:
        return Reading(name, found, read_fields(name, found))
    except ValueError as error:
        return Reading(name, found, None, str(error))


def strict_json(line: bytes) -> object:
    """Read JSON without duplicate keys, NaN, lone surrogates, depth or size beyond (WIRE 1)."""
    if len(line) > BYTES_MAX:
        fail("at most 64 KiB")
    text = line.decode("utf-8")
    if depth_of(text) > DEPTH_MAX:
        fail("nesting of at most 8")
    found: object = json.loads(
        text, object_pairs_hook=no_key_twice, parse_constant=fail, parse_int=read_int
    )
    check_surrogates(found)
    return found


def fail(text: str) -> NoReturn:
    """Refuse what was found."""
    raise ValueError(text)


def read_int(digits: str) -> int:
    """Read an integer; one far beyond int64 becomes one just beyond it."""
    return int(digits) if len(digits) < 40 else INT64_MAX + 1


def no_key_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Build an object, refusing a duplicate key."""
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            fail(f"duplicate key {key!r}")
        found[key] = value
    return found


def depth_of(text: str) -> int:
    """Count the nesting of brackets outside strings."""
    depth = deepest = 0
    inside_string = escaped = False
    for character in text:
        if inside_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                inside_string = False
        elif character == '"':
            inside_string = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def check_surrogates(found: object) -> None:
    """Refuse a lone surrogate in any string or key."""
    if isinstance(found, str):
        found.encode("utf-8")
    elif isinstance(found, list):
        for item in found:
            check_surrogates(item)
    elif isinstance(found, dict):
        for key, item in found.items():
            check_surrogates(key)
            check_surrogates(item)


def read_fields(name: str, found: dict[str, object]) -> Command:
    """Read the fields of a known type: none unknown, none missing, each of its kind."""
    expected = FIELDS[name]
    for key in found:
        if key != "type" and key not in expected:
            fail(f"unknown field {key!r}")
    values: Command = {"type": name}
    for key, reader in expected.items():
        if key not in found:
            fail(f"missing field {key!r}")
        values[key] = reader(found[key])
    if name == "report_capability/1" and not scores_of(values):
        fail("at least one score expected")
    if name == "submit_quote/1":
        for side in ("bid", "ask"):
            if (values[side] is None) != (values[f"{side}_lots"] is None):
                fail(f"{side}: price and lots, or null and null")
    return values


def scores_of(values: Command) -> dict[str, Fraction]:
    """Give the published scores of a capability report."""
    names = ("mmlu", "humaneval", "gsm8k")
    return {name: values[name] for name in names if values[name] is not None}


def string(value: object) -> str:
    """Read a string without NUL."""
    if not isinstance(value, str) or "\0" in value:
        fail(f"a string without NUL expected, found {value!r}")
    return value


def identifier(value: object) -> str:
    """Read an identifier: 1-64 of `A-Z a-z 0-9 . _ : -`."""
    if IDENTIFIER.fullmatch(string(value)) is None:
        fail(f"an identifier expected, found {value!r}")
    return string(value)


def text(value: object) -> str:
    """Read a name or a reason: 1-200 characters."""
    if not 1 <= len(string(value)) <= TEXT_MAX:
        fail("1-200 characters expected")
    return string(value)


def day(value: object) -> date:
    """Read a date `YYYY-MM-DD`."""
    if DATE.fullmatch(string(value)) is None:
        fail(f"a date expected, found {value!r}")
    return date.fromisoformat(string(value))


def instant(value: object) -> int:
    """Read a time."""
    return read_instant(string(value))


def decimal(value: object) -> Fraction:
    """Read a decimal string in plain notation of at most 18 digits; `-0` is zero."""
    found = string(value)
    if DECIMAL.fullmatch(found) is None:
        fail(f"a plain decimal expected, found {value!r}")
    if sum(character.isdigit() for character in found) > DIGITS_MAX:
        fail("at most 18 digits expected")
    return Fraction(found)


def whole(value: object) -> int:
    """Read an integer of at most 64 bits; true and 5.0 are none."""
    if type(value) is not int or not fits(value):
        fail(f"an int64 expected, found {value!r}")
    return value


def null_or(reader: Reader) -> Reader:
    """Read null, or what the reader reads."""
    return lambda value: None if value is None else reader(value)


def one_of(*names: str) -> Reader:
    """Read one of a few words."""

    def read(value: object) -> str:
        if value not in names:
            fail(f"one of {names} expected, found {value!r}")
        return string(value)

    return read


def volumes(value: object) -> list[Command]:
    """Read 1-200 volumes, each of its own provider."""
    if not isinstance(value, list) or not 1 <= len(value) <= VOLUMES_MAX:
        fail(f"1-200 volumes expected, found {value!r}")
    found = []
    for item in value:
        if not isinstance(item, dict) or item.keys() != {"provider", "tokens"}:
            fail(f"provider and tokens expected, found {item!r}")
        found.append({"provider": identifier(item["provider"]), "tokens": whole(item["tokens"])})
    if len({one["provider"] for one in found}) < len(found):
        fail("each provider once expected")
    return found


def legs(value: object) -> list[Command]:
    """Read the two legs of a spread, of two contracts and under two ids."""
    if not isinstance(value, list) or len(value) != len(LEG_NAMES):
        fail(f"two legs expected, found {value!r}")
    found: list[Command] = []
    for item in value:
        if not isinstance(item, dict) or item.keys() != LEG.keys():
            fail(f"{LEG.keys()} expected, found {item!r}")
        found.append({name: reader(item[name]) for name, reader in LEG.items()})
    for name in LEG_NAMES:
        if found[0][name] == found[1][name]:
            fail(f"a {name} of its own for each leg expected")
    return found


LEG_NAMES = ("contract", "trade_id")
LEG: dict[str, Reader] = {
    "trade_id": identifier, "contract": identifier, "price": decimal, "lots": whole,
}  # fmt: skip
MODEL: dict[str, Reader] = {"product": identifier, "provider": identifier, "model": identifier}
SUSPENSION: dict[str, Reader] = {"account": identifier, "reason": text, "at": instant}
MAKER: dict[str, Reader] = {"account": identifier, "product": identifier, "at": instant}
COLLATERAL: dict[str, Reader] = {
    "reference": identifier, "account": identifier, "asset": identifier,
    "amount_cents": whole, "at": instant,
}  # fmt: skip
UNITS: dict[str, Reader] = {
    "reference": identifier, "account": identifier, "asset": identifier,
    "units": whole, "at": instant,
}  # fmt: skip
FUND: dict[str, Reader] = {
    "reference": identifier, "member": null_or(identifier), "amount_cents": whole, "at": instant,
}  # fmt: skip
CONTROL: dict[str, dict[str, Reader]] = {
    "configure/1": {
        "parameter": identifier, "product": null_or(identifier), "value": string,
        "effective_date": day, "at": instant,
    },
    "configure_asset/1": {
        "asset": identifier, "haircut_ppm": whole, "share_ppm": whole, "fresh_hours": whole,
        "effective_date": day, "at": instant,
    },
    "admit_member/1": {"member": identifier, "name": text, "at": instant},
    "open_account/1": {
        "account": identifier, "member": identifier, "origin": one_of("house", "customer"),
        "owner": identifier, "at": instant,
    },
    "suspend_account/1": SUSPENSION,
    "reinstate_account/1": SUSPENSION,
    "designate_maker/1": MAKER,
    "release_maker/1": MAKER,
    "report_net_capital/1": {"member": identifier, "amount_cents": whole, "at": instant},
    "declare_default/1": {"member": identifier, "reason": text, "at": instant},
    "affiliate_member/1": {"member": identifier, "group": null_or(identifier), "at": instant},
    "port_account/1": {
        "reference": identifier, "account": identifier, "to_member": identifier, "at": instant,
    },
    "auction_account/1": {
        "reference": identifier, "account": identifier, "to_account": identifier,
        "payment_cents": whole, "at": instant,
    },
    "settle_default/1": {"member": identifier, "at": instant},
    "submit_spread/1": {
        "reference": identifier, "legs": legs, "buyer": identifier, "seller": identifier,
        "executed_at": instant,
    },
    "open_session/1": {"business_date": day, "at": instant},
    "advance_clock/1": {"at": instant},
    "run_cycle/1": {"cycle": identifier, "at": instant},
    "close_session/1": {"business_date": day, "next_business_date": day, "at": instant},
}  # fmt: skip
INDEX: dict[str, dict[str, Reader]] = {
    "report_capability/1": MODEL | {
        "mmlu": null_or(decimal), "humaneval": null_or(decimal), "gsm8k": null_or(decimal),
        "at": instant,
    },
    "report_provider_price/1": MODEL | {
        "input_usd_per_mtok": decimal, "output_usd_per_mtok": decimal, "at": instant,
    },
    "report_provider_volume/1": {
        "product": identifier, "provider": identifier, "tokens": whole, "at": instant,
    },
    "report_provider_volumes/1": {"product": identifier, "volumes": volumes, "at": instant},
    "retire_model/1": MODEL | {"at": instant},
    "publish_index/1": {"product": identifier, "value": decimal, "at": instant},
}  # fmt: skip
TRADING: dict[str, dict[str, Reader]] = {
    "submit_trade/1": {
        "trade_id": identifier, "contract": identifier, "price": decimal, "lots": whole,
        "buyer": identifier, "seller": identifier, "executed_at": instant,
    },
    "bust_trade/1": {
        "trade_id": identifier, "contract": identifier, "reason": text, "at": instant,
    },
    "adjust_trade_price/1": {
        "trade_id": identifier, "contract": identifier, "price": decimal, "reason": text,
        "at": instant,
    },
    "transfer_position/1": {
        "transfer": identifier, "contract": identifier, "lots": whole,
        "from_account": identifier, "to_account": identifier,
        "side": one_of("long", "short"), "price": decimal, "at": instant,
    },
    "submit_quote/1": {
        "maker": identifier, "contract": identifier, "bid": null_or(decimal),
        "bid_lots": null_or(whole), "ask": null_or(decimal), "ask_lots": null_or(whole),
        "at": instant,
    },
    "set_settlement_price/1": {
        "contract": identifier, "price": decimal, "reason": text, "at": instant,
    },
    "halt_contract/1": {
        "contract": identifier, "until": null_or(instant), "reason": text, "at": instant,
    },
}  # fmt: skip
MEMBER: dict[str, dict[str, Reader]] = {
    "deposit_collateral/1": COLLATERAL,
    "withdraw_collateral/1": COLLATERAL,
    "deposit_asset/1": UNITS,
    "withdraw_asset/1": UNITS,
    "liquidate_asset/1": {
        "reference": identifier, "account": identifier, "asset": identifier, "units": whole,
        "proceeds_cents": whole, "at": instant,
    },
    "contribute_fund/1": FUND,
    "withdraw_fund/1": FUND,
    "report_asset_price/1": {"asset": identifier, "price_usd": decimal, "at": instant},
    "adjust_cash/1": {
        "reference": identifier,
        "debit_account": identifier,
        "credit_account": identifier,
        "amount_cents": whole,
        "reason": text,
        "at": instant,
    },
}  # fmt: skip
FIELDS = CONTROL | INDEX | TRADING | MEMBER
