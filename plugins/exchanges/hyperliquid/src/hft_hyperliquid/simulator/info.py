"""What can be asked of the simulated Hyperliquid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from hft import Clock, Side
from hft.sim import LinearDesk, PublicTrade, SpotDesk
from hft_hyperliquid.simulator.auth import Directory, Malformed
from hft_hyperliquid.simulator.bodies import (
    asset_context,
    clearinghouse_state,
    long_order,
    order_update,
    short_order,
    spot_state,
    trade_id,
)
from hft_hyperliquid.simulator.events import Events
from hft_hyperliquid.simulator.listing import NS_PER_MS, Listing, number
from hft_hyperliquid.simulator.orders import Trading
from hft_hyperliquid.simulator.weights import Budgets

__all__ = ["FULL_LEVELS", "AccountInfo", "PublicInfo", "book_body", "trades_body"]

FULL_LEVELS = 20
_RECENT = 10
"""Trades that a subscription begins with."""
_ROWS = 500
_FILLS = 2000

_NO_HASH = "0x" + "0" * 64
_NOBODY = "0x" + "0" * 40

Asked = Mapping[str, Any]


def book_body(listing: Listing, levels: int, now_ms: int) -> dict[str, Any]:
    """Write the best levels of both sides."""
    return {
        "coin": listing.coin,
        "time": now_ms,
        "levels": [
            [listing.level(side, *level) for level in listing.market.levels(side, levels)] for side in Side
        ],
    }


def trades_body(listing: Listing, trades: Sequence[PublicTrade]) -> list[dict[str, Any]]:
    """Write public trades."""
    return [
        {
            "coin": listing.coin,
            "side": "B" if trade.side is Side.BUY else "A",
            "px": listing.price(trade.price),
            "sz": listing.size(trade.size),
            "time": trade.time_ns // NS_PER_MS,
            "hash": _NO_HASH,
            "tid": trade_id(listing, trade.trade_id),
            "users": [_NOBODY, _NOBODY],
        }
        for trade in trades
    ]


class PublicInfo:
    """Answers questions about markets. ``wake`` is called by those about books: a playback begins then."""

    def __init__(self, listings: Sequence[Listing], clock: Clock, wake: Callable[[], None]) -> None:
        self.by_coin = {listing.coin: listing for listing in listings}
        self.perps = sorted((one for one in listings if not one.is_spot), key=lambda one: one.asset)
        self.pairs = sorted((one for one in listings if one.is_spot), key=lambda one: one.asset)
        names = dict.fromkeys(
            name
            for one in self.pairs
            for name in (one.market.instrument.quote, one.market.instrument.base)
            if name != "USDC"
        )
        self.tokens = {"USDC": 0, **{name: place for place, name in enumerate(names, 1)}}
        self._clock = clock
        self._wake = wake
        self.answers: dict[str, Callable[[Asked], Any]] = {
            "meta": lambda _: self.meta(),
            "metaAndAssetCtxs": lambda _: [self.meta(), [asset_context(each) for each in self.perps]],
            "spotMeta": lambda _: self.spot_meta(),
            "spotMetaAndAssetCtxs": lambda _: [
                self.spot_meta(),
                [asset_context(each) for each in self.pairs],
            ],
            "perpDexs": lambda _: [None],
            "allPerpMetas": lambda _: [self.meta()],
            "allMids": lambda _: self.mids(),
            "l2Book": self._book,
            "recentTrades": self._trades,
            "fundingHistory": self._fundings,
            "exchangeStatus": lambda _: {"time": self.now_ms(), "specialStatuses": None},
        }

    def now_ms(self) -> int:
        """Return the exchange's time."""
        return self._clock.now_ns() // NS_PER_MS

    def meta(self) -> dict[str, Any]:
        """List the perpetuals."""
        return {
            "universe": [
                {
                    "name": each.coin,
                    "szDecimals": each.decimals,
                    "maxLeverage": each.leverage,
                    "marginTableId": each.leverage,
                }
                for each in self.perps
            ],
            "marginTables": [],
            "collateralToken": 0,
        }

    def spot_meta(self) -> dict[str, Any]:
        """List the pairs and their tokens."""
        decimals = {each.market.instrument.base: each.decimals for each in self.pairs}
        return {
            "tokens": [
                {
                    "name": name,
                    "szDecimals": decimals.get(name, 8),
                    "weiDecimals": 8,
                    "index": index,
                    "tokenId": f"0x{index:032x}",
                    "isCanonical": index == 0,
                    "evmContract": None,
                    "fullName": None,
                    "deployerTradingFeeShare": "0.0",
                }
                for name, index in self.tokens.items()
            ],
            "universe": [
                {
                    "name": each.coin,
                    "tokens": [
                        self.tokens[each.market.instrument.base],
                        self.tokens[each.market.instrument.quote],
                    ],
                    "index": each.asset - 10_000,
                    "isCanonical": each.asset == 10_000,
                }
                for each in self.pairs
            ],
        }

    def mids(self) -> dict[str, str]:
        """Return the middle of every market."""
        mids = {coin: listing.mid() for coin, listing in self.by_coin.items()}
        return {coin: number(mid) for coin, mid in mids.items() if mid is not None}

    def listing(self, asked: Asked) -> Listing:
        """Return the market that is asked about."""
        listing = self.by_coin.get(str(asked.get("coin")))
        if listing is None:
            raise Malformed
        return listing

    def recent(self, listing: Listing) -> list[dict[str, Any]]:
        """Return the trades that a subscription begins with."""
        return trades_body(listing, list(listing.market.trades)[-_RECENT:])

    def _book(self, asked: Asked) -> Any:
        self._wake()
        return book_body(self.listing(asked), FULL_LEVELS, self.now_ms())

    def _trades(self, asked: Asked) -> Any:
        return self.recent(self.listing(asked))

    def _fundings(self, asked: Asked) -> Any:
        listing, start_ms = self.listing(asked), int(asked.get("startTime", 0))
        rows: list[dict[str, Any]] = [
            {
                "coin": listing.coin,
                "fundingRate": number(mark.funding_rate),
                "premium": "0.0",
                "time": mark.next_funding_ns // NS_PER_MS,
            }
            for mark in listing.market.settled
        ]
        return [row for row in rows if row["time"] >= start_ms][:_ROWS]


