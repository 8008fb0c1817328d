"""Fill attrs classes from a profile's tree by cattrs, strictly and with the line of every fault.

Stock cattrs is not strict: it turns ``"false"`` into True, ``1.9`` into 1 and null into ``"None"``.
Every type that a profile can fill has a hook of its own here; the hooks take the nodes of
`hft.profile.document` and raise `Refused` with all that is wrong inside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import attrs
import cattrs
from cattrs.errors import ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn, override

from hft.errors import Fault
from hft.instrument import InstrumentId
from hft.profile.convert import CONVERSIONS, expect_text, is_choice, to_choice
from hft.profile.document import Broken, Items, Node, Scalar, Section
from hft.profile.fault import Mark, Refused
from hft.profile.references import KEYRING, from_keyring, is_reference
from hft.secret import Secret
from hft.spelling import did_you_mean

__all__ = ["Structurer", "is_dict", "is_sequence", "option_names", "unknown_key"]

_CONTAINERS = (tuple, list, set, frozenset)

_Hook = Callable[[Any, Any], Any]
_NodeT = TypeVar("_NodeT", Scalar, Items, Section)


class Structurer:
    """Fills the types that a profile can fill.

    ``exchanges`` are the keys that an `InstrumentId` may name. ``secrets_at`` collects where
    mappings and lists stand in place of a secret: nothing inside them may be shown.
    """

    def __init__(self, exchanges: Collection[str]) -> None:
        self.secrets_at: list[Mark] = []
        self._revealed: list[str] = []
        self._exchanges = exchanges
        self._converter = converter = cattrs.Converter(
            detailed_validation=True, forbid_extra_keys=True, structure_fallback_factory=_unsupported
        )
        for type_, convert in {**CONVERSIONS, InstrumentId: self._instrument}.items():
            converter.register_structure_hook(type_, _scalar_hook(convert))
        for type_ in (bytes, Path):
            converter.register_structure_hook(type_, _unsupported(type_))
        converter.register_structure_hook(Secret, self._secret)
        converter.register_structure_hook_func(is_choice, _scalar_hook(None))
        converter.register_structure_hook_func(is_sequence, self._container)
        converter.register_structure_hook_func(is_dict, self._dict)
        converter.register_structure_hook_func(_is_union, self._optional)
        converter.register_structure_hook_func(lambda type_: type_ is Any, lambda node, _: _untyped(node))
        converter.register_structure_hook_func(_is_node, lambda node, _: node)
        converter.register_structure_hook_factory(attrs.has, self._class_hook)

    def fill(self, node: Node, type_: Any) -> Any:
        """Return a value of this type; raise `Refused` with every fault inside."""
        return self._converter.structure(node, type_)

    def _instrument(self, node: Scalar) -> InstrumentId:
        text = expect_text(node, "an instrument, such as BTC/USDT@binance")
        try:
            instrument = InstrumentId.parse(text)
        except ValueError as error:
            message = f"{node.shown} is not an instrument, write it as 'BTC/USDT@binance'"
            raise ValueError(message if node.sensitive else str(error)) from None
        if instrument.exchange in self._exchanges:
            return instrument
        known = ", ".join(sorted(self._exchanges)) or "none"
        if node.sensitive:
            raise ValueError(f"{node.shown} names no exchange of this profile, it has {known}")
        hint = did_you_mean(instrument.exchange, self._exchanges) or f", it has {known}"
        raise ValueError(f"exchange {instrument.exchange!r} is not in this profile{hint}")

    def _secret(self, node: Node, _: object) -> Secret:
        if isinstance(node, Broken):
            raise Refused
        if not isinstance(node, Scalar):
            self.secrets_at.append(node.mark)
        elif is_reference(node.text):
            if not node.value:
                raise Refused([node.mark.fault(f"{node.shown} is empty, set the variable")])
            return self._remember(str(node.value))
        elif node.text.startswith(KEYRING):
            try:
                return self._remember(from_keyring(node.text.removeprefix(KEYRING)))
            except ValueError as error:
                raise Refused([node.mark.fault(str(error))]) from None
        *_, owner, field = ["hft", *re.findall(r"\w+", node.mark.path.upper(), re.ASCII)]
        message = f"a secret never stands in a profile, write ${{{owner}_{field}}} or keyring:{owner.lower()}"
        raise Refused([node.mark.fault(message)])

    def _remember(self, text: str) -> Secret:
        self._revealed.append(text)
        return Secret(text)

    def _container(self, node: Node, type_: Any) -> Any:
        items = _expect(node, Items, "a list, such as [a, b]")
        container, arguments = get_origin(type_) or type_, get_args(type_) or (Any, ...)
        if container is not tuple or arguments[-1] is ...:
            return container(self._all((item, arguments[0]) for item in items))
        if len(items) != len(arguments):
            raise Refused([items.mark.fault(f"wants {len(arguments)} values, got {len(items)}")])
        return tuple(self._all(zip(items, arguments, strict=True)))

    def _dict(self, node: Node, type_: Any) -> dict[str, Any]:
        section = _expect(node, Section, "a mapping, such as name: value")
        _, value_type = get_args(type_) or (str, Any)
        values = self._all((value, value_type) for value in section.values())
        return dict(zip(section, values, strict=True))

    def _all(self, wanted: Iterable[tuple[Node, Any]]) -> list[Any]:
        filled: list[Any] = []
        refusals: list[Refused] = []
        for node, type_ in wanted:
            try:
                filled.append(self.fill(node, type_))
            except Refused as refused:
                refusals.append(refused)
        if refusals:
            raise Refused(fault for refused in refusals for fault in refused.faults)
        return filled

    def _optional(self, node: Node, type_: Any) -> Any:
        if isinstance(node, Scalar) and node.value is None:
            return None
        inner = [each for each in get_args(type_) if each is not NoneType]
        return self.fill(node, inner[0]) if len(inner) == 1 else _unsupported(type_)(node, type_)

    def _class_hook(self, cls: Any) -> _Hook:
        fields: dict[str, Any] = {
            field.name: override(struct_hook=self._field_hook(field)) for field in attrs.fields(cls)
        }
        construct = make_dict_structure_fn(cls, self._converter, _cattrs_use_alias=True, **fields)

        def fill(node: Node, _: object) -> Any:
            section = _expect(node, Section, "a mapping, such as name: value")
            try:
                return construct(section, cls)
            except cattrs.ClassValidationError as error:
                raise Refused(self._class_faults(section, cls, error)) from None

        return fill

    def _field_hook(self, field: attrs.Attribute[Any]) -> _Hook:
        """Check the field's validator at once, so that one bad field hides no other's fault."""

        def fill(node: Node, type_: Any) -> Any:
            value = self.fill(node, type_)
            if field.validator is not None and field.converter is None:
                try:
                    field.validator(_UNBUILT, field, value)
                except _LooksAtOthersError:
                    pass  # attrs calls it again when the other fields are there
                except Exception as error:  # a plugin's validator may raise anything
                    raise Refused([node.mark.fault(self._refusal(node, field, error))]) from None
            return value

        return fill

    def _class_faults(
        self, section: Section, cls: type[Any], error: cattrs.ClassValidationError
    ) -> Iterator[Fault]:
        located, unlocated = error.group_exceptions()
        fields = attrs.fields_dict(cls)
        for each, note in located:
            key = fields[note.name].alias or note.name
            if isinstance(each, Refused):
                yield from each.faults
            elif isinstance(each, KeyError) and key not in section:
                yield section.mark.fault(f"the key {key!r} is missing, add it")
            else:
                message = f"cannot be filled ({type(each).__name__}), which is a fault of the plugin"
                yield section[key].mark.fault(message)
        for each in unlocated:
            if isinstance(each, ForbiddenExtraKeysError):
                names = option_names(cls)
                yield from (unknown_key(section.keys_at[key], key, names) for key in each.extra_fields)
            else:
                # attrs passes the field to its own validators' errors.
                field = next((part for part in each.args if isinstance(part, attrs.Attribute)), None)
                at = section.get(field.alias or field.name, section) if field is not None else section
                yield at.mark.fault(self._refusal(section, field, each))

    def _refusal(self, node: Node, field: attrs.Attribute[Any] | None, error: Exception) -> str:
        """Return what a validator said, unless a value from the environment is in its words."""
        if not isinstance(error, ValueError | TypeError):
            return f"cannot be checked ({type(error).__name__}), which is a fault of the plugin"
        message = str(error.args[0] if error.args else error)
        if isinstance(node, Scalar) and node.sensitive:
            return f"{node.shown} is refused, why is not shown since it could show the value"
        if any(text in message or repr(text)[1:-1] in message for text in self._hidden(node)):
            return "is refused, why is not shown since it holds a value from the environment or the keyring"
        if field is not None:
            message = message.removeprefix(f"'{field.name}' ")
            message = message.replace(f"Length of '{field.name}'", "the length")
        return re.sub(r"^((?:the length )?must be \S+ \S+): (.*)$", r"\1, got \2", message)

    def _hidden(self, node: Node) -> Iterator[str]:
        texts = (str(value) for each in _sensitive(node) for value in (each.value, each.read()))
        yield from (text for text in (*self._revealed, *texts) if text)


class _LooksAtOthersError(Exception):
    """A validator looked at another field of an instance that is not built yet."""


class _Unbuilt:
    def __getattr__(self, name: str) -> Any:
        raise _LooksAtOthersError(name)


_UNBUILT = _Unbuilt()


def option_names(cls: type[Any]) -> tuple[str, ...]:
    """Return the keys that fill an attrs class."""
    return tuple(field.alias or field.name for field in attrs.fields(cls) if field.init)


def is_sequence(type_: Any) -> bool:
    """Return whether a type is filled by a list."""
    return (get_origin(type_) or type_) in _CONTAINERS


def is_dict(type_: Any) -> bool:
    """Return whether a type is filled by a mapping with keys of the user's choice."""
    return (get_origin(type_) or type_) is dict


