"""Who is subscribed to what, and the way of a frame to all of them."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from hft.sim.faults import Faults
from hft.sim.outbox import Outbox

__all__ = ["Hub", "Subscriber"]


@attrs.define(eq=False)
class Subscriber:
    """One websocket client: where its frames go, and how it wants a payload of a topic written."""

    outbox: Outbox
    frame: Callable[[str, str], str]
    topics: set[str] = attrs.field(factory=set)


class Hub:
    """Passes what is published under a topic to its subscribers, through the injected faults."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.subscribers: set[Subscriber] = set()
        self._topics: dict[str, set[Subscriber]] = {}

    def join(self, subscriber: Subscriber) -> None:
        """Take in a client that has connected."""
        self.subscribers.add(subscriber)

    def leave(self, subscriber: Subscriber) -> None:
        """Forget a client that is gone."""
        for topic in list(subscriber.topics):
            self.unsubscribe(subscriber, topic)
        self.subscribers.discard(subscriber)

    def subscribe(self, subscriber: Subscriber, topic: str) -> None:
        """Pass a client what is published under a topic from now on."""
        subscriber.topics.add(topic)
        self._topics.setdefault(topic, set()).add(subscriber)

    def unsubscribe(self, subscriber: Subscriber, topic: str) -> None:
        """Pass it no more; nothing happens if it was not passed."""
        subscriber.topics.discard(topic)
        subscribers = self._topics.get(topic)
        if subscribers is not None:
            subscribers.discard(subscriber)
            if not subscribers:
                del self._topics[topic]

    def is_wanted(self, topic: str) -> bool:
        """Whether anybody is subscribed, so that a payload need not be made for nobody."""
        return topic in self._topics

    def publish(self, topic: str, payload: str) -> None:
        """Send a payload to all subscribers of a topic."""
        if topic in self._topics:
            if self.faults.is_idle:
                self.deliver(topic, payload)
            else:
                self.faults.publish(topic, payload, self)

    async def room(self) -> None:
        """Wait until every client has read most of what was sent to it."""
        for subscriber in list(self.subscribers):
            await subscriber.outbox.room()

    # -- for faults ------------------------------------------------------------------------------

    def deliver(self, topic: str, payload: str, *, truncated: bool = False) -> None:
        """Send a payload as it is, or only the first half of each frame."""
        for subscriber in tuple(self._topics.get(topic, ())):
            frame = subscriber.frame(topic, payload)
            subscriber.outbox.send(frame[: len(frame) // 2] if truncated else frame)

    def disconnect(self, topic: str) -> None:
        """Cut off all subscribers of a topic."""
        for subscriber in tuple(self._topics.get(topic, ())):
            subscriber.outbox.abort()

    def silence(self, topic: str) -> None:
        """Send the subscribers of a topic nothing any more, of any topic."""
        for subscriber in tuple(self._topics.get(topic, ())):
            subscriber.outbox.silence()