class AccountInfo:
    """Answers questions about accounts; anybody may ask them, an address is all it takes."""

    def __init__(
        self,
        public: PublicInfo,
        directory: Directory,
        trading: Trading,
        events: Events,
        budgets: Budgets,
        spot: SpotDesk,
        perps: LinearDesk,
    ) -> None:
        self._public = public
        self._directory = directory
        self._trading = trading
        self._events = events
        self._budgets = budgets
        self._spot = spot
        self._perps = perps
        self._listings = {listing.market: listing for listing in public.perps}
        by_account: dict[str, tuple[Callable[[str, Asked], Any], Any]] = {
            "clearinghouseState": (self.clearinghouse, None),
            "spotClearinghouseState": (self.spot_balances, {"balances": []}),
            "openOrders": (lambda name, _: [short_order(each) for each in self._open(name)], []),
            "frontendOpenOrders": (lambda name, _: [long_order(each) for each in self._open(name)], []),
            "historicalOrders": (self._historical, []),
            "orderStatus": (self._order, {"status": "unknownOid"}),
            "userFills": (lambda name, _: self.fills(name), []),
            "userFillsByTime": (self._fills_by_time, []),
            "userFunding": (self._fundings, []),
            "userNonFundingLedgerUpdates": (lambda _name, _asked: [], []),
            "userRateLimit": (lambda name, _: self._budgets.usage(name), None),
            "userFees": (self._fees, None),
            "activeAssetData": (self._asset, None),
            "maxBuilderFee": (lambda _name, _asked: 100, 0),
            "userAbstraction": (lambda _name, _asked: "disabled", "disabled"),
        }
        self.answers: dict[str, Callable[[Asked], Any]] = {
            kind: self._of_account(answer, empty) for kind, (answer, empty) in by_account.items()
        }
        self.answers |= {
            "userRole": lambda asked: directory.role(_user(asked)),
            "extraAgents": lambda asked: directory.agents(_user(asked)),
            "subAccounts": self._sub_accounts,
        }

    def _of_account(self, answer: Callable[[str, Asked], Any], empty: Any) -> Callable[[Asked], Any]:
        def ask(asked: Asked) -> Any:
            name = self._directory.name(_user(asked))
            if name is not None:
                return answer(name, asked)
            # Of an address that is no account everything is empty, and looks as if it were right.
            return _EMPTY.get(str(asked["type"]), empty)

        return ask

    def fills(self, name: str) -> list[dict[str, Any]]:
        """Return the newest fills of an account, the newest first."""
        return list(self._events.fills[name])[-_FILLS:][::-1]

    def fundings(self, name: str) -> list[dict[str, Any]]:
        """Return the newest payments of an account."""
        return list(self._events.fundings[name])[-_ROWS:]

    def clearinghouse(self, name: str, _: Asked) -> Any:
        """Return the account of perpetuals."""
        return clearinghouse_state(self._perps.accounts[name], self._listings, self._public.now_ms())

    def spot_balances(self, name: str, _: Asked) -> Any:
        """Return the account of spot."""
        return spot_state(self._spot.accounts[name], self._public.tokens)

    def _open(self, name: str) -> Any:
        return self._trading.open_orders(name)

    def _historical(self, name: str, _: Asked) -> Any:
        return [order_update(each, long=True) for each in self._trading.orders(name)[-_FILLS:][::-1]]

    def _order(self, name: str, asked: Asked) -> Any:
        named = asked.get("oid")
        found = [
            each
            for each in self._trading.orders(name)
            if (each.native.cloid == named.lower() if isinstance(named, str) else each.id == named)
        ]
        if not found:
            return {"status": "unknownOid"}
        return {"status": "order", "order": order_update(found[-1], long=True)}

    def _fills_by_time(self, name: str, asked: Asked) -> Any:
        return _in_time(self._events.fills[name], asked)[:_FILLS]

    def _fundings(self, name: str, asked: Asked) -> Any:
        rows = _in_time(self._events.fundings[name], asked)[:_ROWS]
        return [
            {
                "time": row["time"],
                "hash": _NO_HASH,
                "delta": {"type": "funding", "nSamples": None}
                | {key: row[key] for key in ("coin", "usdc", "szi", "fundingRate")},
            }
            for row in rows
        ]

    def _fees(self, name: str, _: Asked) -> Any:
        perps, spot = self._perps.accounts[name].fees, self._spot.accounts[name].fees
        return {
            "userCrossRate": number(perps.taker),
            "userAddRate": number(perps.maker),
            "userSpotCrossRate": number(spot.taker),
            "userSpotAddRate": number(spot.maker),
            "dailyUserVlm": [],
        }

    def _asset(self, name: str, asked: Asked) -> Any:
        listing = self._public.listing(asked)
        account, market = self._perps.accounts[name], listing.synthetic()
        free = number(max(Decimal(0), account.available("USDC")))
        return {
            "user": _user(asked),
            "coin": listing.coin,
            "leverage": {
                "type": "isolated" if market in account.isolated else "cross",
                "value": account.leverage(market),
            },
            "maxTradeSzs": ["0.0", "0.0"],
            "availableToTrade": [free, free],
            "markPx": asset_context(listing)["markPx"],
        }

    def _sub_accounts(self, asked: Asked) -> Any:
        found = self._directory.sub_accounts(_user(asked))
        return [
            {"subAccountUser": address, "name": self._directory.names[address], "master": _user(asked)}
            for address in found
        ] or None


_EMPTY: dict[str, Any] = {
    "clearinghouseState": {
        "marginSummary": {
            "accountValue": "0.0",
            "totalNtlPos": "0.0",
            "totalRawUsd": "0.0",
            "totalMarginUsed": "0.0",
        },
        "assetPositions": [],
        "withdrawable": "0.0",
        "time": 0,
    },
    "userRateLimit": {"cumVlm": "0.0", "nRequestsUsed": 0, "nRequestsCap": 10_000, "nRequestsSurplus": 0},
}


def _user(asked: Asked) -> str:
    user = asked.get("user")
    if not isinstance(user, str):
        raise Malformed
    return user.lower()


def _in_time(rows: Any, asked: Asked) -> list[Any]:
    start_ms, end_ms = asked.get("startTime", 0), asked.get("endTime")
    if type(start_ms) is not int:
        raise Malformed
    return [row for row in rows if start_ms <= row["time"] and (end_ms is None or row["time"] <= end_ms)]
