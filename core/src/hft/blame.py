"""Say in one line what a plugin raised, and where in its own code."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from hft.errors import PluginError, UsageError

__all__ = ["blamed", "why"]


def why(error: BaseException, module: str) -> str:
    """Return exception type, message and ``file:line``, in one line.

    The line is the last one of the plugin's own package, since that is what its author can mend.
    """
    message = " ".join(str(error).split())
    where = _where(error, module.partition(".")[0])
    return f"{type(error).__name__}: {message}".removesuffix(": ") + (f" ({where})" if where else "")


@contextmanager
def blamed(what: str, component: type[object]) -> Iterator[None]:
    """Turn what a component raises before the first event into a `PluginError` that says where it did.

    A `UsageError` it raises on purpose, about its part of the profile.
    """
    try:
        yield
    except UsageError:
        raise
    except Exception as error:  # a plugin may raise anything
        raise PluginError(f"{what} cannot start: {why(error, component.__module__)}") from error


def _where(error: BaseException, package: str) -> str | None:
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    where = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        if frame.f_globals.get("__name__", "").partition(".")[0] == package:
            where = f"{frame.f_code.co_filename}:{line}"
    return where
