"""What the simulated OKX says when it refuses something."""

from __future__ import annotations

from hft.sim import Reason, Refused

__all__ = ["ApiError", "api_error", "parameter"]

_STATUS = {"50011": 429, "50061": 429}
_UNAUTHORIZED = frozenset(
    {"50101", "50102", "50103", "50104", "50105", "50106", "50107", "50111", "50112", "50113", "50119"}
)

_REASONS = {
    Reason.CLOSED: ("51022", "Instrument suspended."),
    Reason.TICK: ("51000", "Parameter px error"),
    Reason.LOW_PRICE: ("51000", "Parameter px error"),
    Reason.HIGH_PRICE: ("51000", "Parameter px error"),
    Reason.LOT: ("51121", "Order quantity must be a multiple of the lot size."),
    Reason.SMALL: ("51020", "Your order should meet or exceed the minimum order amount."),
    Reason.LARGE: ("51005", "Your order amount exceeds the max order amount."),
    Reason.LARGE_MARKET: ("51202", "Market order amount exceeds the maximum amount."),
    Reason.NOTIONAL: ("51020", "Your order should meet or exceed the minimum order amount."),
    Reason.LARGE_NOTIONAL: ("51004", "Order amount exceeds current tier limit."),
    Reason.PRICE_BAND: ("51006", "Order price is not within the price limit."),
    Reason.TOO_MANY_ORDERS: ("51025", "Order count exceeds the limit."),
    Reason.DUPLICATE_ID: ("51016", "Client order ID already exists."),
    Reason.BALANCE: ("51008", "Order failed. Insufficient balance in account"),
    Reason.MARGIN: ("51008", "Order failed. Insufficient margin in account"),
    Reason.WOULD_TAKE: ("51511", "Operation failed as the price doesn't meet the post only requirement."),
    Reason.NO_PRICE: ("51000", "Parameter px error"),
    Reason.REDUCE_ONLY: ("51169", "Order failed because you don't have any positions to reduce."),
    Reason.POSITION_SIDE: ("51000", "Parameter posSide error"),
    Reason.UNKNOWN_ORDER: (
        "51400",
        "Cancellation failed as the order has been filled, canceled or does not exist.",
    ),
    Reason.NOT_LIMIT: ("51510", "Modification failed as the order cannot be changed."),
    Reason.NO_CHANGE: ("51506", "Order modification failed: nothing is changed."),
    Reason.TOO_MANY_AMENDMENTS: ("51513", "Too many modifications in progress."),
}


class ApiError(Exception):
    """A refusal with the exchange's code and words."""

    def __init__(self, code: str, msg: str) -> None:
        self.code = code
        self.msg = msg
        super().__init__(code)

    @property
    def status(self) -> int:
        """The HTTP status that it comes with where it is about the whole request."""
        return 401 if self.code in _UNAUTHORIZED else _STATUS.get(self.code, 200)


def api_error(refused: Refused) -> ApiError:
    """Put a refusal of a desk into the exchange's words."""
    return ApiError(*_REASONS[refused.reason])


def parameter(name: str) -> ApiError:
    """Say that a parameter makes no sense, or is missing."""
    return ApiError("51000", f"Parameter {name} error")
