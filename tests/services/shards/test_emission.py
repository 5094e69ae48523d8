"""Facts stated by columns say what facts one by one say, byte for byte, in the same parts."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.facts import Fact, VariationSettled
from events.units import parse_instant
from services.shards import emission
from services.shards.emission import Emission, parts_of
from services.shards.log import Inbound, PartRow, ShardLog

AT = parse_instant("2026-06-08T21:00:00Z")
INBOUND = Inbound("control/0", 1, 256, b"{}")
TAIL = '","contract":"SITM26","business_date":"2026-06-08","cycle":"close","amount_cents":'
TEXTS = (',"account":"', TAIL, "")
Amounts = list[tuple[str, int]]
AMOUNTS = st.lists(st.tuples(st.from_regex(r"[A-Z0-9-]{1,16}", fullmatch=True), st.integers()))


def nothing(_: Fact) -> None:
    """No books."""


def by_columns(*several: Amounts) -> Emission:
    """Amounts stated by columns, each list in one go."""
    stated = Emission("market/SIT", 7, nothing)
    for amounts in several:
        columns = ([name for name, _ in amounts], [str(cents) for _, cents in amounts])
        stated.bulk(VariationSettled.TYPE, AT, texts=TEXTS, columns=columns)
    return stated


def one_by_one(amounts: Amounts) -> Emission:
    """The same as facts."""
    stated = Emission("market/SIT", 7, nothing)
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
    assert b"\n".join(by_columns(amounts).blocks) == b"\n".join(one_by_one(amounts).blocks)


def test_a_block_has_as_many_facts_as_fit_if_all_were_the_longest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (longest,) = one_by_one([("ACCOUNT", -100)]).blocks
    for blocks, bytes_max in ((2, 2 * len(longest) + 3), (4, 2 * len(longest) + 2)):
        monkeypatch.setattr(emission, "PART_BYTES_MAX", bytes_max)
        stated = by_columns([("A", 1), ("ACCOUNT", -100), ("B", 2), ("C", 3)])
        assert len(stated.blocks) == blocks


@given(st.lists(st.integers(1, 40), max_size=30), st.booleans())
def test_parts_sent_early_are_those_of_the_whole(lengths: list[int], is_early: bool) -> None:  # noqa: FBT001
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(emission, "PART_BYTES_MAX", 50)
        blocks = [bytes([65 + place]) * length for place, length in enumerate(lengths)]
        log, sent = ShardLog("market/SIT"), list[PartRow]()
        log.early = sent.extend if is_early else None
        for count in range(len(blocks)):
            log.send_complete(blocks[:count])
        log.record(INBOUND, blocks, business_date=None)
        first = log.rows[0]
        expected = parts_of(blocks) if blocks else [b""]
    assert first[7:9] == (len(expected), expected[0])
    rows = [("market/SIT", 0, number, expected[number]) for number in range(1, len(expected))]
    assert (sent, log.parts) == ((rows, []) if is_early else ([], rows))


def test_parts_of_the_next_row_begin_anew() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(emission, "PART_BYTES_MAX", 4)
        log, sent = ShardLog("market/SIT"), list[PartRow]()
        log.early = sent.extend
        for seq in range(2):
            log.send_complete([b"aaa", b"bbb", b"ccc"])
            assert [row[1:3] for row in sent] == [
                (one, 1 + part) for one in range(seq) for part in (0, 1)
            ] + [(seq, 1)]
            log.record(INBOUND, [b"aaa", b"bbb", b"ccc"], business_date=None)
    assert len(sent) == 4
