"""What only Binance has: listen keys, which expire."""

from __future__ import annotations

from hft import OrderType
from tests.exchanges import VENUES, trading


async def test_an_expired_listen_key_is_replaced() -> None:
    async with trading(VENUES["binance"], "BTC/USDT:USDT") as (session, (instrument,)):
        session.events.take()
        assert session.simulator.private is not None
        session.simulator.private.listen_keys.expire("account1")
        await session.told(lambda each: each == "lost: usdm: the listen key expired")
        await session.told(lambda each: each == "ready")
        order = session.order(instrument, price=None, type=OrderType.MARKET)
        session.client.place(order)
        await session.filled(order)
