"""One line of a capture: what arrived, was sent or happened on one connection, and when."""

from __future__ import annotations

import base64
import binascii
from typing import Literal

import msgspec

from hft.capture.redact import redact_frame, redact_url
from hft.errors import CaptureError

__all__ = ["CaptureRecord", "Direction"]

Direction = Literal[
    "open",
    "close",
    "sent",
    "recv",
    "http",
    # Of sessions alone: what the kernel was told beside what came over the network, and what it did.
    "session",
    "failed",
    "timer",
    "told",
    "start",
    "mark",
    "halt",
    "stop",
    "order",
    "outcome",
    "end",
]


class CaptureRecord(msgspec.Struct, omit_defaults=True):
    """One line of a capture file.

    ``t`` is nanoseconds UTC; ``conn`` the connection's name, of an ``http`` answer its URL; ``req``
    the body of the request that it answers, where there was one. The frame is text in ``data`` or,
    where it is not UTF-8, base64 in ``data_b64``; `payload` is its bytes either way. ``exchange`` is
    the exchange's key in the profile; captures made elsewhere have none. ``method`` and ``status`` of an
    ``http`` answer are missing where they are GET and 200.
    """

    t: int
    conn: str
    dir: Direction
    data: str | None = None
    data_b64: str | None = None
    req: str | None = None
    exchange: str | None = None
    method: str = "GET"
    status: int = 200

    @classmethod
    def of(
        cls,
        t: int,
        conn: str,
        dir: Direction,
        data: bytes,
        req: bytes | None = None,
        exchange: str | None = None,
        call: tuple[str, int] | None = None,
    ) -> CaptureRecord:
        """Make the record of a frame, with secrets taken out."""
        data = redact_frame(data, sent=dir == "sent")
        record = cls(t, redact_url(conn), dir, exchange=exchange)
        try:
            record.data = data.decode()
        except UnicodeDecodeError:
            record.data_b64 = base64.b64encode(data).decode()
        if req is not None:
            record.req = redact_frame(req, sent=True).decode(errors="replace")
        if call is not None:
            record.method, record.status = call
        return record

    @property
    def payload(self) -> bytes:
        """The frame's bytes; raise `CaptureError` where ``data_b64`` is not base64."""
        if self.data_b64 is None:
            return b"" if self.data is None else self.data.encode()
        try:
            return base64.b64decode(self.data_b64, validate=True)
        except (binascii.Error, ValueError) as error:
            raise CaptureError(f"{self.conn} at {self.t}: data_b64 is not base64: {error}") from None
