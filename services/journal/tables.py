"""The tables that are only ever appended to: their columns in order, and the kind of each.

One entry per table; `copying.py` packs rows by it, the migrations define the same columns.
"""

from dataclasses import dataclass
from typing import Literal

# packed: bytes that are packed on their way in (compressed.py)
# timestamptz: a whole second since 1970
Kind = Literal["text", "int8", "int4", "date", "bool", "bytea", "packed", "timestamptz"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table and its columns, in the order in which rows are handed over."""

    name: str
    columns: dict[str, Kind]

    def copy_in(self) -> str:
        """The statement that appends rows in Postgres' binary format."""
        return f"COPY clearing.{self.name} ({', '.join(self.columns)}) FROM STDIN (FORMAT BINARY)"


JOURNAL = Table(
    "journal",
    {
        "shard": "text",
        "seq": "int8",
        "business_date": "date",
        "origin": "text",
        "position": "int8",
        "decided": "int8",
        "input": "bytea",
        "parts": "int4",
        "facts": "bytea",
        "chain": "bytea",
    },
)
JOURNAL_PART = Table(
    "journal_part", {"shard": "text", "seq": "int8", "part": "int4", "facts": "packed"}
)
LINK = Table(
    "link",
    {
        "source": "text",
        "target": "text",
        "number": "int8",
        "barrier": "int8",
        "seq": "int8",
        "last": "bool",
        "payload": "bytea",
        "hash": "bytea",
    },
)
IDENTITY = Table(
    "identity",
    {"shard": "text", "span": "int4", "seq_first": "int8", "keys": "bytea", "seqs": "bytea"},
)
IDENTITY_PAGE = Table(
    "identity_page",
    {"shard": "text", "span": "int4", "page": "int4", "keys": "bytea", "seqs": "bytea"},
)
IDENTITY_FILTER = Table("identity_filter", {"shard": "text", "span": "int4", "words": "bytea"})
SNAPSHOT = Table(
    "snapshot",
    {
        "shard": "text",
        "seq": "int8",
        "part": "int4",
        "parts": "int4",
        "chain": "bytea",
        "business_date": "date",
        "state": "bytea",
        "history": "bytea",
    },
)
DAY = Table(
    "day",
    {
        "shard": "text",
        "business_date": "date",
        "seq": "int8",
        "state_hash": "bytea",
        "history_hash": "bytea",
    },
)
SETTLEMENT_PRICE = Table(
    "settlement_price",
    {
        "shard": "text",
        "seq": "int8",
        "product": "text",
        "contract": "text",
        "business_date": "date",
        "cycle": "text",
        "price_ticks": "int8",
        "tier": "int4",
        "kind": "text",
    },
)
STATEMENT = Table(
    "statement",
    {
        "shard": "text",
        "seq": "int8",
        "account": "text",
        "member": "text",
        "origin": "text",
        "business_date": "date",
        "cycle": "text",
        "cash_cents": "int8",
        "variation_cents": "int8",
        "initial_cents": "int8",
        "maintenance_cents": "int8",
        "equity_cents": "int8",
        "positions": "text",
    },
)
CONTROL_NUMBER = Table(
    "control_number", {"shard": "text", "seq": "int8", "number": "int8", "business_date": "date"}
)
RECEIPT = Table(
    "receipt",
    {"shard": "text", "seq_first": "int8", "received_at": "timestamptz", "clock": "text"},
)
INBOX = Table("inbox", {"shard": "text", "topic": "text", "partition": "int4", "topic_id": "text"})
APPEND_ONLY = (
    JOURNAL,
    JOURNAL_PART,
    LINK,
    IDENTITY,
    IDENTITY_PAGE,
    IDENTITY_FILTER,
    SNAPSHOT,
    DAY,
    SETTLEMENT_PRICE,
    STATEMENT,
    CONTROL_NUMBER,
    RECEIPT,
    INBOX,
)
