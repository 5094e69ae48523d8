"""A journal is fed from files or from Kafka, never both, and its inboxes never change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.journal.inboxes import record_inboxes, refuse_streamed
from services.journal.reader import Inbox, Reader
from services.journal.trouble import FedOtherwise
from services.journal.writer import Journal
from tests.services.journal.journal_rows import SIT, batch_of

CONTROL = Inbox("control/0", "clearing.control", 0, "id-1")
MARKET = Inbox("market/SIT", "clearing.market", 0, "id-2")


def test_inboxes_are_recorded_once(url: str, reader: Reader) -> None:
    assert record_inboxes(url, [CONTROL, MARKET]) == [CONTROL, MARKET]
    assert record_inboxes(url, [CONTROL, MARKET]) == []
    assert reader.inboxes() == [CONTROL, MARKET]


def test_those_of_new_products_are_added(url: str, reader: Reader) -> None:
    record_inboxes(url, [CONTROL])
    assert record_inboxes(url, [CONTROL, MARKET]) == [MARKET]
    assert reader.inboxes() == [CONTROL, MARKET]


@pytest.mark.parametrize(
    "contradiction",
    [
        replace(MARKET, partition=1),
        replace(MARKET, topic="x.market"),
        replace(MARKET, topic_id="id-3"),
        replace(MARKET, shard="market/SCU"),
    ],
)
def test_another_inbox_than_the_recorded_one_is_refused(
    url: str, reader: Reader, contradiction: Inbox
) -> None:
    record_inboxes(url, [MARKET])
    with pytest.raises(FedOtherwise, match="recorded"):
        record_inboxes(url, [CONTROL, contradiction])
    assert reader.inboxes() == [MARKET]


def test_a_journal_with_rows_and_no_inboxes_belongs_to_files(
    url: str, reader: Reader, journal: Journal
) -> None:
    journal.commit(batch_of(SIT, None, 2))
    with pytest.raises(FedOtherwise, match="name another database"):
        record_inboxes(url, [CONTROL])
    assert reader.inboxes() == []


def test_workers_may_be_at_work_while_an_inbox_is_added(url: str, journal: Journal) -> None:
    record_inboxes(url, [CONTROL])
    journal.claim(is_shared=True)
    assert record_inboxes(url, [CONTROL, MARKET]) == [MARKET]


def test_a_journal_with_inboxes_belongs_to_workers(url: str, reader: Reader) -> None:
    refuse_streamed(reader)
    record_inboxes(url, [CONTROL, MARKET])
    with pytest.raises(FedOtherwise, match=r"topics clearing.control, clearing.market of Kafka"):
        refuse_streamed(reader)
