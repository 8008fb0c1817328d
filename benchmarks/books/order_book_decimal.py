"""The C book of the order-book distribution, on Decimals."""

from __future__ import annotations

from decimal import Decimal

from benchmarks.books.order_book_c import OrderBookC

__all__ = ["Book"]


class Book(OrderBookC):
    name = "order_book, orjson, Decimal"

    def __init__(self) -> None:
        super().__init__(Decimal)
