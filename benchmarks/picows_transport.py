"""A websocket on picows, as far as measuring takes it: what hft's own transport is compared with."""

from __future__ import annotations

from collections.abc import Callable

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from hft import Clock

__all__ = ["PicowsTransport", "connect"]

_TEXT, _BINARY = WSMsgType.TEXT, WSMsgType.BINARY


class PicowsTransport(WSListener):
    """Hands whole messages on and sends them; nothing here mends or bounds anything."""

    rtt_ns: int | None = None
    transport: WSTransport

    def __init__(
        self, on_frame: Callable[[bytes, int], None], on_lost: Callable[[str], None], clock: Clock
    ) -> None:
        super().__init__()
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._now_ns = clock.now_ns

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == _TEXT and frame.fin:
            self._on_frame(frame.get_payload_as_bytes(), self._now_ns())
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._on_lost("disconnected")

    def send(self, data: bytes, *, text: bool = True) -> bool:
        self.transport.send(_TEXT if text else _BINARY, data)
        return True

    def ping(self) -> None:
        self.transport.send_ping()

    def close(self) -> None:
        self.transport.disconnect()

    def abort(self) -> None:
        self.transport.disconnect(graceful=False)

    async def wait_closed(self) -> None:
        await self.transport.wait_disconnected()


async def connect(
    url: str, *, on_frame: Callable[[bytes, int], None], on_lost: Callable[[str], None], clock: Clock
) -> PicowsTransport:
    """Open a websocket; see `hft.net.transport.Connect`."""
    _, listener = await ws_connect(lambda: PicowsTransport(on_frame, on_lost, clock), url)
    assert isinstance(listener, PicowsTransport)
    return listener
