"""The C book of the order-book distribution, on floats."""

from __future__ import annotations

from benchmarks.books.order_book_c import OrderBookC

__all__ = ["Book"]


class Book(OrderBookC):
    name = "order_book, orjson, float"

    def __init__(self) -> None:
        super().__init__(float)
