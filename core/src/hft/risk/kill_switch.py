"""The kill switch: a latch on disk that stops trading until a person resets it, and its audit trail."""

from __future__ import annotations

import getpass
import os
import socket
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import attrs
import msgspec

from hft.clock import Clock, Timer
from hft.errors import UsageError

__all__ = ["AuditRecord", "Kill", "KillSwitch", "current_user"]

_LATCH = "kill.json"
_TRAIL = "kill.jsonl"

_POLL_NS = 50_000_000
"""How late a running process learns of a kill by another one; a look costs a stat, 2 us."""

_SAVE_AGAIN_POLLS = 20
"""Polls between attempts to write a kill that could not be written, a second."""


@attrs.frozen(kw_only=True)
class Kill:
    """Who killed, when, why and how. ``unsaved`` says why it is not on disk, empty when it is."""

    reason: str
    flatten: bool = False
    by: str = ""
    host: str = ""
    at_ns: int = 0
    unsaved: str = ""

    def __str__(self) -> str:
        who = f" by {self.by}" if self.by else ""
        where = f" on {self.host}" if self.host else ""
        when = f" at {_iso(self.at_ns)}" if self.at_ns else ""
        return f"killed{who}{where}{when}: {self.reason}"


class AuditRecord(msgspec.Struct, kw_only=True):
    """One line of the audit trail; ``what`` is ``kill``, ``flatten`` (of one killed already) or ``reset``."""

    what: str
    at: str
    at_ns: int
    by: str
    host: str
    reason: str
    flatten: bool = False


