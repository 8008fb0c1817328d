"""What all tests with other people's clients share."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave it to the clients whether they close the event loops that they make."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):  # pytest gives all there are
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning"))
