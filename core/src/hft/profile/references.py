"""References of a profile to what must not stand in it: ``${NAME}`` and ``keyring:NAME``."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["KEYRING", "REFERENCE", "expand", "from_keyring", "is_reference"]

REFERENCE = r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"
"""The pattern of a reference to an environment variable."""

KEYRING = "keyring:"

_SERVICE = "hft"
_TOKEN = re.compile(r"\$(?P<escaped>\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|(?P<broken>\$\{)")


def is_reference(text: str) -> bool:
    """Return whether a text is one ``${NAME}`` and nothing beside it."""
    return re.fullmatch(REFERENCE, text) is not None


def expand(text: str, environ: Mapping[str, str]) -> tuple[str, list[str], list[str]]:
    """Return the text with ``${NAME}`` replaced, the names in it, and what is wrong with them.

    ``$${`` stands for ``${`` itself. No message holds the value of a variable.
    """
    names: list[str] = []
    problems: list[str] = []

    def replace(match: re.Match[str]) -> str:
        if match["escaped"]:
            return match["escaped"]
        if match["broken"]:
            problems.append("'${' is no reference, write ${NAME}, or $${ for the characters themselves")
            return ""
        name = match["name"]
        names.append(name)
        if name not in environ:
            problems.append(f"environment variable {name!r} is not set, type: export {name}=...")
        return environ.get(name, "")

    return _TOKEN.sub(replace, text), names, problems


def from_keyring(name: str) -> str:
    """Return an entry of the system's keyring (service ``hft``); raise `ValueError` with the remedy."""
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise ValueError("needs the keyring package, type: pip install 'hft-core[keyring]'") from None
    try:
        value = keyring.get_password(_SERVICE, name)
    except keyring.errors.KeyringError as error:
        reason = type(error).__name__
        raise ValueError(f"the keyring cannot be read ({reason}), unlock it or use ${{NAME}}") from None
    if not value:
        raise ValueError(f"the keyring has no entry {name!r}, type: keyring set {_SERVICE} {name}")
    return str(value)