class _Latch(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The content of the latch file."""

    reason: str
    flatten: bool
    by: str
    host: str
    at: str
    at_ns: int


def current_user() -> str:
    """Return the name of the user that this process runs as."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"uid {os.getuid()}"


class KillSwitch:
    """Latched while ``kill.json`` exists in the run's state ``folder``, whatever it holds.

    A file that is damaged or cannot be read counts as killed: what cannot be checked is not traded. The
    first kill stays, with its reason; a later one adds an audit record, and can add ``flatten``. Every kill
    and reset is a line of ``kill.jsonl``, which is only ever appended to. Several processes may use one
    folder.

    A kill takes effect in this process at once and before anything is written. Where it cannot be written
    (`Kill.unsaved`), an empty latch file is tried, which a full disk often still takes, and `watch` tries
    to write it every second.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.path = folder / _LATCH
        self.trail_path = folder / _TRAIL
        self._clock = clock
        self._here: Kill | None = None
        self._on_kill: Callable[[Kill], None] = _ignore
        self._told: Kill | None = None
        self._seen: tuple[int, int, int] | None = None
        self._poll_timer: Timer | None = None
        self._polls = 0

    # -- asking ----------------------------------------------------------------------------------

    @property
    def state(self) -> Kill | None:
        """What stopped trading, None while it is not stopped; a process that was killed stays so."""
        return self._here or self._read()

    def trail(self) -> list[AuditRecord]:
        """Return the audit trail, oldest first; a line that is damaged is a record that says so."""
        try:
            lines = self.trail_path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        return [_record(line) for line in lines if line.strip()]

    def last_reset_ns(self) -> int:
        """Return when a person last reset the switch, 0 if never: losses until then are accepted ones."""
        return max((record.at_ns for record in self.trail() if record.what == "reset"), default=0)

    # -- killing and resetting -------------------------------------------------------------------

    def kill(self, reason: str, *, flatten: bool = False, by: str = "") -> Kill:
        """Stop trading; return the kill in force, which is the first, and never fail.

        Look at `Kill.unsaved`: a kill that is not on disk holds in this process alone.
        """
        first = self.state
        mine = Kill(
            # What a command line hands over need not be text that can be written.
            reason=reason.encode(errors="replace").decode(),
            flatten=flatten,
            by=by or current_user(),
            host=socket.gethostname(),
            at_ns=self._clock.now_ns(),
        )
        if first is None:
            what, kill = "kill", mine
        else:
            what = "flatten" if flatten and not first.flatten else "kill"
            kill = attrs.evolve(first, flatten=first.flatten or flatten)
        self._here = kill
        if first is None or kill.flatten != first.flatten or first.unsaved:
            self._here = kill = self._save(kill, first=first is None)
        try:
            self._append(what, mine)
        except OSError as error:
            self._here = kill = attrs.evolve(kill, unsaved=kill.unsaved or f"{self.trail_path}: {error}")
        self._tell(kill)
        return kill

    def reset(self, reason: str, *, by: str = "") -> Kill | None:
        """Let trading start again; return what had stopped it, None if nothing had.

        A process that runs stays killed: it has to be started again. Raises `UsageError` where the reset
        cannot be written, and the switch stays latched.
        """
        kill = self.state
        if kill is None:
            return None
        reset = Kill(
            reason=reason, by=by or current_user(), host=socket.gethostname(), at_ns=self._clock.now_ns()
        )
        try:
            self._append("reset", reset)
            self.path.unlink(missing_ok=True)
            _sync_folder(self.path.parent)
        except OSError as error:
            raise UsageError(
                f"kill switch cannot be reset: {error}; it stays latched, mend that and reset again"
            ) from error
        return kill

    # -- watching --------------------------------------------------------------------------------

    def watch(self, on_kill: Callable[[Kill], None]) -> None:
        """Call ``on_kill`` when trading is killed, by this process or another, until `stop`.

        Within 50 ms, once; and once more if the kill is made to flatten later. One that is latched already
        is told at the first look.
        """
        self._on_kill = on_kill
        self._poll()

    def stop(self) -> None:
        """Watch no more."""
        self._on_kill = _ignore
        if self._poll_timer is not None:
            self._poll_timer.cancel()

    def _poll(self) -> None:
        self._poll_timer = self._clock.call_later(_POLL_NS, self._poll)
        self._polls += 1
        if self._here is not None and self._here.unsaved and not self._polls % _SAVE_AGAIN_POLLS:
            self._here = self._save(attrs.evolve(self._here, unsaved=""), first=False)
        try:
            stat = self.path.stat()
            seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        except FileNotFoundError:
            self._seen = None
            return
        except OSError:
            seen = (0, 0, 0)
        if seen != self._seen:
            self._seen = seen
            kill = self._read()
            if kill is not None:
                self._here = self._here or kill
                if kill.flatten and not self._here.flatten:
                    self._here = attrs.evolve(self._here, flatten=True)
                self._tell(self._here)

    def _tell(self, kill: Kill) -> None:
        told, self._told = self._told, kill
        if self._on_kill is _ignore:
            self._told = told
        elif told is None or kill.flatten != told.flatten:
            self._on_kill(kill)

    # -- on disk ---------------------------------------------------------------------------------

    def _read(self) -> Kill | None:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            return Kill(reason=f"{self.path} cannot be read ({error}), which counts as killed")
        try:
            latch = msgspec.json.decode(content, type=_Latch)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return Kill(reason=f"{self.path} is damaged, which counts as killed")
        return Kill(
            reason=latch.reason, flatten=latch.flatten, by=latch.by, host=latch.host, at_ns=latch.at_ns
        )

    def _save(self, kill: Kill, *, first: bool) -> Kill:
        """Write the latch; where that is impossible, try an empty one and say so in ``unsaved``."""
        latch = _Latch(
            reason=kill.reason,
            flatten=kill.flatten,
            by=kill.by,
            host=kill.host,
            at=_iso(kill.at_ns),
            at_ns=kill.at_ns,
        )
        try:
            self._write(msgspec.json.format(msgspec.json.encode(latch)) + b"\n", first=first)
        except OSError as error:
            try:
                self.path.touch()
            except OSError:
                pass
            else:
                # On disk it counts as killed, though without the reason.
                self._seen = None
            return attrs.evolve(kill, unsaved=f"{self.path}: {error}")
        return attrs.evolve(kill, unsaved="")

    def _write(self, content: bytes, *, first: bool) -> None:
        folder = self.path.parent
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{_LATCH}.", dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if first and self._link(name):
                return
            Path(name).replace(self.path)
            _sync_folder(folder)
        finally:
            Path(name).unlink(missing_ok=True)

    def _link(self, name: str) -> bool:
        """Put the file in place unless another process was first; False where links are not possible."""
        try:
            os.link(name, self.path)
        except FileExistsError:
            return True
        except OSError:
            return False
        _sync_folder(self.path.parent)
        return True

    def _append(self, what: str, kill: Kill) -> None:
        """Add a line to the audit trail, and end one that a crash cut short."""
        record = AuditRecord(
            what=what,
            at=_iso(kill.at_ns),
            at_ns=kill.at_ns,
            by=kill.by,
            host=kill.host,
            reason=kill.reason,
            flatten=kill.flatten,
        )
        self.trail_path.parent.mkdir(parents=True, exist_ok=True)
        with self.trail_path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                cut = file.read(1) != b"\n"
            else:
                cut = False
            file.write((b"\n" if cut else b"") + msgspec.json.encode(record) + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _record(line: bytes) -> AuditRecord:
    try:
        return msgspec.json.decode(line, type=AuditRecord)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        text = line.decode(errors="replace")
        return AuditRecord(what="damaged", at="", at_ns=0, by="", host="", reason=text)


def _sync_folder(folder: Path) -> None:
    """Make a new or removed name last through a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _iso(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns / 1e9, UTC).isoformat(timespec="milliseconds")


def _ignore(_: Kill) -> None:
    """Stand in for a watcher while there is none."""
