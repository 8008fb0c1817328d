"""What the order manager counts."""

from __future__ import annotations

__all__ = ["OrderCounters"]


class OrderCounters:
    """What was sent and what came back.

    ``refused`` counts by what refused: a risk rule's name, or ``book``, ``size``, ``halted`` and so on.
    ``duplicates`` are fills and reports told again, ``illegal`` those that contradict the state table,
    ``foreign`` those about orders that are not of this profile. ``queries`` are questions about orders
    in doubt, ``adopted`` orders of an earlier run that were taken over.
    """

    __slots__ = (
        "adopted",
        "amended",
        "cancelled",
        "duplicates",
        "fills",
        "foreign",
        "illegal",
        "queries",
        "refused",
        "sent",
    )

    def __init__(self) -> None:
        self.sent = 0
        self.amended = 0
        self.cancelled = 0
        self.fills = 0
        self.duplicates = 0
        self.illegal = 0
        self.foreign = 0
        self.queries = 0
        self.adopted = 0
        self.refused: dict[str, int] = {}

    def refuse(self, reason: str) -> None:
        """Count a refusal by the first word of its reason: what follows has figures and never repeats."""
        subject = reason.partition(":")[0]
        self.refused[subject] = self.refused.get(subject, 0) + 1
