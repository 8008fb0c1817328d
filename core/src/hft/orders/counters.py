"""What the order manager counts."""

from __future__ import annotations

import attrs

__all__ = ["OrderCounters"]


@attrs.define
class OrderCounters:
    """What was sent and what came back.

    ``refused`` counts by what refused: a risk rule's name, or ``book``, ``size``, ``halted`` and so on.
    ``duplicates`` are fills and reports told again, ``illegal`` those that contradict the state table,
    ``foreign`` those about orders that are not of this profile. ``queries`` are questions about orders
    in doubt, ``adopted`` orders of an earlier run that were taken over.
    """

    sent: int = 0
    amended: int = 0
    cancelled: int = 0
    fills: int = 0
    duplicates: int = 0
    illegal: int = 0
    foreign: int = 0
    queries: int = 0
    adopted: int = 0
    refused: dict[str, int] = attrs.Factory(dict)

    def refuse(self, reason: str) -> None:
        """Count a refusal by the first word of its reason: what follows has figures and never repeats."""
        subject = reason.partition(":")[0]
        self.refused[subject] = self.refused.get(subject, 0) + 1
