"""The fast way to read a trade: one pattern for its canonical line.

In: the bytes of a line. Out: the fields of a trade as bytes, or None for any line that is not
plainly a valid trade with its fields in WIRE's order; such a line takes the strict way of
`codec.decode_command`. A line that matches is valid by the pydantic model too, but for its date,
which `instant_of` still may refuse; a test holds both ways against each other.
"""

from __future__ import annotations

import re
from typing import Final

_IDENTIFIER: Final = rb"([A-Za-z0-9._:\-]{1,64}+)"

# Possessive throughout: there is one way to read a trade, and nothing to go back for.
TRADE_LINE: Final = re.compile(
    rb'\{"type": ?+"submit_trade/1", ?+"trade_id": ?+"' + _IDENTIFIER + rb'", ?+'
    rb'"contract": ?+"([A-Z]{3}[FGHJKMNQUVXZ][0-9]{2})", ?+'
    rb'"price": ?+"((?:0|[1-9][0-9]{0,8}+)(?:\.[0-9]{1,9}+)?+)", ?+'
    rb'"lots": ?+([1-9][0-9]{0,17}+), ?+'
    rb'"buyer": ?+"' + _IDENTIFIER + rb'", ?+"seller": ?+"' + _IDENTIFIER + rb'", ?+'
    rb'"executed_at": ?+"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9]'
    rb'(?:\.[0-9]{1,9}+)?+Z)"\}'
)
# Of every line of a text the same fields; all are empty where the line is no such trade.
TRADE_LINES: Final = re.compile(rb"(?m)^(?:" + TRADE_LINE.pattern + rb"|.+)$")

# trade_id, contract, price, lots, buyer, seller, executed_at
TradeFields = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes]
