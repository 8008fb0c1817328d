"""Orders that were modified: the exchange ends one and begins another of the same client id.

What the earlier one had traded is neither in the size nor in the fills of the later one. It is known from
the message with which the earlier one ends, which may come before or after the answer.
"""

from __future__ import annotations

import attrs

from hft import Order, Price, Recent, Size

__all__ = ["Replaced", "Replacement", "Replacements"]

_KEPT = 50_000


@attrs.frozen
class Replaced:
    """A modification that is done: what the order is from here on, all lots it ever had among them."""

    order_id: int
    price: Price
    size: Size
    filled: Size


@attrs.define
class Replacement:
    """One order's chain: what it is now, and what those before it have traded."""

    order: Order
    order_id: int
    before: int = 0
    is_under_way: bool = False
    """Whether a modification was sent that has no answer yet."""
    ended_with: int | None = None
    """What the present one, or the one before, had traded when it ended; None where that was not told."""
    following: tuple[int, Price, Size] | None = None
    """Id, price and size of the one that follows, where the end of the present one was not told yet."""
    doubtful_until_ns: int = 0
    """Until when a modification may still be carried out that found no answer."""

    def advance(self) -> Replaced | None:
        """Go on to the order that follows, if all is known of the one before."""
        if self.following is None or self.ended_with is None:
            return None
        order_id, price, size = self.following
        self.before += self.ended_with
        self.order_id = order_id
        self.following = self.ended_with = None
        return Replaced(order_id, price, Size(self.before + size), Size(self.before))


class Replacements:
    """The chains of all orders that were modified, by client id."""

    def __init__(self) -> None:
        self._chains: Recent[str, Replacement] = Recent(_KEPT)

    def before(self, client_order_id: str, order_id: int) -> int:
        """Return the lots traded under earlier ids than this one, 0 where there were none."""
        chain = self._chains.get(client_order_id)
        return 0 if chain is None or chain.order_id != order_id else chain.before

    def find(self, client_order_id: str) -> Replacement | None:
        """Return the chain of an order, None where it was never modified."""
        return self._chains.get(client_order_id)

    def begin(self, order: Order, order_id: int) -> None:
        """Note that a modification is being sent."""
        client_order_id = order.client_order_id
        chain = self._chains.get(client_order_id)
        if chain is None:
            chain = self._chains[client_order_id] = Replacement(order, order_id)
        chain.is_under_way, chain.following = True, None

    def settle(self, client_order_id: str, order_id: int, before: int) -> None:
        """Take what the exchange said when it was asked: which order it is now, and what was before."""
        chain = self._chains.get(client_order_id)
        if chain is not None:
            chain.order_id, chain.before = order_id, before
            chain.is_under_way, chain.following, chain.ended_with = False, None, None