def unknown_key(mark: Mark, key: str, known: Iterable[str]) -> Fault:
    """Return the fault of a key that nobody reads."""
    known = sorted(known)
    hint = did_you_mean(key, known) or (f", known are {', '.join(known)}" if known else ", remove it")
    return mark.fault(f"the key is unknown{hint}")


def _scalar_hook(convert: Callable[[Scalar], Any] | None) -> _Hook:
    def fill(node: Node, type_: Any) -> Any:
        scalar = _expect(node, Scalar, "one value")
        try:
            # Asked here, since singledispatch sends an IntEnum to the hook of int.
            return to_choice(scalar, type_) if convert is None or is_choice(type_) else convert(scalar)
        except ValueError as error:
            raise Refused([scalar.mark.fault(str(error))]) from None

    return fill


def _unsupported(type_: Any) -> _Hook:
    def fill(node: Node, _: object) -> Any:
        name = getattr(type_, "__name__", type_)
        message = f"a profile cannot hold the type {name}, the plugin's Config must change"
        raise Refused([node.mark.fault(message)])

    return fill


def _expect(node: Node, wanted: type[_NodeT], what: str) -> _NodeT:
    if isinstance(node, wanted):
        return node
    match node:
        case Scalar():
            got = node.shown
        case Items():
            got = "a list"
        case Section():
            got = "a mapping"
        case Broken():
            raise Refused
    raise Refused([node.mark.fault(f"wants {what}, got {got}")])


def _sensitive(node: Node) -> Iterator[Scalar]:
    match node:
        case Scalar() if node.sensitive:
            yield node
        case Items():
            for item in node:
                yield from _sensitive(item)
        case Section():
            for value in node.values():
                yield from _sensitive(value)


def _untyped(node: Node) -> Any:
    match node:
        case Broken():
            raise Refused
        case Scalar():
            return node.read()
        case Items():
            return [_untyped(item) for item in node]
        case Section():
            return {key: _untyped(value) for key, value in node.items()}


def _is_node(type_: Any) -> bool:
    return Scalar in get_args(type_)


def _is_union(type_: Any) -> bool:
    return get_origin(type_) in (Union, UnionType)
