"""What is installed, read from the distributions' metadata alone: nothing is imported."""

from __future__ import annotations

import enum
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distributions, version
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import attrs
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

__all__ = ["Found", "PluginKind", "core_version", "discover"]

OK = "ok"
_EDITABLE = "editable "


class PluginKind(enum.Enum):
    """The kinds of plugins; ``value`` is the word that messages and tables use."""

    EXCHANGE = "exchange"
    STRATEGY = "strategy"
    RISK = "risk"
    COMMAND = "command"

    @property
    def singular(self) -> str:
        """Return the word for one: ``exchange``, ``strategy``, ``risk``, ``command``."""
        return self.value

    @property
    def group(self) -> str:
        """Return the entry-point group: ``hft.exchanges`` and so on."""
        return _GROUPS[self]


_GROUPS = {
    PluginKind.EXCHANGE: "hft.exchanges",
    PluginKind.STRATEGY: "hft.strategies",
    PluginKind.RISK: "hft.risk",
    PluginKind.COMMAND: "hft.commands",
}
_KINDS = {group: kind for kind, group in _GROUPS.items()}

_NAME = re.compile(r"^name:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)


@attrs.frozen(kw_only=True)
class Found:
    """One entry point of one distribution, or a one-file plugin.

    ``source`` is where it was installed from: ``index``, ``editable PATH``, ``path PATH``,
    ``file FILE`` or a URL. ``state`` is ``ok`` or one short line that says why it cannot be loaded.
    A one-file plugin has what the profile says as its ``distribution``, and no version.
    """

    name: str
    kind: PluginKind
    module: str
    distribution: str
    version: str
    source: str
    state: str = OK

    @property
    def ok(self) -> bool:
        """Return whether the metadata have no fault."""
        return self.state == OK

    @property
    def label(self) -> str:
        """Return the subject of an error line: ``hft-plugin-okx 0.1.0`` or ``./maker.py``."""
        return f"{self.distribution} {self.version}".rstrip()

    @property
    def reinstall(self) -> str:
        """Return what to type to install the distribution and all it needs once more."""
        if self.source.startswith(_EDITABLE):
            return f"pip install -e {self.source.removeprefix(_EDITABLE)}"
        return f"pip install --force-reinstall {self.distribution}"


def discover(*kinds: PluginKind) -> list[Found]:
    """Return what is installed of these kinds (none given: of all), sorted by kind, name and distribution.

    Two distributions that offer one name of one kind are both returned, both with a fault as their
    ``state``: which one a profile means cannot be known.
    """
    found = [each for each in _installed() if not kinds or each.kind in kinds]
    offers: defaultdict[tuple[PluginKind, str], list[Found]] = defaultdict(list)
    for each in found:
        offers[each.kind, each.name].append(each)
    order = list(PluginKind)
    return sorted(
        (_duplicated(each, offers[each.kind, each.name]) for each in found),
        key=lambda each: (order.index(each.kind), each.name, each.distribution),
    )


def core_version() -> str | None:
    """Return the installed version of hft-core, None where it runs without having been installed."""
    try:
        return version("hft-core")
    except PackageNotFoundError:
        return None


def _installed() -> Iterator[Found]:
    seen = set()
    core = core_version()
    for distribution in distributions():
        # Without a name it is what an interrupted pip left behind; of two with one name the import
        # system sees only the first.
        name = _name(distribution)
        if name is None or canonicalize_name(name) in seen:
            continue
        seen.add(canonicalize_name(name))
        points = [point for point in distribution.entry_points if point.group in _KINDS]
        if not points:
            continue
        # Once for all of them: each of the three reads and parses a file.
        version, source, unmet = distribution.version, _source(distribution), _unmet(distribution, core)
        for point in points:
            is_module = all(part.isidentifier() for part in point.value.split("."))
            yield Found(
                name=point.name,
                kind=_KINDS[point.group],
                module=point.value,
                distribution=name,
                version=version,
                source=source,
                state=unmet or OK if is_module else f"entry point {point.value!r} is not a module",
            )


def _name(distribution: Distribution) -> str | None:
    """Return the name alone: to parse all metadata of all distributions takes longer than to start a run."""
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    found = _NAME.search(text.partition("\n\n")[0])
    return None if found is None else found[1]


def _duplicated(found: Found, offers: list[Found]) -> Found:
    if len(offers) == 1:
        return found
    others = ", ".join(sorted(each.distribution for each in offers if each is not found))
    return attrs.evolve(found, state=f"duplicated by {others}")


def _unmet(distribution: Distribution, installed: str | None) -> str | None:
    """Return what a distribution needs and this hft-core is not."""
    for text in distribution.requires or ():
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            return f"requirement {text!r} cannot be read"
        if installed is None or canonicalize_name(requirement.name) != "hft-core":
            continue
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        if not requirement.specifier.contains(Version(installed), prereleases=True):
            return f"needs hft-core{requirement.specifier}, installed is {installed}"
    return None


def _source(distribution: Distribution) -> str:
    """Return where a distribution came from, as PEP 610 records it."""
    text = distribution.read_text("direct_url.json")
    if text is None:
        return "index"
    try:
        record = json.loads(text)
        url = urlsplit(record["url"])
        editable = record.get("dir_info", {}).get("editable", False)
    except (ValueError, KeyError, TypeError, AttributeError):
        return "unknown"
    if url.scheme != "file":
        host = url.netloc.rpartition("@")[2]  # a user and password in front of it are nobody's business
        return str(url._replace(netloc=host).geturl())
    path = str(Path(url2pathname(url.path)))
    if "dir_info" not in record:
        return f"file {path}"
    return f"{_EDITABLE}{path}" if editable else f"path {path}"
