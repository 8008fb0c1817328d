"""Every error hft raises on purpose, ordered by what the caller does about it.

::

    HftError
    ├── UsageError              mend the profile or the command line (exit code 2)
    │   ├── ProfileError        one or many faults of a profile, each with its line
    │   └── PluginError         a plugin is missing, broken, duplicated or of another API
    ├── DataError               refuse this input, keep running
    │   ├── DecodeError         a frame or answer the codec does not understand
    │   ├── GridError           a price or size that is not on the instrument's grid
    │   └── CaptureError        a capture file that cannot be read or written
    ├── TransportError          retry: no evidence about what the other side did
    │   └── RequestRefused      the other side answered, and not what it was asked
    ├── OrderError              the order was not sent, and why
    └── TradingHalted           stop trading (exit code 4)

What is none of these is a bug (exit code 3).
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "CaptureError",
    "DataError",
    "DecodeError",
    "Fault",
    "GridError",
    "HftError",
    "OrderError",
    "PluginError",
    "ProfileError",
    "RequestRefused",
    "TradingHalted",
    "TransportError",
    "UsageError",
]


class HftError(Exception):
    """Base of every error that hft raises on purpose."""


class UsageError(HftError):
    """Something the user typed cannot be done as typed; the message says what to type."""


class Fault(str):
    """A fault as the line that is printed, ``file:line: path: what, and what to do``.

    Its parts are attributes. ``line`` counts from 1 and is 0 where the file could not be read;
    ``path`` is empty where the fault is the whole file's.
    """

    file: str
    line: int
    path: str
    message: str

    def __new__(cls, file: str, line: int, path: str, message: str) -> Fault:
        message = " ".join(message.split())
        where = f"{file}:{line}" if line else file
        fault = super().__new__(cls, ": ".join(part for part in (where, path, message) if part))
        fault.file, fault.line, fault.path, fault.message = file, line, path, message
        return fault


class ProfileError(UsageError):
    """A profile has faults; nothing was started.

    ``faults`` holds one line a fault, each ``file:line: path: what, and what to do``.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(faults))


class PluginError(UsageError):
    """A plugin cannot be used; one line names the distribution and the remedy."""


class DataError(HftError):
    """Input that is refused; whoever feeds it counts it and goes on."""


class DecodeError(DataError):
    """A frame or answer that the codec does not understand."""


class GridError(DataError):
    """A price or size that is not a whole, positive number of ticks or lots."""


class CaptureError(DataError):
    """A capture file that cannot be read or written."""


class TransportError(HftError):
    """The connection failed; nothing follows about what the other side did.

    ``sent`` is False where the request certainly never left, so that nothing can have come of it;
    True where the other side answered; None where it may have got it.
    """

    def __init__(self, message: str = "", *, sent: bool | None = None) -> None:
        super().__init__(message)
        self.sent = sent


class RequestRefused(TransportError):
    """An exchange answered, and not what it was asked.

    ``status`` is that of HTTP, ``code`` the exchange's own, whatever it says where it gave none.
    ``asked_ns`` is when it was asked. ``bad_key`` says that it is the credentials, their rights or our
    address that it does not take: no repetition brings another answer.
    """

    def __init__(
        self, message: str, *, status: int, code: int | str, asked_ns: int, bad_key: bool = False
    ) -> None:
        super().__init__(message, sent=True)
        self.status = status
        self.code = code
        self.asked_ns = asked_ns
        self.bad_key = bad_key


class OrderError(HftError):
    """The order was not sent; the message says why."""


class TradingHalted(HftError):
    """Trading stopped by risk or by a fault that must not be traded through."""
