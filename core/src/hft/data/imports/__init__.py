"""Other people's files of market data, read block by block into rows."""

from __future__ import annotations

from hft.data.imports.source import FORMATS, ImportOptions, Source, TimeUnit, import_files

__all__ = ["FORMATS", "ImportOptions", "Source", "TimeUnit", "import_files"]
