"""A secret is shown nowhere."""

from __future__ import annotations

import copy
import json
import pickle
import traceback

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft.secret import Secret


@given(st.text(min_size=4).filter(lambda text: not set(text) <= {"*"}))
def test_no_way_of_printing_shows_it(text):
    secret = Secret(text)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r:>5}", f"{secret:<4}", f"{[secret]}"]
    assert {each.strip() for each in shown} == {"***", "[***]"}
    assert secret.reveal() == text


def test_refuses_to_be_written():
    secret = Secret("hunter2")
    for write in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError) as caught:
            write(secret)
        assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_is_compared_by_its_text():
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert (bool(Secret("")), bool(Secret("a"))) == (False, True)


def test_inside_of_a_config():
    @attrs.frozen
    class Config:
        key: Secret

    assert "hunter2" not in repr(Config(Secret("hunter2")))
