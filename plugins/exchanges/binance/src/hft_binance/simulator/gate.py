"""What every private request passes: weights, keys, signatures, times, order counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from hft import Clock
from hft_binance.simulator.auth import ApiKey, check_time
from hft_binance.simulator.calls import Call, Endpoint, Security
from hft_binance.simulator.listing import NS_PER_MS, SPOT, ProductRules
from hft_binance.simulator.order_limits import OrderCounter
from hft_binance.simulator.params import ApiError, Params, missing
from hft_binance.simulator.weights import Charge, WeightCounter

__all__ = ["Gate", "Outcome", "Signature", "too_much"]

_KEY_LENGTH = 64


@attrs.frozen
class Signature:
    """What a request shows of its sender: the key, what was signed, and the signature."""

    key: str | None
    payload: bytes
    signature: str | None


@attrs.frozen(kw_only=True)
class Outcome:
    """What became of a request; ``account`` is known where its key was."""

    body: Any = None
    error: ApiError | None = None
    used_weight: int = 0
    retry_after_s: int = 0
    banned_until_ms: int = 0
    account: str | None = None
    placed: bool = False


class Gate:
    """Lets the requests of one product through to their endpoints, or says why not."""

    def __init__(
        self,
        product: ProductRules,
        keys: Mapping[str, ApiKey],
        weights: WeightCounter,
        orders: OrderCounter,
        clock: Clock,
    ) -> None:
        self.product = product
        self.keys = keys
        self.weights = weights
        self.orders = orders
        self._clock = clock

    def pass_(
        self,
        endpoint: Endpoint,
        params: Mapping[str, str],
        shown: Signature,
        address: str,
        *,
        session: ApiKey | None = None,
    ) -> Outcome:
        """Answer a request; a websocket's ``session`` stands in for an absent key and signature."""
        weight = endpoint.weight(params)
        charge = self.weights.charge(address, weight)
        if charge.status != 200:
            return Outcome(
                error=too_much(self.weights, address, charge),
                used_weight=charge.used,
                retry_after_s=charge.retry_after_s,
                banned_until_ms=charge.banned_until_ms,
            )
        key: ApiKey | None = None
        used = charge.used
        placed = False
        try:
            call = Call(Params(params), None, self.now_ms())
            if endpoint.security is not Security.NONE:
                call.key = key = self._sender(endpoint, call.params, shown, session)
            orders = endpoint.orders(params)
            if orders:
                assert key is not None
                self.orders.charge(key.account, orders)
                placed = True
            try:
                body = endpoint.answer(call)
            except ApiError:
                if orders and key is not None and self.product is SPOT:
                    # Spot counts orders that are open and unfilled; what was refused is not.
                    self.orders.refund(key.account, orders)
                raise
        except ApiError as error:
            return Outcome(
                error=error, used_weight=used, account=None if key is None else key.account, placed=placed
            )
        if endpoint.free:
            self.weights.refund(address, weight)
            used -= weight
        return Outcome(
            body=body, used_weight=used, account=None if key is None else key.account, placed=placed
        )

    def now_ms(self) -> int:
        """Return the time that requests are compared with."""
        return self._clock.now_ns() // NS_PER_MS

    def find_key(self, text: str | None) -> ApiKey:
        """Return an API key; raise `ApiError` if there is none."""
        if text is None or not text or len(text) > _KEY_LENGTH or not text.isalnum():
            raise ApiError(-2014, "API-key format invalid.", 401)
        key = self.keys.get(text)
        if key is None:
            raise ApiError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return key

    def _sender(self, endpoint: Endpoint, params: Params, shown: Signature, session: ApiKey | None) -> ApiKey:
        by_session = session is not None and shown.key is None and shown.signature is None
        key = session if by_session else self.find_key(shown.key)
        assert key is not None
        for needless in ("signature", "timestamp", "recvWindow"):
            params.text(needless)  # who signs what need not be signed is not refused
        if endpoint.security is Security.SIGNED:
            signature = shown.signature
            if not by_session and not signature:
                raise missing("signature")
            check_time(params.text("timestamp"), params.text("recvWindow"), self.now_ms())
            if not by_session and not key.verify(shown.payload, signature or ""):
                raise ApiError(-1022, "Signature for this request is not valid.")
        rights = key.permissions
        may_trade = rights.spot if self.product is SPOT else rights.futures
        if not rights.reading or (endpoint.trades and not may_trade):
            raise ApiError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return key


def too_much(weights: WeightCounter, address: str, charge: Charge) -> ApiError:
    """Say that an address asks too much."""
    if charge.status == 418:
        msg = f"Way too much request weight used; IP banned until {charge.banned_until_ms}. "
        return ApiError(-1003, msg + "Please use WebSocket Streams for live updates to avoid bans.", 418)
    msg = f"Too much request weight used; current limit is {weights.weight_per_min} "
    msg += f"request weight per 1 MINUTE for IP {address}. "
    return ApiError(-1003, msg + "Please use WebSocket Streams for live updates to avoid polling.", 429)
