"""The private streams of the simulated futures: listen keys, and the sockets that they open."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import attrs
import msgspec
from aiohttp import web

from hft import Clock, Timer
from hft.sim import Hub, Outbox
from hft_binance.simulator.calls import Call
from hft_binance.simulator.connection import Connection
from hft_binance.simulator.control import answer_control
from hft_binance.simulator.listing import NS_PER_MS, NS_PER_S, USDM
from hft_binance.simulator.params import ApiError

__all__ = ["ListenKeys", "PrivateConnection"]

_VALID_NS = 3600 * NS_PER_S

_encode = msgspec.json.Encoder().encode


@attrs.define(eq=False)
class _Listening:
    key: str
    account: str
    timer: Timer


class ListenKeys:
    """The listen keys of one product: one for each account at a time, each good for an hour."""

    def __init__(self, hub: Hub, clock: Clock, seed: int, product: str) -> None:
        self._hub = hub
        self._clock = clock
        self._seed = f"{seed}:{product}"
        self._by_account: dict[str, _Listening] = {}
        self._by_key: dict[str, _Listening] = {}
        self._made = 0

    def start(self, call: Call) -> Any:
        """Make a listen key, or make the one that there is last longer."""
        call.params.finish()
        listening = self._by_account.get(call.account)
        if listening is None:
            self._made += 1
            key = hashlib.sha256(f"{self._seed}:{call.account}:{self._made}".encode()).hexdigest()
            listening = _Listening(key, call.account, self._expiry(call.account))
            self._by_account[call.account] = self._by_key[key] = listening
        else:
            self._prolong(listening)
        return {"listenKey": listening.key}

    def keep(self, call: Call) -> Any:
        """Make the account's listen key last longer."""
        call.params.text("listenKey")
        call.params.finish()
        listening = self._by_account.get(call.account)
        if listening is None:
            raise _no_key()
        self._prolong(listening)
        return {"listenKey": listening.key}

    def close(self, call: Call) -> Any:
        """End the account's listen key."""
        call.params.text("listenKey")
        call.params.finish()
        if call.account not in self._by_account:
            raise _no_key()
        self._forget(call.account)
        return {}

    def account_of(self, key: str) -> str | None:
        """Return whose key it is."""
        listening = self._by_key.get(key)
        return None if listening is None else listening.account

    def expire(self, account: str) -> None:
        """Let an account's key expire now, and tell whoever listens."""
        listening = self._by_account.get(account)
        if listening is None:
            return
        self._forget(account)
        event = {
            "e": "listenKeyExpired",
            "E": self._clock.now_ns() // NS_PER_MS,
            "listenKey": listening.key,
        }
        self._hub.publish(f"user/{account}/listenKeyExpired", _encode(event).decode())

    def stop(self) -> None:
        """Cancel every timer."""
        for listening in self._by_account.values():
            listening.timer.cancel()

    def _expiry(self, account: str) -> Timer:
        return self._clock.call_later(_VALID_NS, lambda: self.expire(account))

    def _prolong(self, listening: _Listening) -> None:
        listening.timer.cancel()
        listening.timer = self._expiry(listening.account)

    def _forget(self, account: str) -> None:
        listening = self._by_account.pop(account)
        listening.timer.cancel()
        del self._by_key[listening.key]


class PrivateConnection(Connection):
    """One client of the private stream; it may add and drop streams named ``KEY@EVENT`` or ``KEY``."""

    def __init__(
        self, outbox: Outbox, hub: Hub, keys: ListenKeys, events: tuple[str, ...], *, combined: bool
    ) -> None:
        super().__init__(USDM, outbox, messages_per_s=USDM.messages_per_s)
        self.combined = combined
        self._hub = hub
        self._keys = keys
        self._events = events
        self._streams: dict[str, None] = {}

    @classmethod
    def maker(
        cls, hub: Hub, keys: ListenKeys, events: tuple[str, ...], *, combined: bool
    ) -> Callable[[web.Request, Outbox], Connection]:
        """Return what makes the connection of a client from its URL."""

        def make(request: web.Request, outbox: Outbox) -> Connection:
            connection = cls(outbox, hub, keys, events, combined=combined)
            wanted = request.query.get("events", "")
            listed = (
                request.query.get("listenKey", "")
                or request.match_info.get("key", "")
                or request.match_info.get("streams", "")
            )
            for key in [*listed.split("/"), *request.query.get("streams", "").split("/")]:
                for event in wanted.split("/") if wanted else [""]:
                    if key:
                        connection.subscribe(f"{key}@{event}" if event else key)
            return connection

        return make

    def subscribe(self, stream: str) -> None:
        self._streams[stream] = None
        for topic in self._topics(stream):
            self._hub.subscribe(self.subscriber, topic)

    def unsubscribe(self, stream: str) -> None:
        self._streams.pop(stream, None)
        for topic in self._topics(stream):
            self._hub.unsubscribe(self.subscriber, topic)

    def streams(self) -> list[str]:
        return list(self._streams)

    def frame(self, topic: str, payload: str) -> str:
        kind = topic.rpartition("/")[2]
        return f'{{"stream":"{kind}","data":{payload}}}' if self.combined else payload

    def shutdown_notice(self, now_ms: int) -> str:
        return f'{{"e":"serverShutdown","E":{now_ms}}}'

    def take(self, text: str) -> bool:
        self.outbox.send(answer_control(self, text, numeric_ids=True))
        return True

    def _topics(self, stream: str) -> list[str]:
        """Return what a stream carries; a key that is unknown is accepted and stays silent."""
        key, _, event = stream.partition("@")
        account = self._keys.account_of(key)
        if account is None:
            return []
        return [f"user/{account}/{kind}" for kind in self._events if not event or kind == event]


def _no_key() -> ApiError:
    return ApiError(-1125, "This listenKey does not exist.")
