"""How a plugin's class names the attrs class of its part of the profile."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar, get_args, get_origin

import attrs

__all__ = ["ConfigT", "Configured", "option"]

ConfigT = TypeVar("ConfigT")


class Configured(Generic[ConfigT]):
    """Base of the component interfaces: ``class Maker(Strategy[Config])`` has ``Maker.Config``.

    ``Config`` is an attrs class (``@attrs.frozen(kw_only=True)``); its fields are the keys of the
    component's part of the profile, checked strictly before anything starts. Field types that a
    profile can fill: ``bool, int, float, str, Decimal, Duration, InstrumentId, Secret``, enums,
    ``X | None``, tuples, dicts with text keys, and further attrs classes.
    """

    Config: ClassVar[type[Any]]
    config: ConfigT

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in getattr(cls, "__orig_bases__", ()):
            origin = get_origin(base)
            if not (isinstance(origin, type) and issubclass(origin, Configured)):
                continue
            (argument,) = get_args(base)
            if isinstance(argument, TypeVar):
                continue
            if not (isinstance(argument, type) and attrs.has(argument)):
                raise TypeError(f"{cls.__name__}: {argument!r} is not an attrs class")
            cls.Config = argument


def option(default: Any = attrs.NOTHING, *, doc: str, validator: Any = None) -> Any:
    """Declare a field of a ``Config`` with the sentence that `hft schema` and the docs show."""
    return attrs.field(default=default, validator=validator, metadata={"doc": doc})
