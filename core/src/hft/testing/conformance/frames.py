"""Frames that no exchange writes."""

from __future__ import annotations

__all__ = ["MALFORMED", "UNKNOWN"]

UNKNOWN = (
    b"{}",
    b"[]",
    b"null",
    b"0",
    b'"hello"',
    b'{"hello":"world"}',
    b'{"type":"of the future","data":{"a":[1,2,3]}}',
    b'[{"channel":"none"},{"channel":7}]',
)
"""Whole JSON that no exchange of today writes."""

MALFORMED = (
    b"",
    b" ",
    b"{",
    b"]",
    b"\x00",
    b"\xff\xfe\xfd",
    b'{"a":',
    b'{"a":"' + b"x" * 10_000,
    b"[" * 2_000,
    b"<html><body>502 Bad Gateway</body></html>",
    b"ping!",
)
"""What is no JSON at all."""
