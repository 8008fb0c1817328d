"""Sessions: runs recorded with every input and every order, so that they can be run again and compared."""

from __future__ import annotations

from hft.run.session.account import AccountRecorder
from hft.run.session.difference import Difference, Verdict
from hft.run.session.recorder import SessionRecorder
from hft.run.session.replay import find_session, replay_session

__all__ = ["AccountRecorder", "Difference", "SessionRecorder", "Verdict", "find_session", "replay_session"]
