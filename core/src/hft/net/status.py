"""An answer with an HTTP status that is no success, and how long it says to stay away."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

from hft.clock import NS_PER_S
from hft.errors import TransportError

__all__ = ["StatusError", "retry_after_ns"]

_MAX_NS = 7 * 24 * 3600 * NS_PER_S
"""Longer than any exchange bans; a header that says more is not believed."""


class StatusError(TransportError):
    """The other side answered with ``status`` and wants nothing for ``retry_after_ns`` (0: unsaid)."""

    def __init__(self, message: str, *, status: int, retry_after_ns: int) -> None:
        super().__init__(message, sent=True)
        self.status = status
        self.retry_after_ns = retry_after_ns


def retry_after_ns(header: str | None, now_ns: int) -> int:
    """Read a ``Retry-After`` header, seconds or a date (RFC 9110, 10.2.3); 0 where it says nothing."""
    if header is None:
        return 0
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:12]) * NS_PER_S, _MAX_NS)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return 0
    when_ns = int(when.replace(tzinfo=when.tzinfo or UTC).timestamp()) * NS_PER_S
    return min(max(0, when_ns - now_ns), _MAX_NS)
