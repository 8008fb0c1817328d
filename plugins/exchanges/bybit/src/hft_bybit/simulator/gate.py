"""What every private request passes: keys, signatures, times, rights, buckets."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from hft import Clock
from hft_bybit.endpoints import Product
from hft_bybit.simulator.auth import ApiKey, check_request
from hft_bybit.simulator.buckets import Buckets, Charge, TooMany
from hft_bybit.simulator.calls import Answer, Call, Endpoint
from hft_bybit.simulator.listing import NS_PER_MS
from hft_bybit.simulator.params import ApiError, Params

__all__ = ["Gate", "Outcome"]

_NOTHING = Charge(0, 0, 0)


@attrs.frozen
class Outcome:
    """What became of a request: an answer or an error, and what it left of its bucket."""

    answer: Answer | None
    error: ApiError | None
    charge: Charge = _NOTHING


class Gate:
    """Lets requests through to their endpoints, or says why not."""

    def __init__(self, keys: Mapping[str, ApiKey], buckets: Buckets, clock: Clock) -> None:
        self.keys = keys
        self._buckets = buckets
        self._clock = clock

    def now_ms(self) -> int:
        """Return the time that requests are compared with."""
        return self._clock.now_ns() // NS_PER_MS

    def sender(self, headers: Mapping[str, str], payload: str) -> ApiKey:
        """Return whose request it is; raise `ApiError` where that is not shown."""
        return check_request(self.keys, headers, payload, self.now_ms())

    def pass_(self, endpoint: Endpoint, params: Params, key: ApiKey) -> Outcome:
        """Answer a request of a sender who is known."""
        charge = _NOTHING
        try:
            if endpoint.trades and not key.permissions.trading:
                raise ApiError(10005, "Permission denied, please check your API key permissions.")
            charge = self._charge(endpoint, params, key.account)
            return Outcome(endpoint.answer(Call(params, key.account)), None, charge)
        except TooMany as error:
            return Outcome(None, error, error.charge)
        except ApiError as error:
            return Outcome(None, error, charge)

    def _charge(self, endpoint: Endpoint, params: Params, account: str) -> Charge:
        if not endpoint.bucket:
            return _NOTHING
        product = next((each for each in Product if each.value == params.text("category")), None)
        limit = endpoint.limit.get(product, endpoint.limit.get(None, 0))
        name = f"{product.value if product else ''} {endpoint.bucket}"
        return self._buckets.charge(account, name, limit, endpoint.weight(params))
