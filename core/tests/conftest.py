"""Distributions that need no pip, and every implementation of the order book that is there."""

from __future__ import annotations

import importlib
import json
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from hft.book import OrderBook, SortedBook


@attrs.frozen
class Site:
    """A folder that this process imports from."""

    folder: Path

    def install(
        self,
        distribution: str,
        entry_points: Mapping[str, Mapping[str, str]],
        *,
        version: str = "1.0",
        requires: Sequence[str] = (),
        direct_url: object = None,
        **modules: str,
    ) -> None:
        """Write what pip would: metadata, and ``modules`` by name."""
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {distribution}", f"Version: {version}"]
        lines += [f"Requires-Dist: {each}" for each in requires]
        (info / "METADATA").write_text("\n".join(lines) + "\n")
        (info / "entry_points.txt").write_text(
            "\n".join(
                f"[{group}]\n" + "\n".join(f"{name} = {value}" for name, value in points.items())
                for group, points in entry_points.items()
            )
        )
        if direct_url is not None:
            (info / "direct_url.json").write_text(json.dumps(direct_url))
        for name, source in modules.items():
            (self.folder / f"{name}.py").write_text(textwrap.dedent(source))
        importlib.invalidate_caches()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Yield a folder on the import path; what was imported from it is forgotten afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)
    yield Site(folder)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture(scope="session")
def native_book() -> type[OrderBook]:
    """`NativeBook`; what asks for it is skipped where it was not compiled."""
    reason = "the native module was not compiled"
    module: Any = pytest.importorskip("hft.book.native_book", reason=reason, exc_type=ImportError)
    book_type: type[OrderBook] = module.NativeBook
    return book_type


# For the whole session, so that hypothesis may ask for it.
@pytest.fixture(params=["pure", "native"], scope="session")
def book_type(request: pytest.FixtureRequest) -> type[OrderBook]:
    """Each implementation in turn."""
    if request.param == "pure":
        return SortedBook
    native: type[OrderBook] = request.getfixturevalue("native_book")
    return native
