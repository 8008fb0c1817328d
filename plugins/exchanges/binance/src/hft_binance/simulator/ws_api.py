"""The websocket APIs of the simulated Binance: requests, sessions, and the events of subscriptions."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from aiohttp import web

from hft import Clock
from hft.sim import EventQueue, Hub, Outbox
from hft_binance.simulator.auth import ApiKey, ws_payload
from hft_binance.simulator.calls import Call, Endpoint, Security, always
from hft_binance.simulator.connection import Connection
from hft_binance.simulator.gate import Gate, Outcome, Signature
from hft_binance.simulator.listing import SPOT
from hft_binance.simulator.params import ApiError
from hft_binance.simulator.spot_events import SPOT_EVENTS

__all__ = ["WsApi", "WsApiConnection"]

_CONNECT_WEIGHT = 2
_encode = msgspec.json.Encoder().encode


def reply(hub: Hub, connection: Connection, method: str, frame: str) -> None:
    """Send one client the answer to a request, through the faults; the only way out for answers."""
    hub.reply(connection.subscriber, method, frame)


class WsApi:
    """Makes the connections of one product's websocket API.

    ``methods`` maps names to what answers them; sessions and subscriptions are answered here. With a
    ``jitter_ns`` answers take up to that long, each its own time: they come out of order.
    """

    def __init__(
        self,
        gate: Gate,
        methods: Mapping[str, Endpoint],
        hub: Hub,
        queue: EventQueue,
        clock: Clock,
        seed: int,
        jitter_ns: int,
    ) -> None:
        self.gate = gate
        self.methods = methods
        self.hub = hub
        self.queue = queue
        self.clock = clock
        self.random = random.Random(f"{seed}:{gate.product.name} answers")
        self.jitter_ns = jitter_ns

    def connect(self, request: web.Request, outbox: Outbox) -> Connection:
        """Make the connection of a client that has come."""
        address = request.remote or ""
        self.gate.weights.charge(address, _CONNECT_WEIGHT)
        shows_limits = request.query.get("returnRateLimits", "true") != "false"
        return WsApiConnection(self, outbox, address, shows_limits=shows_limits)


class WsApiConnection(Connection):
    """One client of a websocket API, perhaps logged in, perhaps subscribed to its accounts' events."""

    def __init__(self, api: WsApi, outbox: Outbox, address: str, *, shows_limits: bool) -> None:
        super().__init__(api.gate.product, outbox)
        self._api = api
        self._address = address
        self._shows_limits = shows_limits
        self._connected_ms = api.gate.now_ms()
        self._session: ApiKey | None = None
        self._authorized_ms = 0
        self._subscriptions: dict[str, int] = {}
        self._next_subscription = 0
        self._own: dict[str, Callable[[dict[str, str]], Any]] = {
            "session.status": lambda _: self._status(),
            "session.logout": lambda _: self._logout(),
        }
        if self.product is SPOT:
            self._own |= {
                "userDataStream.subscribe": lambda _: self._subscribe(self._require_session().account),
                "userDataStream.unsubscribe": self._unsubscribe,
                "session.subscriptions": lambda _: [
                    {"subscriptionId": number} for number in self._subscriptions.values()
                ],
            }
        self._signed: dict[str, Callable[[ApiKey], Any]] = {"session.logon": self._logon}
        if self.product is SPOT:
            self._signed["userDataStream.subscribe.signature"] = lambda key: self._subscribe(key.account)

    # -- frames ----------------------------------------------------------------------------------

    def frame(self, topic: str, payload: str) -> str:
        _, account, kind = topic.split("/", 2)
        number = self._subscriptions.get(account)
        if kind == "eventStreamTerminated":
            self._end(account)
        return f'{{"subscriptionId":{"null" if number is None else number},"event":{payload}}}'

    def shutdown_notice(self, now_ms: int) -> str:
        return f'{{"event":{{"e":"serverShutdown","E":{now_ms}}}}}'

    def take(self, text: str) -> bool:
        request_id: Any = None
        method = ""
        try:
            try:
                frame = msgspec.json.decode(text)
            except (msgspec.DecodeError, UnicodeError):
                raise ApiError(-1000, "Malformed JSON.") from None
            if not isinstance(frame, dict):
                raise ApiError(-1000, "Malformed JSON.")
            request_id = _request_id(frame.get("id"))
            params = _texts(frame.get("params"))
            method = frame.get("method", "")
            if not isinstance(method, str):
                raise ApiError(
                    -1102, "Mandatory parameter 'method' was not sent, was empty/null, or malformed."
                )
        except ApiError as error:
            self._reply("", {"id": request_id, **_failure(error)})
            return True
        # A copy, since a fault may have the request carried out twice.
        self._api.hub.request(self.subscriber, method, lambda: self._handle(request_id, method, dict(params)))
        return True

    def _handle(self, request_id: Any, method: str, params: dict[str, str]) -> None:
        held = self._api.queue.hold()
        try:
            self._answer(request_id, method, params)
        finally:
            if held:
                self._api.queue.release()

    def _answer(self, request_id: Any, method: str, params: dict[str, str]) -> None:
        shows = self._shows_limits
        if "returnRateLimits" in params:
            shows = params.pop("returnRateLimits") == "true"
        outcome = self._outcome(method, params)
        body: dict[str, Any] = {"id": request_id}
        if outcome.error is not None:
            body |= _failure(outcome.error)
            if outcome.banned_until_ms or outcome.retry_after_s:
                now_ms = self._api.gate.now_ms()
                until = outcome.banned_until_ms or now_ms + outcome.retry_after_s * 1000
                body["error"]["data"] = {"serverTime": now_ms, "retryAfter": until}
        else:
            body |= {"status": 200, "result": outcome.body}
        if shows:
            body["rateLimits"] = self._limits(outcome)
        self._reply(method, body)

    def _outcome(self, method: str, params: dict[str, str]) -> Outcome:
        gate = self._api.gate
        key = params.pop("apiKey", None)
        shown_params = params if key is None else {**params, "apiKey": key}
        shown = Signature(key, ws_payload(shown_params), params.get("signature"))
        own, signed = self._own.get(method), self._signed.get(method)
        if own is not None:
            endpoint = Endpoint(answer=lambda _: own(params), weight=always(2), security=Security.NONE)
        elif signed is not None:
            endpoint = Endpoint(answer=lambda call: self._by_key(call, signed), weight=always(2))
        elif method in self._api.methods:
            endpoint = self._api.methods[method]
        else:
            error = ApiError(-1000, f"Unknown method '{method[:40]}'." if method else "Missing method.")
            return Outcome(error=error, used_weight=gate.weights.charge(self._address, 2).used)
        session = None if signed is not None else self._session
        if key is None and session is None and endpoint.security is not Security.NONE:
            error = ApiError(
                -1102, "Mandatory parameter 'apiKey' was not sent, was empty/null, or malformed."
            )
            return Outcome(error=error, used_weight=gate.weights.charge(self._address, 1).used)
        return gate.pass_(endpoint, params, shown, self._address, session=session)

    @staticmethod
    def _by_key(call: Call, act: Callable[[ApiKey], Any]) -> Any:
        call.params.finish()
        assert call.key is not None
        return act(call.key)

    def _limits(self, outcome: Outcome) -> list[dict[str, Any]]:
        gate = self._api.gate
        limits: list[dict[str, Any]] = []
        if outcome.placed and outcome.account is not None:
            limits += gate.orders.state(outcome.account)
        limits.append(
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 1,
                "limit": gate.weights.weight_per_min,
                "count": outcome.used_weight,
            }
        )
        return limits

    def _reply(self, method: str, body: dict[str, Any]) -> None:
        frame, api = _encode(body).decode(), self._api
        if api.jitter_ns:
            delay = api.random.randrange(api.jitter_ns)
            api.clock.call_later(delay, lambda: reply(api.hub, self, method, frame))
        else:
            reply(api.hub, self, method, frame)

    # -- sessions --------------------------------------------------------------------------------

    def _status(self) -> dict[str, Any]:
        session = self._session
        return {
            "apiKey": None if session is None else session.key,
            "authorizedSince": None if session is None else self._authorized_ms,
            "connectedSince": self._connected_ms,
            "returnRateLimits": self._shows_limits,
            "serverTime": self._api.gate.now_ms(),
            "userDataStream": bool(self._subscriptions),
        }

    def _logon(self, key: ApiKey) -> dict[str, Any]:
        if not key.may_log_in:
            raise ApiError(-4056, "HMAC_SHA256 API key is not supported.", 400)
        self._session, self._authorized_ms = key, self._api.gate.now_ms()
        return self._status()

    def _logout(self) -> dict[str, Any]:
        self._session = None
        return self._status()

    def _require_session(self) -> ApiKey:
        if self._session is None:
            raise ApiError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return self._session

    # -- subscriptions ---------------------------------------------------------------------------

    def _subscribe(self, account: str) -> dict[str, Any]:
        if account in self._subscriptions:
            raise ApiError(-2035, "User Data Stream subscription already active.")
        number = self._subscriptions[account] = self._next_subscription
        self._next_subscription += 1
        for kind in SPOT_EVENTS:
            self._api.hub.subscribe(self.subscriber, f"user/{account}/{kind}")
        return {"subscriptionId": number}

    def _unsubscribe(self, params: dict[str, str]) -> dict[str, Any]:
        wanted = params.get("subscriptionId")
        for account, number in list(self._subscriptions.items()):
            if wanted is None or wanted == str(number):
                self._end(account)
                break
        else:
            if wanted is not None:
                raise ApiError(-2036, "User Data Stream subscription not active.")
        return {}

    def _end(self, account: str) -> None:
        self._subscriptions.pop(account, None)
        for kind in SPOT_EVENTS:
            self._api.hub.unsubscribe(self.subscriber, f"user/{account}/{kind}")


def _failure(error: ApiError) -> dict[str, Any]:
    body: dict[str, Any] = {"code": error.code, "msg": error.msg}
    if error.data is not None:
        body["data"] = error.data
    return {"status": error.status, "error": body}


def _request_id(value: object) -> object:
    if value is None or (type(value) is int) or (isinstance(value, str) and len(value) <= 36):
        return value
    raise ApiError(-1000, "Invalid request id.")


def _texts(params: object) -> dict[str, str]:
    """Return parameters as they stand in what was signed."""
    if params is None:
        return {}
    if not isinstance(params, dict):
        raise ApiError(-1102, "Mandatory parameter 'params' was not sent, was empty/null, or malformed.")
    texts = {}
    for name, value in params.items():
        if isinstance(value, str):
            texts[name] = value
        elif isinstance(value, bool):
            texts[name] = "true" if value else "false"
        else:
            texts[name] = _encode(value).decode()
    return texts
