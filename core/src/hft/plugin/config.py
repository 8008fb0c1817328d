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
    profile can fill: ``bool, int, float, str, Decimal, Duration, InstrumentId, Money, Secret``,
    enums, ``Literal``, ``X | None``, tuples, lists and sets, dicts with text keys, and further attrs
    classes. A validator refuses a value by raising `ValueError`; its words become the fault's.
    """

    Config: ClassVar[type[Any]]
    config: ConfigT

    _config_parameter: ClassVar[Any] = ConfigT  # type: ignore[misc]  # as a value
    """What stands for ``ConfigT`` in this class: one of its own type variables, or the attrs class."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in vars(cls).get("__orig_bases__", ()):
            origin = get_origin(base)
            if not (isinstance(origin, type) and issubclass(origin, Configured)):
                continue
            parameters: tuple[Any, ...] = getattr(origin, "__parameters__", ())
            if origin._config_parameter not in parameters:
                continue
            argument = get_args(base)[parameters.index(origin._config_parameter)]
            cls._config_parameter = argument
            if isinstance(argument, TypeVar):
                continue
            if not (isinstance(argument, type) and attrs.has(argument)):
                raise TypeError(
                    f"{cls.__name__}: {argument!r} is not an attrs class, put @attrs.frozen(kw_only=True)"
                    f" on it and write {cls.__name__}({origin.__name__}[Config])"
                )
            cls.Config = argument


def option(default: Any = attrs.NOTHING, *, doc: str, validator: Any = None) -> Any:
    """Declare a field of a ``Config`` with the sentence that `hft schema` and the docs show."""
    return attrs.field(default=default, validator=validator, metadata={"doc": doc})
