"""Captures: raw frames exactly as they came, written to a file and read back."""

from __future__ import annotations

from hft.capture.reader import read_capture
from hft.capture.record import CaptureRecord, Direction
from hft.capture.redact import redact_frame, redact_text, redact_url
from hft.capture.tap import Tap
from hft.capture.writer import CaptureWriter

__all__ = [
    "CaptureRecord",
    "CaptureWriter",
    "Direction",
    "Tap",
    "read_capture",
    "redact_frame",
    "redact_text",
    "redact_url",
]
