"""Whole profiles: what a good one becomes, and what is said of bad ones."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hft.errors import ProfileError
from hft.instrument import InstrumentId
from hft.profile import Mode, read_profile
from hft.registry.discovery import PluginKind
from hft.secret import Secret

GOOD = """\
name: btc-maker
mode: dry-run
exchanges:
  binance:
    use: binance
    key: ${BINANCE_KEY}
    secret: ${BINANCE_SECRET}
    paper:
      order_latency: 1.5ms
      maker_fee: "-0.0001"
  sub_account:
    use: binance
    environment: simulator
    max_book_age: 2s
    simulator:
      symbols: [BTCUSDT, ETHUSDT]
strategies:
  maker:
    use: maker
    instruments: [BTC/USDT@binance, "BTC/USDT:USDT@sub_account"]
    order_size: "0.001"
    model: avellaneda-stoikov
    level: 2
    side: bid
    hedge: ETH/USDT@sub_account
    weights: ["0.5", 1]
    band: [3, 0.5]
    tags: {a: 1}
    volatility: {weight: 2, then: {window: 5m}}
    maximum: "2"
    extra: {deep: [1, two, null, 1.5, {on: true}]}
risk:
  - use: max_position
    limit: "0.1"
    instrument: BTC/USDT@binance
  - use: max_position
    limit: 3
"""
ENVIRON = {"BINANCE_KEY": "k-123456", "BINANCE_SECRET": "s-654321"}


def test_good_profile(read, tmp_path):
    profile = read(GOOD, ENVIRON)
    assert (profile.path, profile.name, profile.mode) == (tmp_path / "p.yaml", "btc-maker", Mode.DRY_RUN)
    assert (profile.seed, profile.captures) == (1, ())
    binance, simulated = profile.exchanges.values()
    assert (binance.key, binance.use, binance.environment, binance.url) == (
        "binance",
        "binance",
        "mainnet",
        None,
    )
    assert binance.config.key == Secret("k-123456")
    assert (binance.paper.order_latency, binance.paper.maker_fee) == (1_500_000, Decimal("-0.0001"))
    assert (binance.max_book_age, simulated.max_book_age) == (10_000_000_000, 2_000_000_000)
    assert binance.simulator is None
    assert (simulated.environment, simulated.simulator.symbols) == ("simulator", ("BTCUSDT", "ETHUSDT"))
    maker = profile.strategies["maker"]
    assert maker.instruments == (
        InstrumentId("BTC/USDT", "binance"),
        InstrumentId("BTC/USDT:USDT", "sub_account"),
    )
    config = maker.config
    assert (config.order_size, config.model.value, config.level, config.side) == (
        Decimal("0.001"),
        "avellaneda-stoikov",
        2,
        "bid",
    )
    assert config.hedge == InstrumentId("ETH/USDT", "sub_account")
    assert config.weights == (Decimal("0.5"), Decimal(1))
    assert (config.band, config.tags, config.maximum) == ((3, 0.5), {"a": 1}, Decimal(2))
    assert (config.volatility.weight, config.volatility.then.window) == (2.0, 300_000_000_000)
    assert config.extra == {"deep": [1, "two", None, 1.5, {"on": True}]}
    assert [rule.config.limit for rule in profile.risk] == [Decimal("0.1"), Decimal(3)]


def test_plugins_are_asked_for_by_name_beside_the_profile(tmp_path, registry):
    path = tmp_path / "p.yaml"
    path.write_text(GOOD)
    read_profile(path, registry, environ=ENVIRON)
    assert registry.asked == [
        (PluginKind.EXCHANGE, "binance", tmp_path),
        (PluginKind.EXCHANGE, "binance", tmp_path),
        (PluginKind.STRATEGY, "maker", tmp_path),
        (PluginKind.RISK, "max_position", tmp_path),
        (PluginKind.RISK, "max_position", tmp_path),
    ]


def test_simulator_without_its_own_mapping_has_its_defaults(read):
    text = GOOD.replace("    simulator:\n      symbols: [BTCUSDT, ETHUSDT]\n", "")
    assert read(text, ENVIRON).exchanges["sub_account"].simulator.symbols == ("BTCUSDT",)


def test_captures_are_found_beside_the_profile(read, tmp_path):
    (tmp_path / "a.jsonl").touch()
    text = GOOD.replace("dry-run", "replay") + "captures: [a.jsonl]\n"
    assert read(text, ENVIRON).captures == (tmp_path / "a.jsonl",)


MANY = """\
name: 5
mode: dryrun
seed: 1.9
seed: 2
exchanges:
  binance:
    use: binance
    enviroment: testnet
    environment: mainet
    key: hunter2
    secret: ${NOT_SET}
    depth_speed: 100
    paper:
      queue: risk-avers
      maker_fee: 0.0010
      order_latency: 1.5ns
  Okx:
    use: okx
    url: ftp://x
