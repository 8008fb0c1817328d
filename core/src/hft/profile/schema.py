"""The JSON Schema of a profile, made of the same classes that the reader fills.

An editor completes and checks with it while one types. It refuses nothing that the reader takes;
what a schema cannot say (ranges of a validator, whether a file exists) only the reader refuses.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Mapping
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import attrs

from hft.instrument import InstrumentId
from hft.money import MONEY, Money
from hft.profile.model import (
    SIMULATOR,
    ComponentKeys,
    ExchangeKeys,
    LoadedPlugin,
    Mode,
    ProfileKeys,
    StrategyKeys,
)
from hft.profile.references import KEYRING, REFERENCE
from hft.profile.structure import is_dict, is_sequence
from hft.profile.values import DECIMAL, DURATION, INSTRUMENT, KEY, format_duration
from hft.registry.discovery import PluginKind
from hft.secret import Secret
from hft.types import Duration

__all__ = ["Json", "profile_schema"]

Json = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FILE = r"[/\\]|\.py$"
"""How the registry tells the path of a one-file plugin from a name."""

_REFERENCE: Json = {"$ref": "#/$defs/reference"}


def profile_schema(plugins: Mapping[tuple[PluginKind, str], LoadedPlugin | None]) -> Json:
    """Return the schema (draft 2020-12) for these installed plugins; None is one that cannot be loaded."""
    schema = _Schema()
    keys = schema.mapping(ProfileKeys)
    properties = keys["properties"]
    for name, kind, keys_class in (
        ("exchanges", PluginKind.EXCHANGE, ExchangeKeys),
        ("strategies", PluginKind.STRATEGY, StrategyKeys),
    ):
        entry = schema.component(keys_class, {use: p for (k, use), p in plugins.items() if k is kind})
        names = {"pattern": f"^{KEY}$"}
        properties[name] |= {"type": "object", "propertyNames": names, "additionalProperties": entry}
    properties["exchanges"]["minProperties"] = 1
    rules = {use: p for (kind, use), p in plugins.items() if kind is PluginKind.RISK}
    properties["risk"] |= {"type": "array", "items": schema.component(ComponentKeys, rules)}
    others = [mode.value for mode in Mode if mode is not Mode.REPLAY]
    return {
        "$schema": _DIALECT,
        "title": "hft profile",
        **keys,
        "allOf": [
            _when("mode", {"const": Mode.REPLAY.value}, {"required": ["captures"]}),
            _when("mode", {"enum": others}, {"not": {"required": ["captures"]}}),
        ],
        "$defs": schema.definitions,
    }


class _Schema:
    def __init__(self) -> None:
        self.definitions: dict[str, Json] = {
            "reference": {"type": "string", "pattern": REFERENCE, "description": "from the environment"},
            "decimal": _or_reference({"type": "integer"}, {"type": "string", "pattern": f"^{DECIMAL}$"}),
            "duration": _or_reference({"type": "string", "pattern": f"^{DURATION}$"}),
            "instrument": _or_reference({"type": "string", "pattern": f"^{INSTRUMENT}$"}),
            "money": _or_reference({"type": "string", "pattern": f"^{MONEY}$"}),
            "secret": {"type": "string", "pattern": f"^({REFERENCE}|{KEYRING}.*)$"},
        }

    def component(self, keys_class: type[Any], plugins: Mapping[str, LoadedPlugin | None]) -> Json:
        """Return the schema of one component's mapping: the kernel's keys, and those of what it uses."""
        keys = self.mapping(keys_class)
        del keys["additionalProperties"]
        keys["properties"]["use"] |= {"anyOf": [{"enum": sorted(plugins)}, {"pattern": _FILE}, _REFERENCE]}
        loaded = {use: plugin for use, plugin in plugins.items() if plugin is not None}
        cases = [_when("use", {"const": use}, self._options(plugin)) for use, plugin in loaded.items()]
        cases.append(_when("use", {"not": {"enum": sorted(loaded)}}, {"additionalProperties": True}))
        return {**keys, "allOf": cases, "unevaluatedProperties": False}

    def _options(self, plugin: LoadedPlugin) -> Json:
        stream = plugin.market_data()
        offer = stream or plugin.strategy() or plugin.risk_rule()
        options = self.mapping(offer.Config) if offer is not None else {}
        options.pop("additionalProperties", None)
        options["description"] = (inspect.getdoc(offer) or "").partition("\n")[0]
        if stream is None:
            return options
        simulator = plugin.simulator()
        environments = [*stream.environments, *([SIMULATOR] if simulator is not None else [])]
        environment = _or_reference({"enum": environments}, {"type": "null"})
        options["properties"]["environment"] = environment | {"default": environments[0]}
        simulated: Json = {"not": {"required": ["url"]}}
        if simulator is not None:
            simulated["properties"] = {"simulator": self.of_type(simulator.Config)}
        others = {"not": {"required": ["simulator"]}}
        options["allOf"] = [
            _when("environment", {"const": SIMULATOR}, simulated),
            _when("environment", {"enum": list(stream.environments)}, others),
        ]
        return options

    def mapping(self, cls: type[Any]) -> Json:
        """Return the schema of an attrs class."""
        attrs.resolve_types(cls)
        fields = [field for field in attrs.fields(cls) if field.init]
        schema: Json = {
            "type": "object",
            "properties": {_key(field): self._field(field) for field in fields},
            "additionalProperties": False,
        }
        required = [_key(field) for field in fields if field.default is attrs.NOTHING]
        return {**schema, "required": required} if required else schema

    def _field(self, field: attrs.Attribute[Any]) -> Json:
        schema = self.of_type(field.type)
        if "doc" in field.metadata:
            schema["description"] = field.metadata["doc"]
        default = field.default
        # To the type checker `attrs.Factory` is a function.
        made = isinstance(default, attrs.Factory)  # type: ignore[arg-type]
        if default is not attrs.NOTHING and default is not None and not made:
            schema["default"] = _written(default, field.type)
        return schema

    def of_type(self, type_: Any) -> Json:
        """Return the schema of a field's type; an unknown one takes anything."""
        if type_ in _SIMPLE:
            return dict(_SIMPLE[type_])
        origin, arguments = get_origin(type_), get_args(type_)
        if origin in (Union, UnionType):
            return {"anyOf": [self.of_type(each) for each in arguments]}
        if origin is Literal:
            return _or_reference({"enum": list(arguments)})
        if is_dict(type_):
            return {
                "type": "object",
                "additionalProperties": self.of_type(arguments[1]) if arguments else True,
            }
        if is_sequence(type_):
            if origin is tuple and arguments[-1] is not ...:
                items = [self.of_type(each) for each in arguments]
                return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}
            return {"type": "array", "items": self.of_type(arguments[0]) if arguments else True}
        if isinstance(type_, type) and issubclass(type_, enum.Enum):
            return _or_reference({"enum": [member.value for member in type_]})
        return self._nested(type_) if isinstance(type_, type) and attrs.has(type_) else {}

    def _nested(self, cls: type[Any]) -> Json:
        name = f"{cls.__module__}.{cls.__qualname__}"
        if name not in self.definitions:
            self.definitions[name] = {}  # stops a class that contains itself
            self.definitions[name] = self.mapping(cls)
        return {"$ref": f"#/$defs/{name}"}


