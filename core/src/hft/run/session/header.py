"""What a recording says first: which run it is of, and of which profile and code."""

from __future__ import annotations

import hashlib
import inspect
import os
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs
import msgspec

from hft.errors import CaptureError
from hft.profile import Mode, Profile
from hft.profile.document import Items, Node, Scalar, Section, read_document
from hft.secret import Secret

__all__ = ["Header", "differences", "facts_of"]

_FORMAT = 1

_NOT_COMPARED = ("name", "mode", "captures", "data", "live", "journal", "state")
"""Keys of a profile that make no decision differ: a replay has others of these."""


class Header(msgspec.Struct, kw_only=True):
    """The first record of a session.

    ``run`` is what the client order ids were made from, beside the profile's ``name``. ``urls`` are where
    each exchange was reached, by key. ``instruments`` were those that the run had beside its profile's.
    ``facts`` are the profile's values as they stand in its file, the code of its plugins by digest, and the
    versions.
    """

    format: int = _FORMAT
    mode: str
    name: str
    run: str
    urls: dict[str, str | None]
    instruments: tuple[str, ...] = ()
    facts: dict[str, str]

    @classmethod
    def decode(cls, path: Path, data: bytes) -> Header:
        """Read one; raise `CaptureError` if it cannot be replayed by this hft."""
        try:
            header = msgspec.json.decode(data, type=cls)
        except msgspec.DecodeError as error:
            raise CaptureError(f"{path}: the beginning of the session cannot be read: {error}") from None
        if header.format != _FORMAT:
            raise CaptureError(
                f"{path}: is a session of format {header.format}, this hft replays format {_FORMAT}"
            )
        if header.mode not in (Mode.DRY_RUN.value, Mode.LIVE.value):
            raise CaptureError(
                f"{path}: is a session of mode {header.mode!r}, which this hft does not replay"
            )
        return header


def facts_of(profile: Profile) -> dict[str, str]:
    """Return what of a profile and its surroundings decides what a run does; nothing of it is secret.

    What comes from the environment or a keyring is shown as the profile has it, as a reference. Secrets are
    left out: a replay needs none.
    """
    facts = {"hft": version("hft-core"), "python": platform.python_version()}
    entries: list[tuple[str, Any]] = [
        *((f"exchanges.{key}", entry) for key, entry in profile.exchanges.items()),
        *((f"strategies.{key}", entry) for key, entry in profile.strategies.items()),
        *((f"risk.{number}", entry) for number, entry in enumerate(profile.risk)),
    ]
    root, _ = read_document(str(profile.path), profile.path.read_bytes(), os.environ)
    secrets = {
        f"exchanges.{key}.{name}"
        for key, entry in profile.exchanges.items()
        for name, value in attrs.asdict(entry.config, recurse=False).items()
        if isinstance(value, Secret)
    }
    facts |= {
        path: text
        for path, text in _flat(root, "")
        if path.partition(".")[0] not in _NOT_COMPARED and path not in secrets
    }
    for at, entry in entries:
        plugin = entry.plugin
        for made in (plugin.market_data(), plugin.strategy(), plugin.risk_rule()):
            if made is not None:
                facts[f"{at} code"] = _digest(made)
    return facts


def differences(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Return a line for each fact that is another now."""
    return tuple(
        f"{name}: then {then.get(name, 'not set')}, now {now.get(name, 'not set')}"
        for name in dict.fromkeys((*then, *now))
        if then.get(name) != now.get(name)
    )


def _flat(node: Node, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, Section):
        for key, each in node.items():
            yield from _flat(each, f"{path}.{key}" if path else key)
    elif isinstance(node, Items):
        for number, each in enumerate(node):
            yield from _flat(each, f"{path}.{number}")
    elif isinstance(node, Scalar):
        yield path, node.text


def _digest(made: type[Any]) -> str:
    """Return a digest of the file that holds a plugin's class, "unknown" where there is none to read."""
    try:
        source = Path(inspect.getfile(made)).read_bytes()
    except (OSError, TypeError):
        return "unknown"
    return hashlib.blake2b(source, digest_size=8).hexdigest()