strategies:
  maker:
    use: maker
    instruments: [BTC/USDT@binanc, BTC, 7]
    levels: 0
    active: "false"
    model: stoikov
    label: 12
    skew: .nan
    band: [1]
    volatility:
      weight: high
      wieght: 1
  other:
    instruments: []
risk:
  - use: max_position
    limit: "-1"
  - limit: 1
  - max_position
speed: 1
"""


def test_every_fault_of_a_file_is_told_in_one_run(faults_of):
    assert faults_of(MANY) == [
        '1 name: wants text, got 5, write it in quotes: "5"',
        "2 mode: 'dryrun' is not one of backtest, dry-run, live, replay, did you mean 'dry-run'?",
        "3 seed: wants a whole number, got 1.9",
        "4 seed: the key is on line 3 already, remove one of the two",
        "8 exchanges.binance.enviroment: the key is unknown, did you mean 'environment'?",
        "9 exchanges.binance.environment: 'mainet' is not one of mainnet, testnet, simulator,"
        " did you mean 'mainnet'?",
        "10 exchanges.binance.key: a secret never stands in a profile,"
        " write ${BINANCE_KEY} or keyring:binance",
        "11 exchanges.binance.secret: environment variable 'NOT_SET' is not set, type: export NOT_SET=...",
        "12 exchanges.binance.depth_speed: wants a length of time with its unit,"
        " such as 100ms or 1.5s, got 100",
        "14 exchanges.binance.paper.queue: 'risk-avers' is not one of risk-averse, power, log, l3,"
        " did you mean 'risk-averse'?",
        '15 exchanges.binance.paper.maker_fee: wants an exact decimal, write it in quotes: "0.0010"',
        "16 exchanges.binance.paper.order_latency: '1.5ns' is not a whole number of nanoseconds,"
        " write fewer decimals",
        "17 exchanges.Okx: a key is made of a-z, 0-9, _ and -, a letter first, at most 32 of them",
        "18 exchanges.Okx.use: no exchange plugin 'okx' is installed: pip install hft-plugin-okx",
        "19 exchanges.Okx.url: must be http://HOST:PORT or https://HOST:PORT without a path, got 'ftp://x'",
        "21 strategies.maker: the key 'order_size' is missing, add it",
        "23 strategies.maker.instruments[0]: exchange 'binanc' is not in this profile,"
        " did you mean 'binance'?",
        "23 strategies.maker.instruments[1]: 'BTC' is not an instrument, write it as 'BTC/USDT@binance'",
        "23 strategies.maker.instruments[2]: wants an instrument, such as BTC/USDT@binance, got 7",
        "24 strategies.maker.levels: must be >= 1, got 0",
        "25 strategies.maker.active: wants true or false, got 'false', remove the quotes",
        "26 strategies.maker.model: 'stoikov' is not one of plain, avellaneda-stoikov",
        '27 strategies.maker.label: wants text, got 12, write it in quotes: "12"',
        "28 strategies.maker.skew: wants a finite number, got .nan",
        "29 strategies.maker.band: wants 2 values, got 1",
        "31 strategies.maker.volatility.weight: wants a number, got 'high'",
        "32 strategies.maker.volatility.wieght: the key is unknown, did you mean 'weight'?",
        "33 strategies.other: the key 'use' is missing, add it",
        "34 strategies.other.instruments: must name at least one instrument, such as [BTC/USDT@binance]",
        "37 risk[0].limit: must be > 0, got -1",
        "38 risk[1]: the key 'use' is missing, add it",
        "39 risk[2]: wants a mapping that begins with use: PLUGIN",
        "40 speed: the key is unknown, did you mean 'seed'?",
    ]


MINIMAL = "name: x\nmode: dry-run\nexchanges: {a: {use: acme}}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            MINIMAL.replace("dry-run", "replay"),
            "2 mode: mode replay needs recorded sessions: captures: [FILE]",
        ),
        (
            MINIMAL.replace("dry-run", "replay") + "captures: []",
            "4 captures: mode replay needs recorded sessions: captures: [FILE]",
        ),
        (
            MINIMAL.replace("dry-run", "replay") + "captures:\n- gone.jsonl",
            "5 captures[0]: 'gone.jsonl' is not a file, it is looked for beside the profile",
        ),
        (
            MINIMAL + "captures: [p.yaml]",
            "4 captures: only mode replay reads captures, remove the key",
        ),
        (
            MINIMAL.replace("acme", "binance").replace("dry-run", "live"),
            "3 exchanges.a.use: plugin 'binance' cannot trade, use mode: dry-run",
        ),
        (
            MINIMAL.replace("acme", "silent"),
            "3 exchanges.a.use: plugin 'silent' offers no market data, use another one",
        ),
        (
            MINIMAL.replace("acme", "acme, environment: simulator"),
            "3 exchanges.a.environment: 'simulator' is not one of mainnet, testnet",
        ),
        (
            MINIMAL.replace("acme", "binance, environment: simulator, url: 'http://127.0.0.1:9000'"),
            "3 exchanges.a.url: the simulator has its own, remove url or change environment",
        ),
        (
            MINIMAL.replace("acme", "binance, environment: simulator, simulator: {sead: 1}"),
            "3 exchanges.a.simulator.sead: the key is unknown, did you mean 'seed'?",
        ),
        (
            MINIMAL.replace("acme", "binance, simulator: {seed: 1}"),
            "3 exchanges.a.simulator: is only read with environment: simulator, remove it",
        ),
        (
            MINIMAL.replace("acme", "acme, max_book_age: 0s"),
            "3 exchanges.a.max_book_age: must be longer than 0s",
        ),
        (
            MINIMAL.replace("acme", "acme, paper:"),
            "3 exchanges.a.paper: wants a mapping, such as name: value, got nothing",
        ),
        (MINIMAL.replace("{a: {use: acme}}", "{}"), "3 exchanges: must have at least one exchange"),
        (
            MINIMAL.replace("{a: {use: acme}}", "[acme]"),
            "3 exchanges: wants a mapping, such as name: value, got a list",
        ),
        (MINIMAL.replace("exchanges: {a: {use: acme}}", ""), "1 : the key 'exchanges' is missing, add it"),
        (MINIMAL + "seed: -1", "4 seed: must not be negative, got -1"),
        *(
            (
                MINIMAL.replace("x", f'"{name}"', 1),
                "1 name: must be made of A-Z, a-z, 0-9, blanks and . _ -, a letter or digit first and last:"
                " a folder is named after it",
            )
            for name in ("", "..", "../x", "/tmp", "a/b", "a\\\\b", ".x", "x.", " x", "x\\0", "x\\n")
        ),
        (MINIMAL.replace("x", "x" * 65, 1), "1 name: must have at most 64 characters"),
        (MINIMAL + 'state: ""', "4 state: must be printable text, and not empty"),
        (
            MINIMAL + "strategies: {s: {use: clashing, instruments: [A/B@a]}}",
            "4 strategies.s.use: plugin 'clashing': its Config has the profile's own instruments,"
            " rename it there",
        ),
        (
            MINIMAL + "strategies: {s: {use: maker, order_size: 1, instruments: [A/B@a, A/B@a]}}",
            "4 strategies.s.instruments: must name an instrument once, A/B@a stands there more than once",
        ),
        (
            MINIMAL + "strategies: {s: {use: maker, order_size: 1, instruments: [A/B@a], hedge: A/B@b}}",
            "4 strategies.s.hedge: exchange 'b' is not in this profile, it has a",
        ),
        (
            MINIMAL + "strategies: {s: {use: maker, order_size: 1, instruments: [A/B@a], minimum: 3}}",
            "4 strategies.s: must be at least minimum, 3, got 1",
        ),
    ],
)
def test_one_fault(faults_of, text, expected):
    assert faults_of(text) == [expected]


def test_url_takes_the_place_of_every_endpoint(read):
    for url in ("http://127.0.0.1:9000", "https://sim.example.org", "http://[::1]:80"):
        assert read(MINIMAL.replace("acme", f"acme, url: '{url}'")).exchanges["a"].url == url


@pytest.mark.parametrize(
    "url", ["http://", "http://h:0", "http://h:70000", "ws://h", "http://u:p@h", "http://h/p"]
)
def test_url_of_another_shape_is_refused(faults_of, url):
    (fault,) = faults_of(MINIMAL.replace("acme", f"acme, url: '{url}'"))
    assert fault.startswith("3 exchanges.a.url: must be http://HOST:PORT")


def test_options_that_no_profile_can_fill_are_the_plugins_fault(faults_of):
    options = "{use: impossible, instruments: [A/B@a], raw: x, either: 1, number: 1}"
    assert faults_of(MINIMAL + f"strategies: {{s: {options}}}") == [
        "4 strategies.s.either: a profile cannot hold the type int | str, the plugin's Config must change",
        "4 strategies.s.number: a profile cannot hold the type complex, the plugin's Config must change",
        "4 strategies.s.raw: a profile cannot hold the type bytes, the plugin's Config must change",
    ]


def test_missing_file(tmp_path, registry):
    with pytest.raises(ProfileError, match=r"none\.yaml: cannot be read: No such file or directory$"):
        read_profile(tmp_path / "none.yaml", registry)


def test_profile_does_not_show_its_secrets(read):
    profile = read(GOOD, ENVIRON)
    assert "k-123456" not in repr(profile)
    assert "k-123456" not in repr(attrs.asdict(profile, recurse=False))


WORDS = """: - ? [ ] { } &a *a !!t << | > ' " # null 1e999 -.inf 0x_ ${ ${BINANCE_KEY} keyring:x --- ..."""
BREAKS = ["\n", "\n  ", "\t", "\x85", "\u2028", "\ufeff", "%YAML 1.1\n", "%YAML 99999\n"]
NASTY = ['"\\uD800"', '"\\U00110000"', "9" * 80, "a" * 70]
PIECES = st.sampled_from([*GOOD.split(), *WORDS.split(), *BREAKS, *NASTY])


