"""A component's class knows its Config however long the chain of its bases."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import attrs
import pytest

from hft.plugin.config import ConfigT, Configured, option
from hft.plugin.strategy import Strategy

OtherT = TypeVar("OtherT")
BaseT = TypeVar("BaseT", bound="Config")


@attrs.frozen(kw_only=True)
class Config:
    """Some options."""

    size: int = option(1, doc="how much")


@attrs.frozen(kw_only=True)
class Larger(Config):
    """More options."""


class Direct(Strategy[Config]):
    """The usual way."""


class Generically(Strategy[BaseT], Generic[BaseT]):
    """A base that leaves the options to its subclasses."""


class Swapped(Strategy[ConfigT], Generic[OtherT, ConfigT]):
    """A base with another parameter before."""


class Mixin(Generic[OtherT]):
    """Something else that is generic."""


def test_config_is_found():
    assert Direct.Config is Config
    assert type("Sub", (Direct,), {}).Config is Config


def test_config_is_found_through_generic_bases():
    class Filled(Generically[Larger]):
        pass

    class Second(Swapped[int, Larger]):
        pass

    class Mixed(Mixin[str], Generically[Larger]):
        pass

    class Further(Mixin[str], Filled):
        pass

    assert (Filled.Config, Second.Config, Mixed.Config, Further.Config) == (Larger,) * 4


def test_generic_base_has_none_yet():
    assert not hasattr(Generically, "Config")
    assert not hasattr(Configured, "Config")


@pytest.mark.parametrize("argument", [int, dict[str, int], "Config", None])
def test_argument_that_is_no_attrs_class(argument: Any):
    with pytest.raises(TypeError, match=r"Wrong: .* is not an attrs class, put @attrs\.frozen") as caught:

        class Wrong(Strategy[argument]):
            pass

    assert str(caught.value).endswith("write Wrong(Strategy[Config])")


def test_option_keeps_its_sentence():
    (field,) = attrs.fields(Config)
    assert (field.metadata["doc"], field.default) == ("how much", 1)
