"""The private stream: logged in, subscribed, and each topic's messages handed on."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Raw

from hft import DecodeError, Link, Login, OrderError, Priority
from hft_bybit.endpoints import PRIVATE_PATH
from hft_bybit.order_socket import login_frame, private_spec
from hft_bybit.private_codec import PrivateFrame, decode_private_frame
from hft_bybit.rest_api import RestApi
from hft_bybit.signing import Signer

__all__ = ["TOPICS", "UserStream"]

_CUT_AFTER = "?max_active_time=1m"
"""When the exchange cuts a connection that says nothing, which is when the dead man's switch begins to count:
three pings long. By itself it waits for ten minutes."""

TOPICS = ("order", "execution", "position", "wallet")

_CATEGORIES = ("", "spot", "linear", "inverse", "option")
_SUBSCRIBED_ALREADY = "already subscribed"


class UserStream:
    """Follows what happens to the account.

    ``on_message(topic, data, created_ms, recv_ns)`` takes each message. ``changed`` is called with "" when
    what happens is heard of, and with the reason when it no longer is. ``unknown`` counts messages of
    unknown topics, which are ignored.
    """

    def __init__(
        self,
        host: str,
        link: Link,
        signer: Signer,
        api: RestApi,
        *,
        on_message: Callable[[str, Raw, int, int], None],
        changed: Callable[[str], None],
        bad_time: Callable[[], None],
    ) -> None:
        self.spec = private_spec(host, f"{PRIVATE_PATH}{_CUT_AFTER}", b'{"req_id":"ping","op":"ping"}')
        self.conn = self.spec.name
        self.ready = False
        self.unknown: dict[str, int] = {}
        self._switches: tuple[str, ...] = ()
        self._link = link
        self._on_message = on_message
        self._changed = changed
        self._bad_time = bad_time
        self._login = Login(link, self.spec, lambda now_ns: login_frame(signer, api, "req_id", now_ns))
        self._subscription = Login(link, self.spec, self._write_subscription)

    def connect(self) -> None:
        """Begin to connect."""
        self._link.connect(self.spec)

    def stop(self) -> None:
        """End what was begun; the connection is closed by somebody else."""
        self._login.stop()
        self._subscription.stop()

    def switch(self, topics: tuple[str, ...]) -> None:
        """Let the exchange cancel our orders when the connection breaks, by topics that say so; or not."""
        for op, changed in (
            ("subscribe", [topic for topic in topics if topic not in self._switches]),
            ("unsubscribe", [topic for topic in self._switches if topic not in topics]),
        ):
            if changed and self.ready:
                self._ask(op, changed)
        self._switches = topics

    def _ask(self, op: str, topics: list[str]) -> None:
        frame = msgspec.json.encode({"req_id": "switch", "op": op, "args": topics})
        try:
            self._link.send(self.conn, (), Priority.CANCEL, lambda _: frame)
        except OrderError as error:
            # It broke, and says so itself; the next one subscribes to what is wanted then.
            self._link.warn(f"{self.conn}: {error}")

    # -- connection --------------------------------------------------------------------------------

    def on_open(self) -> None:
        """Log in."""
        self._login.begin()

    def on_close(self) -> None:
        """Wait for the next."""
        self.stop()
        if self.ready:
            self.ready = False
            self._changed("the private connection broke")

    def on_frame(self, data: bytes, recv_ns: int) -> None:
        """Take a frame."""
        frame = decode_private_frame(data)
        topic = frame.topic
        if not topic:
            self._on_answer(frame)
            return
        # Topics of one product are called after it; ``execution.fast`` is none, and states no fee.
        kind, _, category = topic.partition(".")
        if kind in TOPICS and category in _CATEGORIES:
            self._on_message(kind, frame.data, frame.created_ms, recv_ns)
        else:
            self._on_unknown(topic)

    def _on_answer(self, frame: PrivateFrame) -> None:
        if frame.op == "auth":
            if frame.success:
                self._login.succeeded()
                self._subscription.begin()
            else:
                self._bad_time()
                self._login.refused(repr(frame.message[:200]))
        elif frame.op == "subscribe":
            self._on_subscribed(frame)
        elif frame.op not in ("ping", "pong", "unsubscribe"):
            raise DecodeError("unknown frame")

    def _on_subscribed(self, frame: PrivateFrame) -> None:
        # Not every answer names its request: what is asked for once it is ready is the switch.
        done = frame.success or _SUBSCRIBED_ALREADY in frame.message.lower()
        if self.ready:
            if not done:
                self._link.warn(f"{self.conn}: the dead man's switch is refused: {frame.message[:200]!r}")
        elif not done:
            self._subscription.refused(repr(frame.message[:200]))
        else:
            self._subscription.succeeded()
            self.ready = True
            if self._switches:
                self._ask("subscribe", list(self._switches))
            self._changed("")

    def _write_subscription(self, now_ns: int) -> bytes:
        return msgspec.json.encode({"req_id": "topics", "op": "subscribe", "args": TOPICS})

    def _on_unknown(self, topic: str) -> None:
        count = self.unknown[topic] = self.unknown.get(topic, 0) + 1
        if count == 1:
            self._link.warn(f"{self.conn}: topic {topic[:40]!r} is unknown and ignored")
