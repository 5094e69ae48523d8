"""The fast reader of trades and quotes: one pattern for the canonical line of each.

In: the bytes of a line. Out: the fields of a trade, or of a quote with both sides, as bytes, or
None for any line that is no valid one with its fields in WIRE's order; `codec.decode_command` reads
those. A matching line is valid by the pydantic model too, except that its date may not exist; a
test compares both readers.
"""

from __future__ import annotations

import re
from typing import Final

_IDENTIFIER: Final = rb"([A-Za-z0-9._:\-]{1,64}+)"

_CONTRACT: Final = rb'"contract": ?+"([A-Z]{3}[FGHJKMNQUVXZ][0-9]{2})", ?+'
_PRICE: Final = rb'"((?:0|[1-9][0-9]{0,8}+)(?:\.[0-9]{1,9}+)?+)", ?+'
_LOTS: Final = rb"([1-9][0-9]{0,17}+), ?+"
_INSTANT: Final = (
    rb'"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]{1,9}+)?+Z)"\}'
)

# Possessive throughout: a trade matches in one way only, so backtracking is useless.
TRADE_LINE: Final = re.compile(
    rb'\{"type": ?+"submit_trade/1", ?+"trade_id": ?+"' + _IDENTIFIER + rb'", ?+' + _CONTRACT +
    rb'"price": ?+' + _PRICE + rb'"lots": ?+' + _LOTS +
    rb'"buyer": ?+"' + _IDENTIFIER + rb'", ?+"seller": ?+"' + _IDENTIFIER + rb'", ?+'
    rb'"executed_at": ?+' + _INSTANT
)  # fmt: skip
QUOTE_LINE: Final = re.compile(
    rb'\{"type": ?+"submit_quote/1", ?+"maker": ?+"' + _IDENTIFIER + rb'", ?+' + _CONTRACT +
    rb'"bid": ?+' + _PRICE + rb'"bid_lots": ?+' + _LOTS +
    rb'"ask": ?+' + _PRICE + rb'"ask_lots": ?+' + _LOTS + rb'"at": ?+' + _INSTANT
)  # fmt: skip
# The same fields for every line of a text; all are empty where the line does not match.
TRADE_LINES: Final = re.compile(rb"(?m)^(?:" + TRADE_LINE.pattern + rb"|.+)$")
QUOTE_LINES: Final = re.compile(rb"(?m)^(?:" + QUOTE_LINE.pattern + rb"|.+)$")

# Of a trade: trade_id, contract, price, lots, buyer, seller, executed_at.
# Of a quote: maker, contract, bid, bid_lots, ask, ask_lots, at.
LineFields = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes]
