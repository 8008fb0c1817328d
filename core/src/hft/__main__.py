"""``python -m hft``: the same as the command ``hft``."""

from __future__ import annotations

import sys

from hft.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
