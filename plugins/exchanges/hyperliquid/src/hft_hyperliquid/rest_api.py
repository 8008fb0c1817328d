"""Questions and actions over REST, and what a refusal of a question is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from hft import ClockOffset, Costs, HttpRequest, Link, Priority, RestAnswer, RestCall, TransportError
from hft_hyperliquid import limits
from hft_hyperliquid.actions import Action, Envelopes
from hft_hyperliquid.endpoints import Network

__all__ = ["RestApi"]

_HEADERS = {"Content-Type": "application/json"}
_SHOWN_BYTES = 200

_encode = msgspec.json.Encoder().encode


class RestApi:
    """Makes the requests of one account; ``clock`` is the exchange's."""

    def __init__(self, network: Network, link: Link, envelopes: Envelopes) -> None:
        self.clock = ClockOffset()
        self._network = network
        self.shown_host = network.info.partition("://")[2].partition("/")[0]
        self._link = link
        self._envelopes = envelopes

    def server_ns(self, now_ns: int) -> int:
        """Return the exchange's time."""
        return now_ns + self.clock.offset_ns

    def question(self, asked: Mapping[str, Any], priority: Priority = Priority.QUERY) -> RestCall:
        """Return a question to ``/info``; its ``type`` says what is asked."""
        body, kind = _encode(asked), str(asked["type"])
        return RestCall(
            method="POST",
            shown=f"{self.shown_host}/info {kind}",
            write=lambda _: HttpRequest(url=self._network.info, headers=_HEADERS, body=body),
            costs=((limits.ADDRESS, limits.info_weight(kind)),),
            priority=priority,
        )

    async def ask(self, asked: Mapping[str, Any]) -> RestAnswer:
        """Return the answer to a question; raise `TransportError` for every status but 200."""
        call = self.question(asked)
        answer = await self._link.fetch(call)
        if answer.status != 200:
            said = answer.body[:_SHOWN_BYTES].decode(errors="replace")
            raise TransportError(f"{call.shown}: refused: status {answer.status}: {said!r}", sent=True)
        return answer

    def action(self, action: Action, *, costs: Costs, priority: Priority, deadline_ns: int = 0) -> RestCall:
        """Return an action, which is signed when its turn comes."""

        def write(now_ns: int) -> HttpRequest:
            body = self._envelopes.rest(action, self.server_ns(now_ns))
            return HttpRequest(url=self._network.exchange, headers=_HEADERS, body=body)

        return RestCall(
            method="POST",
            shown=f"{self.shown_host}/exchange {action['type']}",
            write=write,
            costs=costs,
            priority=priority,
            deadline_ns=deadline_ns,
        )