@st.composite
def mutated(draw: st.DrawFn) -> str:
    lines = GOOD.splitlines(keepends=True)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        column = draw(st.integers(0, len(lines[at])))
        end = draw(st.integers(column, len(lines[at])))
        lines[at] = lines[at][:column] + draw(PIECES | st.text(max_size=5)) + lines[at][end:]
    return "".join(lines)


TEXTS = st.one_of(mutated(), st.lists(PIECES, max_size=30).map("".join), st.text(max_size=200))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=250, deadline=None)
@given(TEXTS.map(lambda text: text.encode(errors="surrogatepass")) | st.binary(max_size=100))
@example(b"%YAML " + b"9" * 5000 + b".1\n---\na: b")
@example(b'"\\UFFFFFFFF"')
@example(b"[" * 5000)
@example(b"captures: [" + b"a" * 5000 + b"]\nmode: replay")
@example(b"a: \xff")
def test_no_text_raises_anything_but_a_profile_error(read, data):
    message = ""
    try:
        read(data, ENVIRON)
    except ProfileError as error:
        message = str(error) or pytest.fail("an error without a fault")
    assert not any(value in message for value in ENVIRON.values())


def test_folder_in_place_of_a_profile(tmp_path: Path, registry):
    with pytest.raises(ProfileError, match="cannot be read"):
        read_profile(tmp_path, registry)


def test_simulator_is_only_asked_for_when_it_is_wanted(read, plugins):
    plugin = plugins[PluginKind.EXCHANGE, "binance"]
    plugin.asked.clear()
    read(MINIMAL.replace("acme", "binance, environment: testnet"))
    assert plugin.asked == []
    read(MINIMAL.replace("acme", "binance, environment: simulator"))
    assert "simulator" in plugin.asked
