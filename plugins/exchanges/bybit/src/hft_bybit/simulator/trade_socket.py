"""The websocket of the simulated Bybit by which orders are entered."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from hft import Clock
from hft.sim import EventQueue, Hub, Outbox
from hft_bybit.simulator.auth import ApiKey, check_login, check_time
from hft_bybit.simulator.calls import Endpoint
from hft_bybit.simulator.gate import Gate
from hft_bybit.simulator.listing import NS_PER_MS
from hft_bybit.simulator.params import ApiError, Params
from hft_bybit.simulator.sockets import Connection

__all__ = ["TradeConnection"]

_IDS_KEPT = 10_000
_ID_CHARACTERS = 36


class TradeConnection(Connection):
    """One client that enters orders: it logs in once, and signs nothing after that."""

    def __init__(
        self,
        outbox: Outbox,
        hub: Hub,
        gate: Gate,
        methods: Mapping[str, Endpoint],
        queue: EventQueue,
        clock: Clock,
        idle_ns: int,
    ) -> None:
        super().__init__(outbox, hub, idle_ns)
        self._gate = gate
        self._methods = methods
        self._queue = queue
        self._clock = clock
        self._session: ApiKey | None = None
        self._ids: set[str] = set()
        self._newest: deque[str] = deque()

    def handle(self, frame: dict[str, Any]) -> None:
        op = str(frame.get("op", ""))
        if op == "ping":
            now_ms = self._clock.now_ns() // NS_PER_MS
            self._answer(frame, op, 0, "OK", {"op": "pong", "data": [str(now_ms)]})
        elif op == "auth":
            self.hub.request(self.subscriber, op, lambda: self._log_in(frame))
        else:
            self.hub.request(self.subscriber, op, lambda: self._carry_out(frame, op))

    def _log_in(self, frame: dict[str, Any]) -> None:
        if self._session is not None:
            self._answer(frame, "auth", 20001, "Repeat auth")
            return
        try:
            self._session = check_login(self._gate.keys, frame.get("args"), self._gate.now_ms())
        except ApiError as error:
            self._answer(frame, "auth", error.code, error.message)
            return
        self._answer(frame, "auth", 0, "OK")

    def _carry_out(self, frame: dict[str, Any], op: str) -> None:
        held = self._queue.hold()
        try:
            self._pass(frame, op)
        finally:
            if held:
                self._queue.release()

    def _pass(self, frame: dict[str, Any], op: str) -> None:
        try:
            key, params, endpoint = self._check(frame, op)
        except ApiError as error:
            self._answer(frame, op, error.code, error.message, {"data": {}, "retExtInfo": {}, "header": {}})
            return
        outcome = self._gate.pass_(endpoint, params, key)
        header = outcome.charge.headers() | {"Timenow": str(self._gate.now_ms())}
        if outcome.error is not None:
            body = {"data": {}, "retExtInfo": {}, "header": header}
            self._answer(frame, op, outcome.error.code, outcome.error.message, body)
            return
        assert outcome.answer is not None
        body = {"data": outcome.answer.result, "retExtInfo": outcome.answer.verdicts, "header": header}
        self._answer(frame, op, 0, "OK", body)

    def _check(self, frame: dict[str, Any], op: str) -> tuple[ApiKey, Params, Endpoint]:
        if self._session is None:
            raise ApiError(10005, "Permission denied, please check your API key permissions.")
        endpoint = self._methods.get(op)
        if endpoint is None:
            raise ApiError(10404, "op type is not found")
        request_id = frame.get("reqId")
        if request_id is not None:
            self._note(str(request_id))
        header, args = frame.get("header"), frame.get("args")
        if not isinstance(header, dict) or not isinstance(args, list) or len(args) != 1:
            raise ApiError(10001, "Request parameter error.")
        check_time(
            str(header.get("X-BAPI-TIMESTAMP", "")),
            str(header.get("X-BAPI-RECV-WINDOW", "")),
            self._gate.now_ms(),
        )
        return self._session, Params.of_json(args[0]), endpoint

    def _note(self, request_id: str) -> None:
        if request_id in self._ids:
            raise ApiError(20006, "reqId is duplicated")
        if len(request_id) > _ID_CHARACTERS:
            raise ApiError(10001, "params error: reqId is too long")
        self._ids.add(request_id)
        self._newest.append(request_id)
        if len(self._newest) > _IDS_KEPT:
            self._ids.discard(self._newest.popleft())

    def _answer(
        self,
        frame: dict[str, Any],
        op: str,
        code: int,
        message: str,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        request_id = frame.get("reqId")
        body = {
            **({} if request_id is None else {"reqId": str(request_id)}),
            "retCode": code,
            "retMsg": message,
            "op": op,
            **(more or {}),
            "connId": self.conn_id,
        }
        self.reply(op, body)
