"""The shards of commands (WIRE §1, §2).

In: a decoded line and the products in use. Out: the shard's name. A line without a readable type,
or of a product that is not in use, belongs to `control/0`.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, Final

from events.command import MARKET, MEMBER, Command, Malformed
from events.commands import COMMANDS
from events.contracts import product_of

CONTROL_SHARD: Final = "control/0"
MEMBER_SHARD: Final = "member/0"


def market_shard(product: str) -> str:
    """The shard of a product."""
    return f"market/{product}"


def kind_of(shard: str) -> str:
    """The kind of a shard: the part of its name before the stroke."""
    return shard.partition("/")[0]


def product_in(shard: str) -> str:
    """The product of a market's shard: the part of its name after the stroke."""
    return shard.partition("/")[2]


def shard_of(decoded: Command | Malformed, products: Container[str]) -> str:
    """The shard of a command, or of the readable part of one."""
    if isinstance(decoded, Malformed):
        if decoded.kind is None:
            return CONTROL_SHARD
        return _shard(COMMANDS[decoded.kind], decoded.fields, products=products)
    if decoded.SHARD == MARKET:
        # Not getattr: pydantic searches long for a field that a model lacks.
        fields = vars(decoded)
        named = fields.get("product") or product_of(fields.get("contract", ""))
        return market_shard(named) if named in products else CONTROL_SHARD
    return MEMBER_SHARD if decoded.SHARD == MEMBER else CONTROL_SHARD


def _shard(model: type[Command], fields: Mapping[str, Any], *, products: Container[str]) -> str:
    if model.SHARD != MARKET:
        return MEMBER_SHARD if model.SHARD == MEMBER else CONTROL_SHARD
    named = fields.get("product") if "product" in model.model_fields else fields.get("contract")
    if not isinstance(named, str):
        return CONTROL_SHARD
    product = named if "product" in model.model_fields else product_of(named)
    return market_shard(product) if product in products else CONTROL_SHARD
