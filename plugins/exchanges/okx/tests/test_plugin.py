"""The plugin is found by its name and offers what it says."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

from hft import Secret
from hft_okx import Config, OkxExecution, OkxStream, plugin
from hft_okx.endpoints import HOSTS


def test_it_is_found_by_name() -> None:
    (found,) = entry_points(group="hft.exchanges", name="okx")
    assert found.load() is plugin


def test_what_it_offers() -> None:
    assert plugin.HFT_API == 1
    assert plugin.hft_market_data() is OkxStream
    assert plugin.hft_execution() is OkxExecution
    assert OkxStream.environments == tuple(HOSTS)
    assert OkxStream.Config is OkxExecution.Config is Config


def test_secrets_do_not_show() -> None:
    config = Config(key=Secret("k-1"), secret=Secret("s-2"), passphrase=Secret("p-3"))
    assert not any(word in repr(config) for word in ("k-1", "s-2", "p-3"))


@pytest.mark.parametrize("tag", ["a-b", "a" * 17, "ä"])
def test_a_tag_is_letters_and_digits(tag: str) -> None:
    with pytest.raises(ValueError, match="letters and digits"):
        Config(tag=tag)
