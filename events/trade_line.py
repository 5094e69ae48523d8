"""The fast reader of trades: one pattern for the canonical line.

In: the bytes of a line. Out: the fields of a trade as bytes, or None for any line that is not a
valid trade with its fields in WIRE's order; `codec.decode_command` reads those. A matching line is
valid by the pydantic model too, except that its date may not exist; a test compares both readers.
"""

from __future__ import annotations

import re
from typing import Final

_IDENTIFIER: Final = rb"([A-Za-z0-9._:\-]{1,64}+)"

# Possessive throughout: a trade matches in one way only, so backtracking is useless.
TRADE_LINE: Final = re.compile(
    rb'\{"type": ?+"submit_trade/1", ?+"trade_id": ?+"' + _IDENTIFIER + rb'", ?+'
    rb'"contract": ?+"([A-Z]{3}[FGHJKMNQUVXZ][0-9]{2})", ?+'
    rb'"price": ?+"((?:0|[1-9][0-9]{0,8}+)(?:\.[0-9]{1,9}+)?+)", ?+'
    rb'"lots": ?+([1-9][0-9]{0,17}+), ?+'
    rb'"buyer": ?+"' + _IDENTIFIER + rb'", ?+"seller": ?+"' + _IDENTIFIER + rb'", ?+'
    rb'"executed_at": ?+"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9]'
    rb'(?:\.[0-9]{1,9}+)?+Z)"\}'
)
# The same fields for every line of a text; all are empty where the line does not match.
TRADE_LINES: Final = re.compile(rb"(?m)^(?:" + TRADE_LINE.pattern + rb"|.+)$")

# trade_id, contract, price, lots, buyer, seller, executed_at
TradeFields = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes]
