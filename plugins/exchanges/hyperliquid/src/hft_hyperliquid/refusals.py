"""What the exchange's refusals prove; it has words for them and no codes."""

from __future__ import annotations

from hft import Ruling

__all__ = [
    "NO_MATCH",
    "OUT_OF_BUDGET",
    "code_of",
    "is_bad_time",
    "verdict_of_status",
    "verdict_of_text",
]

OUT_OF_BUDGET = "Too many cumulative requests sent"

NO_MATCH = ("Order could not immediately match", "No liquidity available for market order")
"""An order that was to trade at once found nobody: it was taken and has ended, which is no refusal."""

_DUPLICATE_NONCE = "duplicate nonce"
_BAD_TIME = ("Action already expired", "nonce too low", "nonce too high")


_CODES = {
    "Price must be divisible by tick size": "tickRejected",
    "Order must have minimum value": "minTradeNtlRejected",
    "Insufficient margin": "perpMarginRejected",
    "Insufficient spot balance": "insufficientSpotBalanceRejected",
    "Order has insufficient spot balance": "insufficientSpotBalanceRejected",
    "Reduce only order would increase position": "reduceOnlyRejected",
    "Post only order would have immediately matched": "badAloPxRejected",
    "Order could not immediately match": "iocCancelRejected",
    "No liquidity available": "marketOrderNoLiquidityRejected",
    "Invalid TP/SL price": "badTriggerPxRejected",
    "Order price": "oracleRejected",
    "Price too far from oracle": "oracleRejected",
    "Order would cause position to exceed margin tier limit": "perpMaxPositionRejected",
    "Too many open orders": "tooManyOpenOrdersRejected",
}
"""A refusal has words only; these are the ones for the state that an order is in after it."""


def code_of(text: str) -> str:
    """Return the exchange's one word for a refusal, ``rejected`` where it has none."""
    return next((code for begins, code in _CODES.items() if text.startswith(begins)), "rejected")


def verdict_of_text(text: str) -> Ruling:
    """Judge the words with which the exchange refused an action, or one order of it."""
    if OUT_OF_BUDGET in text or text.startswith("429") or is_bad_time(text):
        return Ruling.NOT_TAKEN
    # An action with this number was carried out, perhaps this one, sent twice by something in between.
    if _DUPLICATE_NONCE in text:
        return Ruling.UNKNOWN
    return Ruling.REFUSED


def is_bad_time(text: str) -> bool:
    """Say whether a request was not taken because our time is not the exchange's."""
    return any(words in text for words in _BAD_TIME)


def verdict_of_status(status: int) -> Ruling:
    """Judge an HTTP status other than 200: what could not be read was not carried out."""
    if status in (403, 429):
        return Ruling.NOT_TAKEN
    return Ruling.REFUSED if 400 <= status < 500 and status != 408 else Ruling.UNKNOWN
