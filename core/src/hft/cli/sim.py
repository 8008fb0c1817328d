"""``hft sim``: play an exchange on a local port."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import enum
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin

import attrs
import msgspec
from loguru import logger

from hft.capture import read_capture
from hft.cli.exit_codes import ExitCode
from hft.cli.fault_control import fault_routes
from hft.clock import Clock, SystemClock
from hft.errors import CaptureError, PluginError, UsageError
from hft.plugin.simulator import Endpoints, Simulator, SimulatorConfig
from hft.profile.fault_file import read_faults
from hft.profile.values import parse_duration
from hft.registry.discovery import PluginKind
from hft.registry.loader import Registry
from hft.sim import Fault, Playback, World, serve, synthetic_product
from hft.spelling import did_you_mean
from hft.types import Duration

__all__ = ["configure", "run", "simulator_config"]

_MAX_PORT = 65_535
_STANDARD_OPTIONS = ("symbols", "seed", "rate", "capture", "speed", "faults")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("exchange", help="exchange plugin, like 'binance'")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=_port, default=0, help="port to listen on, 0: any free one")
    parser.add_argument("--json", action="store_true", help="print one line of JSON when ready")
    parser.add_argument("--until-stdin-closes", action="store_true", help="stop when stdin closes")
    fields = attrs.fields_dict(SimulatorConfig)
    for name in _STANDARD_OPTIONS:
        parser.add_argument(f"--{name}", metavar=name.upper(), help=fields[name].metadata["doc"])
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any option of this exchange's simulator",
    )


def run(args: argparse.Namespace) -> ExitCode:
    """Serve until told to stop."""
    plugin = Registry().load(PluginKind.EXCHANGE, args.exchange, base=Path.cwd())
    simulator_class = plugin.simulator()
    if simulator_class is None:
        raise PluginError(f"exchange plugin {plugin.name!r} has no simulator")
    if not issubclass(simulator_class.Config, SimulatorConfig):
        raise PluginError(
            f"exchange plugin {plugin.name!r}: the Config of {simulator_class.__name__} "
            "is not a SimulatorConfig, derive it from hft.SimulatorConfig"
        )
    config = simulator_config(simulator_class.Config, args)
    faults = () if config.faults is None else read_faults(Path(config.faults))
    asyncio.run(_serve(simulator_class, config, faults, plugin.name, args))
    return ExitCode.STOPPED


async def _serve(
    simulator_class: type[Simulator[Any]],
    config: SimulatorConfig,
    faults: Sequence[Fault],
    exchange: str,
    args: argparse.Namespace,
) -> None:
    clock = SystemClock()
    world = _world(simulator_class, config, exchange, clock)
    simulator = simulator_class(config, world)
    with _stop_requested(stdin=args.until_stdin_closes) as stop:
        failed: list[BaseException] = []
        if world.playback is not None:

            def on_end(error: BaseException | None) -> None:
                if error is None:
                    logger.info("{}: the capture has ended, the streams are silent now", config.capture)
                else:
                    failed.append(error)
                    stop.set()

            world.playback.on_end = on_end
        control = fault_routes(simulator.faults)
        async with serve(simulator, args.host, args.port, control=control) as port:
            # Their times count from here: whoever starts a drill waits for the line that says ready.
            _inject(simulator, faults)
            endpoints = simulator.endpoints(args.host, port)
            print((_ready_json if args.json else _banner)(exchange, config, simulator, endpoints), flush=True)
            await stop.wait()
    for error in failed:
        raise error


def _inject(simulator: Simulator[Any], faults: Sequence[Fault]) -> None:
    for fault in faults:
        try:
            simulator.faults.inject(fault)
        except ValueError as error:
            raise UsageError(f"faults: {error}") from None


def _world(
    simulator_class: type[Simulator[Any]], config: SimulatorConfig, exchange: str, clock: Clock
) -> World:
    if config.capture is None:
        return World.synthetic(
            clock,
            config.symbols,
            exchange,
            seed=config.seed,
            rate=config.rate,
            product=simulator_class.product or synthetic_product,
        )
    records = (r for r in read_capture(config.capture) if r.exchange in (None, exchange))
    try:
        playback = Playback(records, clock, speed=config.speed)
    except CaptureError as error:
        raise UsageError(f"capture: {error}") from None
    return World(clock, seed=config.seed, playback=playback)


@contextlib.contextmanager
def _stop_requested(*, stdin: bool) -> Iterator[asyncio.Event]:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def watch() -> None:
        # The descriptor itself: a thread that waits in sys.stdin would hold its lock at exit.
        with contextlib.suppress(OSError):  # never opened: closed as well
            while os.read(0, 4096):
                pass
        with contextlib.suppress(RuntimeError):  # the loop may be closed by then
            loop.call_soon_threadsafe(stop.set)

    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, stop.set)
    if stdin:
        threading.Thread(target=watch, name="watch stdin", daemon=True).start()
    try:
        yield stop
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


ConfigT = TypeVar("ConfigT", bound=SimulatorConfig)

# -- options -------------------------------------------------------------------------------------


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= _MAX_PORT:
        raise argparse.ArgumentTypeError(f"{port} is not from 0 to {_MAX_PORT}")
    return port


def _given(args: argparse.Namespace) -> dict[str, str]:
    given: dict[str, str] = {}
    for assignment in args.set:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise UsageError(f"--set {assignment!r} has no value, write it as NAME=VALUE")
        given[name] = value
    given |= {name: getattr(args, name) for name in _STANDARD_OPTIONS if getattr(args, name) is not None}
    return given


def simulator_config(config_class: type[ConfigT], args: argparse.Namespace) -> ConfigT:
    """Fill a simulator's ``Config`` from the command line; raise `UsageError` naming what is wrong."""
    fields = {field.name: field for field in attrs.fields(attrs.resolve_types(config_class))}
    values: dict[str, Any] = {}
    for name, text in _given(args).items():
        if name not in fields:
            raise UsageError(f"{name!r} is no option of this simulator{did_you_mean(name, fields)}")
        try:
            values[name] = _parse(fields[name].type, text)
        except ValueError as error:
            raise UsageError(f"{name}: {text!r} {error}") from None
    try:
        return config_class(**values)
    except ValueError as error:
        raise UsageError(str(error.args[0])) from None


