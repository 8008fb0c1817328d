"""The JSON Schema: complete enough for an editor, and never stricter than the reader."""

from __future__ import annotations

import pytest
import yaml

from hft.errors import ProfileError
from hft.profile.schema import profile_schema
from hft.registry.discovery import PluginKind

GOOD = """\
name: x
mode: dry-run
seed: ${SEED}
exchanges:
  binance:
    use: binance
    key: ${KEY}
    secret: ${SECRET}
    depth_speed: 250us
    paper: {order_latency: 1.5ms, maker_fee: "-0.0001", queue: risk-averse}
  acme: {use: acme, environment: testnet, url: "http://127.0.0.1:9000"}
  sim: {use: binance, environment: simulator, simulator: {symbols: [BTCUSDT], seed: 2}}
strategies:
  maker:
    use: maker
    instruments: [BTC/USDT@binance, "BTC/USDT:USDT@sim"]
    order_size: "0.001"
    levels: ${LEVELS}
    model: avellaneda-stoikov
    level: 2
    side: ask
    skew: 1
    active: false
    hedge: null
    weights: ["0.5", 1]
    band: [1, 2.5]
    tags: {a: 1}
    volatility: {window: 5m, then: {weight: 0.5}}
    extra: {anything: [1, {goes: x}]}
risk:
  - {use: max_position, limit: "0.1", instrument: BTC/USDT@binance}
"""
ENVIRON = {"SEED": "1", "KEY": "k", "SECRET": "s", "LEVELS": "3"}

BAD = [
    ("name: x", "name: 5"),
    ("name: x", "name: x\nspeed: 1"),
    ("name: x\n", ""),
    ("mode: dry-run", "mode: dryrun"),
    ("mode: dry-run", "mode: replay"),
    ("mode: dry-run", "mode: dry-run\ncaptures: [p.yaml]"),
    ("  binance:", "  Binance:"),
    ("use: binance", "use: binanse"),
    ("use: binance", "kind: binance"),
    ("key: ${KEY}", "key: hunter2"),
    ("key: ${KEY}", "kee: ${KEY}"),
    ("depth_speed: 250us", "depth_speed: 250"),
    ("depth_speed: 250us", "depth_speed: 250 us"),
    ('maker_fee: "-0.0001"', "maker_fee: -0.0001"),
    ("queue: risk-averse", "queue: lucky"),
    ("order_latency: 1.5ms", "latency: 1.5ms"),
    ("environment: testnet", "environment: simulator"),
    ("environment: testnet", "environment: tesnet"),
    ("environment: testnet", "environment: testnet, simulator: {}"),
    ("simulator: {symbols", "url: http://h, simulator: {symbols"),
    ("symbols: [BTCUSDT]", "symbols: BTCUSDT"),
    ("seed: 2", "sead: 2"),
    ("use: maker", "use: max_position"),
    ("BTC/USDT@binance,", "BTC/USDT,"),
    ('order_size: "0.001"', "order_size: 0.001"),
    ('order_size: "0.001"', 'order_size: "1e-3"'),
    ('    order_size: "0.001"\n', ""),
    ("levels: ${LEVELS}", 'levels: "3"'),
    ("levels: ${LEVELS}", "levels: 1.9"),
    ("model: avellaneda-stoikov", "model: stoikov"),
    ("level: 2", "level: 3"),
    ("side: ask", "side: sell"),
    ("skew: 1", 'skew: "1"'),
    ("active: false", 'active: "false"'),
    ("hedge: null", "hedge: 5"),
    ("[1, 2.5]", "[1, 2.5, 3]"),
    ("[1, 2.5]", "[1]"),
    ("{a: 1}", "{a: b}"),
    ("window: 5m", "windows: 5m"),
    ("weight: 0.5", "weight: much"),
    ("limit: ", "limits: "),
    ("- {use: max_position", "- {use: maker"),
]


@pytest.fixture
def is_valid(plugins):
    """Return a function that judges a profile's text by the schema alone."""
    jsonschema = pytest.importorskip("jsonschema", reason="judges the schema, which hft itself never does")
    schema = profile_schema(plugins)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    return lambda text: validator.is_valid(yaml.safe_load(text))


def test_good_profile_is_valid(is_valid, read):
    read(GOOD, ENVIRON)
    assert is_valid(GOOD)


@pytest.mark.parametrize(("old", "new"), BAD)
def test_bad_profile_is_refused_by_schema_and_reader(is_valid, read, old, new):
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    with pytest.raises(ProfileError):
        read(text, ENVIRON)
    assert not is_valid(text)


def test_one_file_plugin_may_have_any_option(is_valid):
    assert is_valid(GOOD.replace("use: max_position, limit", "use: ./rule.py, whatever"))
    assert is_valid(GOOD.replace("use: max_position, limit", "use: '${RULE}', whatever"))


def test_plugin_that_cannot_be_loaded_may_have_any_option(plugins):
    jsonschema = pytest.importorskip("jsonschema", reason="judges the schema, which hft itself never does")
    schema = profile_schema({**plugins, (PluginKind.RISK, "max_position"): None})
    text = GOOD.replace("limit", "whatever")
    assert jsonschema.Draft202012Validator(schema).is_valid(yaml.safe_load(text))


def test_editor_is_told_sentences_and_defaults(plugins):
    schema = profile_schema(plugins)
    rule = schema["properties"]["risk"]["items"]
    assert rule["properties"]["use"]["anyOf"][0] == {"enum": ["max_position"]}
    options = rule["allOf"][0]["then"]
    assert options["description"] == "Do something."
    assert options["properties"]["limit"]["description"] == "largest position"
    maker = schema["properties"]["strategies"]["additionalProperties"]["allOf"][0]["then"]["properties"]
    defaults = {name: option["default"] for name, option in maker.items() if "default" in option}
    assert defaults["refresh"] == "1s"
    assert defaults["model"] == "plain"
    assert defaults["minimum"] == "0"
    assert defaults["band"] == [1, 2.0]
    assert defaults["volatility"] == {"window": "1m", "weight": 1.0, "then": None}
    assert "hedge" not in defaults
    assert "order_size" not in defaults
