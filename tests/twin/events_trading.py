"""Events of trading: trades at and beyond limits, corrections, transfers, quotes, halts."""

from __future__ import annotations

from tests.twin.books import Contract
from tests.twin.instants import MINUTE, print_instant
from tests.twin.positions import limit_lots, position, positions, price_limits
from tests.twin.script import Script, dollars, money
from tests.twin.words import INT64_MAX

STRANGE = ("SITZ20", "SITZ40", "SITA26", "SIT", "SI", "XYZM26", "SCUM26", "SITM26", "SITF27")


def trading_event(script: Script) -> None:
    """Write one event of trading."""
    contract = script.contract()
    kind = script.weighted(
        {"trade": 40, "strange": 2, "bust": 5, "adjust": 5, "transfer": 6, "quote": 8, "halt": 1,
         "settle": 2}
    )  # fmt: skip
    if kind == "strange" or contract is None:
        strange(script)
    elif kind == "trade":
        trade(script, contract)
    elif kind in ("bust", "adjust"):
        correct(script, contract, is_bust=kind == "bust")
    elif kind == "transfer":
        transfer(script, contract)
    elif kind == "quote":
        quote(script, contract)
    elif kind == "settle":
        settle(script, contract)
    elif script.chance(0.5):
        halt(script, contract)


