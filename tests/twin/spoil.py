"""Ways to spoil a line, and to write the same command in other bytes (WIRE 1)."""

from __future__ import annotations

import json
from random import Random

from tests.twin.words import BYTES_MAX, INT64_MAX, Command


def dump(command: Command) -> bytes:
    """Write a command as one line."""
    return json.dumps(command).encode()


def rewrite(rng: Random, command: Command) -> bytes:
    """Write the same command in other bytes: same values, another order and notation."""
    other = dict(command)
    for name in ("price", "bid", "ask", "input_usd_per_mtok", "price_usd"):
        if isinstance(other.get(name), str) and "." in other[name]:
            other[name] += "0"
    if isinstance(other.get("legs"), list):
        prices = [leg["price"] for leg in other["legs"]]
        other["legs"] = [
            leg | {"price": f"{price}0" if "." in price else price}
            for leg, price in zip(other["legs"], prices, strict=True)
        ]
    for name in ("at", "executed_at"):
        if isinstance(other.get(name), str) and "." not in other[name]:
            other[name] = other[name][:-1] + ".000Z"
    items = list(other.items())
    rng.shuffle(items)
    indent = rng.choice((None, None, 0))
    return json.dumps(dict(items), indent=indent).replace("\n", " ").encode()


def spoil(rng: Random, command: Command) -> bytes:
    """Write a command so that it is malformed (rarely: still good, or an empty line)."""
    return rng.choice((broken_bytes, broken_json, broken_field))(rng, command)


def broken_bytes(rng: Random, command: Command) -> bytes:
    """Break the bytes: cut, not UTF-8, too long, blank, another BOM, a NUL."""
    line = dump(command)
    return rng.choice(
        (
            line[: rng.randrange(1, len(line))],
            line + b"}",
            line.replace(b'"', b"'"),
            line[:-2] + b"\xff" + line[-2:],
            b"\xef\xbb\xbf" + line,
            line + b" " * (BYTES_MAX - len(line)),
            line + b" " * (BYTES_MAX - len(line) + 1),
            line[:-2] + b"\x00" + line[-2:],
            b"",
            b"\r\n",
            b"  ",
            b"not json",
            line + b"\r\n",
        )
    )


def broken_json(rng: Random, command: Command) -> bytes:
    """Break what JSON says: not an object, a key twice, NaN, depth, a lone surrogate."""
    line = dump(command)
    first = json.dumps(next(iter(command.items()))[0]).encode()
    return rng.choice(
        (
            b"null",
            b"[" + line + b"]",
            b"17",
            b'"text"',
            b"[" * 3000,
            line[:-1] + b"," + first + b": 1}",
            line[:-1] + b', "x": {"a": 1, "a": 1}}',
            line[:-1] + b', "x": NaN}',
            line[:-1] + b', "x": -Infinity}',
            line[:-1] + b', "x": 1e999}',
            line[:-1] + b', "x": [[[[[[[]]]]]]]}',
            line[:-1] + b', "x": [[[[[[[[]]]]]]]]}',
            line[:-1] + b', "x": "\\ud800"}',
            line[:-1] + b', "\\udfff": 1}',
            line[:-1] + b', "x": "\\u0000"}',
            line[:-1] + b', "x": ' + b"9" * 5000 + b"}",
            dump(command | {"type": str(command["type"]).replace("/1", "/2")}),
            dump(command | {"type": 1}),
            dump({name: value for name, value in command.items() if name != "type"}),
        )
    )


def broken_field(rng: Random, command: Command) -> bytes:
    """Break one field: missing, or of another kind than expected."""
    names = [name for name in command if name != "type"]
    name = rng.choice(names)
    other = dict(command)
    if rng.random() < 0.2:
        del other[name]
        return dump(other)
    value = other[name]
    wrong: list[object] = [None, True, 1.5, [], {}, "", "a b", "x" * 65, "x" * 201, "A\0", "é"]
    if isinstance(value, int):
        wrong += [float(value), str(value), INT64_MAX + 1, -INT64_MAX - 2, 10**60]
    elif name in ("at", "executed_at", "until"):
        wrong += [
            "2026-06-15T10:00:00", "2026-06-15T10:00:00+00:00", "2026-06-15 10:00:00Z",
            "2026-06-15T23:59:60Z", "2026-06-15T24:00:00Z", "2026-06-31T10:00:00Z",
            "2026-06-15T10:00:00.1234567891Z", "2026-06-15T10:00:00.Z", "2026-06-15t10:00:00z",
        ]  # fmt: skip
    elif name.endswith("date"):
        wrong += ["2026-6-15", "2026-02-30", "20260615", "2026-06-15T00:00:00Z"]
    elif isinstance(value, str) and value.replace(".", "").replace("-", "").isdigit():
        wrong += [
            "2e0", "+2.07", "2.", ".5", "02.07", "2,07", " 2.07", "NaN", "--1", "\u0662.\u0660",
            "2.070000000000000000", "0.000000000000000001", "1000000000000000000",
        ]  # fmt: skip
    other[name] = rng.choice(wrong)
    return dump(other)
