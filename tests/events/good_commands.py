"""Commands with nothing wrong, for tests that spoil them."""

from __future__ import annotations

from typing import Any

AT = "2026-06-08T12:00:00Z"
TRADE: dict[str, Any] = {
    "type": "submit_trade/1", "trade_id": "T1", "contract": "SITM26", "price": "2.07", "lots": 5,
    "buyer": "A-H", "seller": "B-H", "executed_at": AT,
}  # fmt: skip
QUOTE: dict[str, Any] = {
    "type": "submit_quote/1", "maker": "A-H", "contract": "SITM26", "bid": "2.06", "bid_lots": 50,
    "ask": None, "ask_lots": None, "at": AT,
}  # fmt: skip
SCORES: dict[str, Any] = {
    "type": "report_capability/1", "product": "SIT", "provider": "p", "model": "m", "mmlu": "86",
    "humaneval": None, "gsm8k": None, "at": AT,
}  # fmt: skip