def price(script: Script, contract: Contract) -> str:
    """Give a price: mostly near the reference, else at, just inside or beyond the limits."""
    reference = contract.reference or contract.mark or 200
    low, high = price_limits(contract) or (reference, reference)
    kind = script.weighted({"near": 80, "wide": 8, "limit": 6, "beyond": 3, "wrong": 3})
    if kind == "near":
        return dollars(max(1, reference + script.rng.randint(-4, 4)))
    if kind == "wide":
        return dollars(script.rng.randint(max(1, low), max(1, high)))
    if kind == "limit":
        return dollars(max(1, script.pick((low, high, low + 1, high - 1))))
    if kind == "beyond":
        quarter = max(1, reference * 25 // 100)
        return dollars(
            script.pick((low - 1, high + 1, reference + quarter, reference - quarter, 10**9))
        )
    return script.pick((money(reference * 100 + 50), "0", "-0", "-2.07", "0.001", "2.0700"))


def lots(script: Script, contract: Contract, account: str) -> int:
    """Give a quantity: small, large, up to a position limit, or near an int64.

    In some scripts one trade's lots times price come near an int64 and may still be cleared; not in
    the front month, whose final settlement at a wild index they would carry beyond it.
    """
    is_front = contract is script.house.markets[contract.symbol[:3]].live()[0]
    kind = script.weighted({"small": 50, "middle": 20, "large": 12, "limit": 12, "wrong": 3})
    if kind == "small":
        return script.rng.randint(1, 60)
    if kind == "middle":
        return script.rng.randint(1_000, 1_000_000)
    if kind == "large":
        return script.rng.randint(10**6, 10 ** script.rng.randint(7, 9))
    if kind == "limit" and contract.reference is not None:
        limit = limit_lots(contract.reference, contract.open_interest)
        room = script.pick((limit, limit * 80 // 100)) - position(contract, account)
        return max(1, room + script.pick((0, 0, 1, -1)))
    may_be_huge = not is_front and contract.reference is not None
    if kind == "wrong" and may_be_huge and not script.has_huge_trade:
        script.has_huge_trade = True
        assert contract.reference is not None
        return INT64_MAX // (contract.reference * 5 // 4 + 2)
    return script.pick((0, -5, INT64_MAX, INT64_MAX // 200 * 4, -INT64_MAX - 1))


def executed(script: Script, contract: Contract) -> str:
    """Give a time of execution; sometimes at the edges of a halt."""
    if contract.halts and script.chance(0.5):
        found = script.pick(contract.halts)
        edge = script.pick((found.start, found.until or script.now, found.until or script.now))
        return print_instant(edge + script.pick((0, -1, 1, MINUTE)))
    return script.when()


def trade(script: Script, contract: Contract) -> None:
    """Submit a trade; sometimes one that closes what a defaulted member holds."""
    buyer, seller = script.rng.sample(script.accounts, 2)
    quantity = lots(script, contract, buyer)
    held = positions(contract)
    defaulted = [account for account in held if script.house.is_defaulted(account)]
    if defaulted and script.chance(0.3):
        account = script.pick(defaulted)
        quantity = abs(held[account]) + script.pick((0, 0, 1))
        buyer, seller = (account, seller) if held[account] < 0 else (buyer, account)
    if script.chance(0.02):
        seller = script.pick((buyer, "GHOST"))
    script.send(
        "submit_trade/1", trade_id=script.name("T"), contract=contract.symbol,
        price=price(script, contract), lots=quantity, buyer=buyer, seller=seller,
        executed_at=executed(script, contract),
    )  # fmt: skip


def strange(script: Script) -> None:
    """Deal in a strange contract."""
    symbol, buyer = script.pick(STRANGE), script.pick((*script.accounts, "GHOST"))
    kind = script.pick(("trade", "trade", "quote", "halt", "transfer", "bust"))
    at = script.when()
    if kind == "trade":
        script.send(
            "submit_trade/1", trade_id=script.name("S"), contract=symbol, price="2.00", lots=1,
            buyer=buyer, seller=script.pick(script.accounts), executed_at=at,
        )  # fmt: skip
    elif kind == "quote":
        script.send("submit_quote/1", maker=buyer, contract=symbol, bid="2.00", bid_lots=1,
                    ask=None, ask_lots=None, at=at)  # fmt: skip
    elif kind == "halt":
        script.send("halt_contract/1", contract=symbol, until=at, reason="strange", at=at)
    elif kind == "transfer":
        script.send(
            "transfer_position/1", transfer=script.name("x"), contract=symbol, lots=1,
            from_account=script.pick(script.accounts), to_account=buyer, side="long",
            price="2.00", at=at,
        )  # fmt: skip
    else:
        script.send("bust_trade/1", trade_id="T1", contract=symbol, reason="strange", at=at)


def correct(script: Script, contract: Contract, *, is_bust: bool) -> None:
    """Bust a trade or adjust its price: mostly a recent one, sometimes one unknown or bust."""
    names = [found.trade_id for found in (*contract.trades[-8:], *contract.trades[:3])]
    name = "GHOST" if script.chance(0.03) else script.pick(names or ["GHOST"])
    symbol = contract.symbol if script.chance(0.97) else script.pick(STRANGE)
    if is_bust:
        script.send("bust_trade/1", trade_id=name, contract=symbol, reason="error",
                    at=script.when())  # fmt: skip
        return
    script.send("adjust_trade_price/1", trade_id=name, contract=symbol,
                price=price(script, contract), reason="error", at=script.when())  # fmt: skip


def transfer(script: Script, contract: Contract) -> None:
    """Give up lots: what is held, a part, one lot too many, or the wrong side."""
    held = positions(contract)
    giver = script.pick(sorted(held) or script.accounts)
    mine = held.get(giver, 1)
    quantity = script.pick((abs(mine), abs(mine), max(1, abs(mine) // 2), abs(mine) + 1, 0))
    side = "long" if mine > 0 else "short"
    if script.chance(0.05):
        side = script.pick(("long", "short"))
    taker = script.pick((*script.accounts, giver if script.chance(0.2) else script.accounts[0]))
    script.send(
        "transfer_position/1", transfer=script.name("X"), contract=contract.symbol,
        lots=quantity, from_account=giver, to_account=taker, side=side,
        price=price(script, contract), at=script.when(),
    )  # fmt: skip


def quote(script: Script, contract: Contract) -> None:
    """Quote around the reference, sometimes one side, none, crossed, locked or outside."""
    middle = (contract.reference or contract.mark or 200) + script.rng.randint(-2, 2)
    width = script.pick((0, 1, 2, 3, 5, -1))
    bid, ask = dollars(max(1, middle - width)), dollars(max(1, middle + width))
    if script.chance(0.1):
        bid = price(script, contract)
    size = script.pick((50, 50, 100, 1, 0))
    shown = script.pick(("both",) * 5 + ("bid", "ask", "none"))
    makers = [account for product, account in script.house.makers if contract.symbol[:3] == product]
    maker = script.pick(makers if makers and script.chance(0.8) else script.accounts)
    script.send(
        "submit_quote/1", maker=maker, contract=contract.symbol,
        bid=bid if shown in ("both", "bid") else None,
        bid_lots=size if shown in ("both", "bid") else None,
        ask=ask if shown in ("both", "ask") else None,
        ask_lots=size if shown in ("both", "ask") else None, at=script.when(),
    )  # fmt: skip


def settle(script: Script, contract: Contract) -> None:
    """Set the price of the coming close: near the market, wrong, or at the bounds of x100."""
    own = contract.own_price or 200
    far = script.pick((own * 100, own * 100 + 1, -(-own // 100), own // 100))
    told = dollars(far) if script.chance(0.1) else price(script, contract)
    script.send("set_settlement_price/1", contract=contract.symbol, price=told,
                reason="the tiers fail", at=script.when())  # fmt: skip


def halt(script: Script, contract: Contract) -> None:
    """Halt by command: to a time, to the close, or to no time at all."""
    shift = script.pick((10 * MINUTE, 30 * MINUTE, 0, None))
    until = None if shift is None else print_instant(script.now + shift)
    script.send("halt_contract/1", contract=contract.symbol, until=until, reason="by hand",
                at=print_instant(script.now))  # fmt: skip