def _parse(wanted: Any, text: str) -> Any:
    if get_origin(wanted) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    inner = [choice for choice in get_args(wanted) if choice is not NoneType]
    wanted = inner[0] if inner else wanted
    if isinstance(wanted, type) and issubclass(wanted, enum.Enum):
        return _choose({str(member.value): member for member in wanted}, text)
    if wanted is bool:
        return _choose({"true": True, "false": False}, text)
    parsers: dict[Any, tuple[Callable[[str], Any], str]] = {
        int: (int, "is not a whole number"),
        float: (float, "is not a number"),
        Duration: (parse_duration, "is not a length of time, write it as 100ms, 1.5s, 5m or 1h"),
        str: (str, ""),
    }
    parse, complaint = parsers[wanted]
    try:
        return parse(text)
    except ValueError:
        raise ValueError(complaint) from None


def _choose(choices: Mapping[str, Any], text: str) -> Any:
    if text not in choices:
        raise ValueError(f"is none of {', '.join(choices)}")
    return choices[text]


# -- what it prints ------------------------------------------------------------------------------


def _ready_json(exchange: str, _: SimulatorConfig, simulator: Simulator[Any], endpoints: Endpoints) -> str:
    ready = {
        "exchange": exchange,
        "rest": endpoints.rest,
        "ws": dict(endpoints.ws),
        "accounts": [attrs.asdict(account) for account in simulator.accounts()],
    }
    return msgspec.json.encode(ready).decode()


def _banner(exchange: str, config: SimulatorConfig, simulator: Simulator[Any], endpoints: Endpoints) -> str:
    if config.capture is None:
        shows = f"synthetic order flow, seed {config.seed}: {', '.join(config.symbols)}"
    else:
        shows = f"playback of {config.capture}"
    lines = [f"simulated {exchange} is ready ({shows})", f"  rest         {endpoints.rest}"]
    lines += [f"  {name:<12} {url}" for name, url in endpoints.ws.items()]
    for account in simulator.accounts():
        # A private key is lines of its own, to be copied as they are.
        secret = account.secret if "\n" not in account.secret else f"private key\n{account.secret.rstrip()}"
        passphrase = f", passphrase {account.passphrase}" if account.passphrase else ""
        lines.append(f"  {account.name or 'account':<12} key {account.key}, secret {secret}{passphrase}")
    lines.append("Ctrl-C stops it" if sys.stdin.isatty() else "SIGINT or SIGTERM stops it")
    return "\n".join(lines)
