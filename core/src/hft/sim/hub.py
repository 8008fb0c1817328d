"""Who is subscribed to what, and the way of frames and requests to and from all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from hft.sim.fault import REPLY, REQUEST, Place
from hft.sim.faults import Damage, Faults, whole
from hft.sim.outbox import Outbox

__all__ = ["Hub", "Subscriber"]


@attrs.define(eq=False)
class Subscriber:
    """One websocket client: where its frames go, and how it wants a payload of a topic written."""

    outbox: Outbox
    frame: Callable[[str, str], str]
    topics: set[str] = attrs.field(factory=set)


class Hub:
    """Passes what is published under a topic to its subscribers, through the injected faults.

    Requests and replies of websocket APIs take their way through the faults here as well, one line
    each in a simulator::

        self.hub.request(subscriber, "order.place", lambda: self._place(connection, request))
        self.hub.reply(subscriber, "order.place", frame)
    """

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        # Dictionaries rather than sets: who is told first must not depend on addresses in memory.
        self._subscribers: dict[Subscriber, None] = {}
        self._topics: dict[str, dict[Subscriber, None]] = {}

    @property
    def subscribers(self) -> tuple[Subscriber, ...]:
        """The clients that are connected, the oldest first."""
        return tuple(self._subscribers)

    def join(self, subscriber: Subscriber) -> None:
        """Take in a client that has connected."""
        self._subscribers[subscriber] = None

    def leave(self, subscriber: Subscriber) -> None:
        """Forget a client that is gone."""
        for topic in list(subscriber.topics):
            self.unsubscribe(subscriber, topic)
        self._subscribers.pop(subscriber, None)

    def subscribe(self, subscriber: Subscriber, topic: str) -> None:
        """Pass a client what is published under a topic from now on."""
        subscriber.topics.add(topic)
        self._topics.setdefault(topic, {})[subscriber] = None

    def unsubscribe(self, subscriber: Subscriber, topic: str) -> None:
        """Pass it no more; nothing happens if it was not passed."""
        subscriber.topics.discard(topic)
        subscribers = self._topics.get(topic)
        if subscribers is not None:
            subscribers.pop(subscriber, None)
            if not subscribers:
                del self._topics[topic]

    def is_wanted(self, topic: str) -> bool:
        """Whether anybody is subscribed, so that a payload need not be made for nobody."""
        return topic in self._topics

    def publish(self, topic: str, payload: str, event: str = "") -> None:
        """Send a payload to all subscribers of a topic.

        ``event`` tells apart what one topic brings: faults know the payload as ``topic/event`` then.
        """
        if topic in self._topics:
            if self.faults.is_idle:
                self.deliver(topic, payload)
            else:
                name = f"{topic}/{event}" if event else topic
                self.faults.pass_on(Place.STREAM, name, topic, _Publication(self, topic, payload))

    def request(self, subscriber: Subscriber, method: str, handle: Callable[[], None]) -> None:
        """Carry a client's request out; faults may do so late, twice or never.

        They know it as ``request/METHOD``. ``handle`` returns at once.
        """
        if self.faults.is_idle:
            handle()
        else:
            key = (Place.REQUEST, subscriber)
            passage = _Request(subscriber.outbox, handle)
            self.faults.pass_on(Place.REQUEST, REQUEST + method, key, passage)

    def reply(self, subscriber: Subscriber, method: str, frame: str) -> None:
        """Send one client the answer to a request; faults know it as ``reply/METHOD``."""
        if self.faults.is_idle:
            subscriber.outbox.send(frame)
        else:
            key = (Place.REPLY, subscriber)
            self.faults.pass_on(Place.REPLY, REPLY + method, key, _Reply(subscriber.outbox, frame))

    async def room(self) -> None:
        """Wait until every client has read most of what was sent to it."""
        for subscriber in self.subscribers:
            await subscriber.outbox.room()

    def publish_to(self, subscriber: Subscriber, topic: str, payload: str) -> None:
        """Send one subscriber of a topic a payload of its own, behind what was published before.

        Such as the whole of what the topic brings the changes of.
        """
        if self.faults.is_idle:
            subscriber.outbox.send(subscriber.frame(topic, payload))
        else:
            self.faults.pass_on(
                Place.STREAM, topic, topic, _Reply(subscriber.outbox, subscriber.frame(topic, payload))
            )

    def deliver(self, topic: str, payload: str, damage: Damage = whole) -> None:
        """Send all subscribers of a topic a payload past the faults, each frame with some damage."""
        for subscriber in tuple(self._topics.get(topic, ())):
            subscriber.outbox.send(damage(subscriber.frame(topic, payload)))

    def outboxes(self, topic: str) -> Iterator[Outbox]:
        """Yield where the frames of a topic go."""
        for subscriber in tuple(self._topics.get(topic, ())):
            yield subscriber.outbox


# -- what faults can do to what passes -----------------------------------------------------------------


@attrs.frozen
class _Publication:
    hub: Hub
    topic: str
    payload: str

    def deliver(self, damage: Damage = whole) -> None:
        self.hub.deliver(self.topic, self.payload, damage)

    def disconnect(self, *, behind: bool) -> None:
        for outbox in self.hub.outboxes(self.topic):
            (outbox.cut if behind else outbox.abort)()

    def silence(self) -> None:
        for outbox in self.hub.outboxes(self.topic):
            outbox.silence()

    def stall(self) -> Callable[[], None]:
        flows = [outbox.stall() for outbox in self.hub.outboxes(self.topic)]

        def flow() -> None:
            for each in flows:
                each()

        return flow


@attrs.frozen
class _Reply:
    outbox: Outbox
    frame: str

    def deliver(self, damage: Damage = whole) -> None:
        self.outbox.send(damage(self.frame))

    def disconnect(self, *, behind: bool) -> None:
        (self.outbox.cut if behind else self.outbox.abort)()

    def silence(self) -> None:
        self.outbox.silence()

    def stall(self) -> Callable[[], None]:
        return self.outbox.stall()


@attrs.frozen
class _Request:
    outbox: Outbox
    handle: Callable[[], None]

    def deliver(self, damage: Damage = whole) -> None:
        self.handle()

    def disconnect(self, *, behind: bool) -> None:
        # Also behind the request, whose reply is then lost.
        self.outbox.abort()

    def silence(self) -> None:
        self.outbox.silence()

    def stall(self) -> Callable[[], None]:
        return self.outbox.stall_reading()