def _or_reference(*schemas: Json) -> Json:
    return {"anyOf": [*schemas, _REFERENCE]}


def _when(key: str, value: Json, then: Json) -> Json:
    return {"if": {"properties": {key: value}, "required": [key]}, "then": then}


def _key(field: attrs.Attribute[Any]) -> str:
    return field.alias or field.name


_SIMPLE: dict[Any, Json] = {
    bool: _or_reference({"type": "boolean"}),
    int: _or_reference({"type": "integer"}),
    float: _or_reference({"type": "number"}),
    str: {"type": "string"},
    NoneType: {"type": "null"},
    Decimal: {"$ref": "#/$defs/decimal"},
    Duration: {"$ref": "#/$defs/duration"},
    InstrumentId: {"$ref": "#/$defs/instrument"},
    Money: {"$ref": "#/$defs/money"},
    Secret: {"$ref": "#/$defs/secret"},
}


def _written(value: Any, type_: Any) -> Any:
    """Return a default as one would write it in a profile."""
    if Duration in (type_, *get_args(type_)) and isinstance(value, int):
        return format_duration(Duration(value))
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Decimal | InstrumentId | Money):
        return str(value)
    if attrs.has(type(value)):
        return {
            _key(field): _written(getattr(value, field.name), field.type)
            for field in attrs.fields(type(value))
        }
    if isinstance(value, Mapping):
        return {key: _written(each, None) for key, each in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [_written(each, (get_args(type_) or (None,))[0]) for each in value]
    return value
