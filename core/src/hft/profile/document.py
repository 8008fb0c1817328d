"""A profile's text as a tree whose every value knows its line: YAML 1.2, made strict.

PyYAML scans and parses; the tree is built here from its events, because its own loader resolves by
YAML 1.1, keeps the last of two equal keys and expands aliases, a bomb in a file of ten lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import yaml

from hft.errors import Fault
from hft.profile.fault import Mark, Refused, short
from hft.profile.references import KEYRING, expand
from hft.profile.scalars import Plain, resolve

__all__ = ["PROFILE", "Broken", "FileKind", "Items", "Node", "Scalar", "Section", "read_document"]

_MAX_BYTES = 256 * 1024
_MAX_DEPTH = 20
_NOT_READ = "{} are not read, write the value out, in quotes if it is text that begins with {!r}"


@attrs.frozen(eq=False)
class Broken:
    """A value that has a fault already."""

    mark: Mark


@attrs.frozen(eq=False, kw_only=True)
class Scalar:
    """One value: ``text`` as the profile has it, ``value`` with its references replaced.

    ``sensitive`` values come from the environment or the keyring: no message may show them.
    """

    mark: Mark
    text: str
    value: Plain = attrs.field(repr=False)
    plain: bool
    sensitive: bool

    def read(self) -> Plain:
        """Return the value; an unquoted reference is read as if its text stood in the profile."""
        if self.sensitive and self.plain and isinstance(self.value, str):
            return resolve(self.value)
        return self.value

    @property
    def shown(self) -> str:
        """Return what a message may show."""
        if self.sensitive:
            return f"the value of {short(self.text)}"
        if self.value is None:
            return "nothing"
        return short(self.text) if isinstance(self.value, str) else self.text


class Items(list["Node"]):
    """A list."""

    def __init__(self, mark: Mark) -> None:
        super().__init__()
        self.mark = mark


class Section(dict[str, "Node"]):
    """A mapping, with the mark of each of its keys."""

    def __init__(self, mark: Mark) -> None:
        super().__init__()
        self.mark = mark
        self.keys_at: dict[str, Mark] = {}

    def only(self, names: frozenset[str]) -> Section:
        """Return this mapping with no other keys than these."""
        part = Section(self.mark)
        part.keys_at = self.keys_at
        part.update((key, node) for key, node in self.items() if key in names)
        return part


Node = Broken | Scalar | Items | Section


@attrs.frozen
class FileKind:
    """What a file is, in the words of its faults: what it is called and how it begins."""

    name: str
    begins: str


PROFILE = FileKind("profile", "name: my-profile")


def read_document(
    file: str, data: bytes, environ: Mapping[str, str], kind: FileKind = PROFILE
) -> tuple[Section, list[Fault]]:
    """Return the root mapping and the faults of single places.

    Raises:
        Refused: nothing can be read: not text, not YAML, too large, or not a mapping.

    """
    top = Mark(file)
    if len(data) > _MAX_BYTES:
        raise Refused([top.fault(f"is larger than {_MAX_BYTES // 1024} KiB, which no {kind.name} is")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Refused([Mark(file, line).fault("is not UTF-8, save the file as UTF-8")]) from None
    try:
        composer = _Composer(top, text, environ, kind)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        fault = Mark(file, line).fault(f"character U+{error.character:04X} may not stand in a {kind.name}")
        raise Refused([fault]) from None
    try:
        root = composer.document()
    except Refused as refused:
        raise Refused([*composer.faults, *refused.faults]) from None
    except yaml.MarkedYAMLError as error:
        raise Refused([*composer.faults, _syntax_fault(file, error)]) from None
    except (ValueError, OverflowError):
        # PyYAML's scanner hands numbers in escapes and directives to chr() and int() unchecked.
        fault = composer.here().fault("an escape or number is out of range, mend it")
        raise Refused([*composer.faults, fault]) from None
    finally:
        composer.close()
    if not isinstance(root, Section):
        fault = root.mark.fault(f"a {kind.name} is a mapping, it starts with: {kind.begins}")
        raise Refused([*composer.faults, fault])
    return root, composer.faults


def _syntax_fault(file: str, error: yaml.MarkedYAMLError) -> Fault:
    at = error.problem_mark or error.context_mark
    problem = error.problem or error.context or "not YAML"
    if "'\\t'" in problem:
        problem = "a tab cannot indent, use spaces"
    elif "mapping values are not allowed" in problem:
        problem = "a ':' is not expected here, put the value in quotes or mend the indentation"
    return Mark(file, at.line + 1 if at else 1).fault(problem)


class _Composer:
    def __init__(self, top: Mark, text: str, environ: Mapping[str, str], kind: FileKind) -> None:
        self.faults: list[Fault] = []
        self._kind = kind
        self._top = top
        self._environ = environ
        self._events: Any = yaml.SafeLoader(text)

    def here(self) -> Mark:
        return Mark(self._top.file, self._events.line + 1)

    def close(self) -> None:
        self._events.dispose()

    def document(self) -> Node:
        events = self._events
        events.get_event()
        if events.check_event(yaml.StreamEndEvent):
            raise Refused(
                [self._top.fault(f"is empty, a {self._kind.name} starts with: {self._kind.begins}")]
            )
        events.get_event()
        root = self._node(None, 0)
        events.get_event()
        if not events.check_event(yaml.StreamEndEvent):
            line = events.peek_event().start_mark.line + 1
            message = f"a second document begins, one file holds one {self._kind.name}"
            fault = Mark(self._top.file, line).fault(message)
            raise Refused([fault])
        return root

    def _node(self, mark: Mark | None, depth: int) -> Node:
        """Build what comes next; ``mark`` is its key's, None at the root."""
        event = self._events.get_event()
        line = event.start_mark.line + 1
        mark = mark or attrs.evolve(self._top, line=line)
        if depth > _MAX_DEPTH:
            raise Refused([Mark(mark.file, line).fault(f"is nested deeper than {_MAX_DEPTH} levels")])
        if isinstance(event, yaml.AliasEvent):
            self._fault(mark, line, _NOT_READ.format("aliases", "*"))
            return Broken(mark)
        if event.anchor is not None:
            self._fault(mark, line, _NOT_READ.format("anchors", "&"))
        if event.tag is not None:
            self._fault(mark, line, _NOT_READ.format("tags", "!"))
        if isinstance(event, yaml.MappingStartEvent):
            return self._section(mark, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._items(mark, depth)
        return self._scalar(attrs.evolve(mark, line=line), event.value, plain=event.style is None)

    def _items(self, mark: Mark, depth: int) -> Items:
        items = Items(mark)
        while not self._events.check_event(yaml.SequenceEndEvent):
            line = self._events.peek_event().start_mark.line + 1
            items.append(self._node(mark.item(len(items), line), depth + 1))
        self._events.get_event()
        return items

    def _section(self, mark: Mark, depth: int) -> Section:
        section = Section(mark)
        while not self._events.check_event(yaml.MappingEndEvent):
            event = self._events.peek_event()
            line = event.start_mark.line + 1
            if not isinstance(event, yaml.ScalarEvent):
                self._fault(mark, line, "a key must be text, not a mapping, list or alias")
                self._node(mark, depth + 1)
                self._node(mark, depth + 1)
                continue
            self._events.get_event()
            key = event.value
            at = mark.key(key, line)
            node = self._node(at, depth + 1)
            if event.anchor is not None or event.tag is not None:
                self._fault(at, line, "a key has no anchor or tag, remove it")
            elif event.style is None and key == "<<":
                self._fault(at, line, "merge keys are not read, write the keys out")
            elif event.style is None and not isinstance(resolve(key), str):
                self._fault(at, line, f"a key must be text, write it in quotes: {_quoted(key)}")
            elif key in section:
                first = section.keys_at[key].line
                self._fault(at, line, f"the key is on line {first} already, remove one of the two")
            else:
                section[key] = node
                section.keys_at[key] = at
        self._events.get_event()
        return section

    def _scalar(self, mark: Mark, text: str, *, plain: bool) -> Node:
        value, names, problems = expand(text, self._environ)
        if any("\ud800" <= character <= "\udfff" for character in value):
            problems.append("holds half a character (a surrogate), which is no text")
        if problems:
            self.faults += [mark.fault(problem) for problem in problems]
            return Broken(mark)
        return Scalar(
            mark=mark,
            text=text,
            value=resolve(value) if plain and not names else value,
            plain=plain,
            sensitive=bool(names) or text.startswith(KEYRING),
        )

    def _fault(self, mark: Mark, line: int, message: str) -> None:
        self.faults.append(attrs.evolve(mark, line=line).fault(message))


def _quoted(text: str) -> str:
    return f'"{text}"'
