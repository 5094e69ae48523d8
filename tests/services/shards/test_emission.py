"""Facts stated by columns say what facts one by one say, byte for byte, in the same parts."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.fact import Fact
from events.market_facts import VariationSettled
from events.texts import Texts
from events.units import parse_instant
from services.shards import emission
from services.shards.emission import Emission, parts_of
from services.shards.log import Inbound, ShardLog

AT = parse_instant("2026-06-08T21:00:00Z")
INBOUND = Inbound("control/0", 1, 256, b"{}")
Amounts = list[tuple[str, int]]
AMOUNTS = st.lists(st.tuples(st.from_regex(r"[A-Z0-9-]{1,16}", fullmatch=True), st.integers()))


def nothing(_: Fact) -> None:
    """No books."""


def by_columns(*several: Amounts) -> Emission[Fact]:
    """Amounts stated by columns, each list in one go."""
    stated = Emission[Fact]("market/SIT", 7, nothing)
    for pairs in several:
        stated.columns(
            VariationSettled,
            AT,
            alike={"contract": "SITM26", "business_date": date(2026, 6, 8), "cycle": "close"},
            columns={
                "account": Texts.of([name.encode() for name, _ in pairs]),
                "amount_cents": Texts.of([b"%d" % cents for _, cents in pairs]),
            },
        )
    return stated


def one_by_one(amounts: Amounts) -> Emission[Fact]:
    """The same as facts."""
    stated = Emission[Fact]("market/SIT", 7, nothing)
    for account, cents in amounts:
        stated(
            VariationSettled.model_construct(
                at=AT,
                account=account,
                contract="SITM26",
                business_date=date(2026, 6, 8),
                cycle="close",
                amount_cents=cents,
            )
        )
    return stated


@given(AMOUNTS)
def test_columns_say_what_facts_say(amounts: Amounts) -> None:
    columns, facts = by_columns(amounts), one_by_one(amounts)
    assert b"\n".join(columns.blocks) == b"\n".join(facts.blocks)
    assert columns.count == facts.count == len(amounts)


def test_a_block_has_as_many_facts_as_fit_if_all_were_the_longest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (longest,) = one_by_one([("ACCOUNT", -100)]).blocks
    for blocks, bytes_max in ((2, 2 * len(longest) + 3), (4, 2 * len(longest) + 2)):
        monkeypatch.setattr(emission, "PART_BYTES_MAX", bytes_max)
        stated = by_columns([("A", 1), ("ACCOUNT", -100), ("B", 2), ("C", 3)])
        assert len(stated.blocks) == blocks


@given(st.lists(st.integers(1, 40), max_size=30))
def test_parts_beyond_the_first_are_rows_of_their_own(lengths: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(emission, "PART_BYTES_MAX", 50)
        blocks = [bytes([65 + number]) * length for number, length in enumerate(lengths)]
        log = ShardLog("market/SIT")
        for _ in range(2):
            log.append(INBOUND, blocks, count=len(blocks), business_date=None)
        expected = parts_of(blocks) if blocks else [b""]
    first = [(row.parts, row.facts) for row in log.pending.rows]
    assert first == 2 * [(len(expected), expected[0])]
    assert log.pending.parts == [
        ("market/SIT", seq, number, part)
        for seq in range(2)
        for number, part in enumerate(expected)
        if number
    ]
