"""Write docs/reference/profile.md: every key of a profile, from the classes that read it.

``python -m tests.profile_page`` keeps what stands between a heading and its first key, and adds and takes
away what plugins bring.
"""

from __future__ import annotations

import enum
import re
import types
import typing
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

import hft
from hft.orders.config import AccountConfig
from hft.paper.config import PaperConfig
from hft.profile.document import Broken, Scalar
from hft.profile.model import ComponentKeys, ExchangeKeys, ProfileKeys, StrategyKeys
from hft.profile.values import format_duration
from hft.registry.discovery import PluginKind, discover
from hft.registry.loader import Registry
from hft.routing.config import FeesConfig

__all__ = ["KERNEL", "PAGE", "configurations", "entries", "page"]

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "profile.md"
KERNEL = {
    "## The profile": ProfileKeys,
    "## An exchange": ExchangeKeys,
    "## Simulated fills": PaperConfig,
    "## An account": AccountConfig,
    "## Fees": FeesConfig,
    "## A strategy": StrategyKeys,
    "## A risk rule": ComponentKeys,
}


def configurations() -> dict[str, type[Any]]:
    """Return the heading and the attrs class of each part of a profile."""
    found = dict(KERNEL)
    registry = Registry()
    for each in discover(PluginKind.EXCHANGE, PluginKind.STRATEGY, PluginKind.RISK):
        plugin = registry.load(each.kind, each.name, base=None)
        offer = plugin.market_data() or plugin.strategy() or plugin.risk_rule()
        assert offer is not None
        found[f"## {each.kind.singular.capitalize()} `{each.name}`"] = offer.Config
        if simulator := plugin.simulator():
            found[f"## Simulator of `{each.name}`"] = simulator.Config
    return found


NAMES = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    Decimal: "decimal",
    hft.Duration: "duration",
    hft.InstrumentId: "instrument",
    hft.Money: "money",
    hft.Secret: "secret",
}


def name_of(type_: Any) -> str:
    """Return the words for a type that a profile can fill."""
    if type_ in NAMES:
        return NAMES[type_]
    origin, arguments = typing.get_origin(type_), typing.get_args(type_)
    if set(arguments) - {type(None)} == {Scalar, Broken}:
        return "value"
    if origin in (types.UnionType, typing.Union):
        return " or ".join(dict.fromkeys(name_of(one) for one in arguments if one is not type(None)))
    if origin is tuple:
        return f"list of {name_of(arguments[0])}"
    if isinstance(type_, type) and issubclass(type_, enum.Enum):
        return "one of " + ", ".join(f"`{one.value}`" for one in type_)
    return "mapping"


def default_of(field: attrs.Attribute[Any], type_: Any) -> str:
    """Return a field's default as a profile would write it."""
    value = field.default
    if value is attrs.NOTHING:
        return "required"
    if value is None or hasattr(value, "factory") or attrs.has(type(value)) or value == ():
        return "optional"
    if type_ is hft.Duration:
        text = format_duration(value)
    elif isinstance(value, Decimal):
        text = f'"{value:f}"' if value % 1 else f"{value:f}"
    elif isinstance(value, tuple):
        text = f"[{', '.join(str(one) for one in value)}]"
    elif isinstance(value, bool):
        text = str(value).lower()
    else:
        text = str(value.value if isinstance(value, enum.Enum) else value)
    return f"default `{text}`"


def entries(config: type[Any]) -> str:
    """Return what the reference has to say of each field of a ``Config``."""
    hints = typing.get_type_hints(config)
    fields = [field for field in attrs.fields(config) if field.init]
    assert all(field.metadata.get("doc") for field in fields), f"{config}: every field needs option(doc=...)"
    return "\n".join(
        f"### `{field.name}`\n\n{sentence(field.metadata['doc'])} "
        f"({name_of(hints[field.name])}, {default_of(field, hints[field.name])}).\n"
        for field in fields
    )


def sentence(text: str) -> str:
    """Begin with a capital letter."""
    return text[0].upper() + text[1:]


PREFACES = {
    "Exchange": "Beside the keys of every exchange.",
    "Simulator": "The mapping `simulator` of an exchange, with `environment: simulator`.",
    "Strategy": "Beside the keys of every strategy.",
    "Risk": "Beside `use`.",
}


def page(text: str) -> str:
    """Return the page with the keys as they are now."""
    before, *sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    told = {each.partition("\n")[0]: each for each in sections}
    wanted = configurations()
    kept = [each for heading, each in told.items() if heading not in wanted and "`" not in heading]
    parts = [before, *kept]
    for heading, config in wanted.items():
        preface = told.get(heading) or f"{heading}\n\n{PREFACES[heading.split()[1]]}\n"
        parts.append(f"{preface.partition('### ')[0].rstrip()}\n\n{entries(config)}\n")
    return "".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
