"""hft's decoder and book by themselves: as much as the peers do of a message, and no more."""

from __future__ import annotations

from benchmarks.books.hft_book import HftBook
from benchmarks.inputs import DepthInput
from hft.book import new_book
from hft_binance import codec

__all__ = ["Book"]


class Book(HftBook):
    name = "hft, decoder and book alone"
    frame = "update = decode_depth(decode_envelope(frame).data); apply_delta(update.bids, update.asks)"
    notes = {**HftBook.notes, "frame": "no sequence check, no listener"}

    def __init__(self) -> None:
        super().__init__(new_book)

    def prepare(self, depth: DepthInput) -> None:
        super().prepare(depth)
        self.names.update(
            decode_envelope=codec.decode_envelope,
            decode_depth=codec.decode_depth,
            apply_delta=self.names["book"].apply_delta,
        )
