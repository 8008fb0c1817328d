"""Write days of one form in the other."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from hft.data.catalog import Partition
from hft.data.staging import Staging
from hft.data.store import BLOCK_ROWS, Form, Progress, Written, no_progress
from hft.funding import FUNDING

__all__ = ["reform"]


def reform(
    partitions: Sequence[Partition],
    root: Path,
    form: Form,
    *,
    overwrite: bool,
    progress: Progress = no_progress,
) -> list[Written]:
    """Write the days below ``root``, row for row as they are, and publish them together."""
    total = sum(partition.rows for partition in partitions)
    written = []
    with Staging(root, overwrite=overwrite) as staging:
        for partition in partitions:
            listing = partition.listing
            instrument = listing.instrument
            place = form.folder(root, instrument.id, partition.day)
            beside = staging.stage(place)
            fees = {"maker_fee": listing.maker_fee, "taker_fee": listing.taker_fee}
            with form.writer(beside, instrument, orders=partition.has_orders, **fees) as writer:
                for rows in partition.blocks(BLOCK_ROWS):
                    writer.append(rows.columns())
                    progress(len(rows), total)
            if (partition.folder / FUNDING).exists():
                shutil.copyfile(partition.folder / FUNDING, beside / FUNDING)
            written.append(
                Written(instrument=instrument.id, day=partition.day, rows=partition.rows, folder=place)
            )
        staging.publish()
    return written
