"""No secret survives being written, and nothing else changes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft.capture import redact_frame, redact_text, redact_url

SECRET = "hush-4f1d"
SECRET_KEY = "aB3" * 20


@pytest.mark.parametrize(
    "frame",
    [
        {"id": "c1", "method": "session.logon", "params": {"apiKey": SECRET, "signature": SECRET}},
        {"op": "login", "args": [{"apiKey": SECRET, "passphrase": SECRET, "timestamp": "1", "sign": SECRET}]},
        {"op": "auth", "args": [SECRET, 1711010121452, SECRET]},
        {"time": 1, "channel": "x", "auth": {"method": "api_key", "KEY": SECRET, "SIGN": SECRET}},
        {"payload": {"api_key": SECRET, "signature": SECRET, "timestamp": "1"}},
        {"request": {"signature": {"r": SECRET, "s": SECRET, "v": 27}, "nonce": 1}},
        {"id": 1, "method": "SUBSCRIBE", "params": ["btcusdt@trade", SECRET_KEY]},
        {"method": "userDataStream.subscribe.listenToken", "params": {"listenToken": SECRET}},
        {"secret": [SECRET, SECRET], "password": SECRET, "listenKey": SECRET, "Private-Key": SECRET},
    ],
)
@pytest.mark.parametrize("separators", [(",", ":"), (" , ", " : ")])
def test_logins_of_the_exchanges(frame: dict[str, object], separators: tuple[str, str]) -> None:
    data = json.dumps(frame, separators=separators).encode()
    shown = redact_frame(data, sent=True)
    assert SECRET.encode() not in shown
    assert SECRET_KEY.encode() not in shown
    assert json.loads(shown).keys() == frame.keys()


@given(secret=st.text(), other=st.dictionaries(st.text(alphabet="abcde", min_size=1), st.text()))
def test_whatever_the_secret_holds_only_it_is_replaced(secret: str, other: dict[str, str]) -> None:
    data = json.dumps({"first": other, "apiKey": secret, "last": other}).encode()
    expected = json.dumps({"first": other, "apiKey": "***", "last": other}).encode()
    for sent in (True, False):
        shown = redact_frame(data, sent=sent)
        assert json.loads(shown) == json.loads(expected)


@given(secret=st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans(), st.none()))
def test_secrets_that_are_no_text(secret: object) -> None:
    data = json.dumps({"token": secret, "z": 1}).encode()
    assert json.loads(redact_frame(data, sent=True)) == {"token": "***", "z": 1}


def test_market_data_keeps_every_byte() -> None:
    data = b'{ "key":"BTC_USDT", "sign" : "-", "token":"USDT","op":"auth","args":[1.0, 2] }'
    assert redact_frame(data, sent=False) == data


def test_an_account_key_in_an_answer_is_replaced() -> None:
    data = b'{"result":{"apiKey":"hush","listenKey":"hush"},"status":200}'
    assert redact_frame(data, sent=False) == b'{"result":{"apiKey":"***","listenKey":"***"},"status":200}'


@pytest.mark.parametrize("name", ["listenToken", "listen_token", "listenKey", "apiKey", "secret"])
def test_a_key_in_an_answer_whatever_else_is_there(name: str) -> None:
    assert json.loads(redact_frame(json.dumps({name: SECRET, "s": "x"}).encode(), sent=False)) == {
        name: "***",
        "s": "x",
    }


def test_frames_of_a_stream_that_is_named_by_its_key() -> None:
    data = f'{{"stream":"{SECRET_KEY}","data":{{"e":"x"}}}}'.encode()
    assert redact_frame(data, sent=False) == b'{"stream":"***","data":{"e":"x"}}'
    data = b'{"stream":"btcusdt@depth@100ms","data":{"e":"x"}}'
    assert redact_frame(data, sent=False) == data


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ("symbol=BTCUSDT&side=BUY&signature=hush", "symbol=BTCUSDT&side=BUY&signature=***"),
        ("signature=hush&symbol=BTCUSDT&apiKey=hush", "signature=***&symbol=BTCUSDT&apiKey=***"),
        ("AccessKeyId=hush&Sign=hush&symbol=A", "AccessKeyId=***&Sign=***&symbol=A"),
        ("symbol=BTCUSDT&newClientOrderId=hft-1-2&design=1", None),
    ],
)
def test_forms_that_were_sent(form: str, shown: str | None) -> None:
    assert redact_frame(form.encode(), sent=True).decode() == (shown or form)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("wss://x/ws?listenKey=hush&events=A", "wss://x/ws?listenKey=***&events=A"),
        ("https://x/a?symbol=B&timestamp=1&signature=hush", "https://x/a?symbol=B&timestamp=1&signature=***"),
        ("https://x/a?APIKEY=hush#2", "https://x/a?APIKEY=***#2"),
        ("wss://user:hush@x/ws", "wss://***@x/ws"),
        (f"wss://x/ws/{'aB3' * 20}#2", "wss://x/ws/***#2"),
        ("wss://x/stream?streams=btcusdt@depth@100ms/btcusdt@trade", None),
        (f"wss://x/stream?streams=btcusdt@trade/{'aB3' * 20}", "wss://x/stream?streams=btcusdt@trade/***"),
        (f"wss://x/stream?streams={'aB3' * 20}&events=A", "wss://x/stream?streams=***&events=A"),
        ("https://x/a?AccessKeyId=hush&Signature=hush&s=1", "https://x/a?AccessKeyId=***&Signature=***&s=1"),
        ("wss://x/stream?signals=1&design=2", None),
    ],
)
def test_urls(url: str, shown: str | None) -> None:
    assert redact_url(url) == (shown or url)


def test_messages() -> None:
    message = "cannot GET https://x/?signature=hush, status 400"
    assert redact_text(message) == "cannot GET https://x/?signature=*** status 400"
