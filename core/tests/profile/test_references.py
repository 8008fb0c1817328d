"""Values from the environment and the keyring: they arrive, and no message ever shows them."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hft.errors import ProfileError
from hft.profile.references import expand
from hft.secret import Secret

BASE = "name: x\nmode: dry-run\nexchanges:\n  a:\n    use: acme\n"
MAKER = BASE + "strategies:\n  s:\n    use: maker\n    instruments: [A/B@a]\n"


def test_reference_is_replaced_whole_and_in_part():
    environ = {"HOST": "h", "PORT": "1"}
    assert expand("${HOST}", environ) == ("h", ["HOST"], [])
    assert expand("http://${HOST}:${PORT}/$x", environ) == ("http://h:1/$x", ["HOST", "PORT"], [])
    assert expand("$${HOST} costs $5", environ) == ("${HOST} costs $5", [], [])


def test_replaced_text_is_not_read_again():
    assert expand("${A}", {"A": "${B}", "B": "b"})[0] == "${B}"


@given(st.text())
def test_what_has_no_reference_stays_as_it_is(text):
    if "${" not in text:
        assert expand(text, {}) == (text, [], [])


@pytest.mark.parametrize("text", ["${", "${}", "${1A}", "${A B}", "${A"])
def test_malformed_reference(text):
    (problem,) = expand(text, {"A": "hidden"})[2]
    assert problem == "'${' is no reference, write ${NAME}, or $${ for the characters themselves"


def test_unquoted_reference_is_read_as_if_its_text_stood_there(read):
    text = (
        MAKER
        + "    order_size: ${SIZE}\n    levels: ${LEVELS}\n    active: ${ACTIVE}\n    refresh: ${REFRESH}\n"
    )
    environ = {"SIZE": "1.50", "LEVELS": "7", "ACTIVE": "false", "REFRESH": "2s"}
    config = read(text, environ).strategies["s"].config
    assert (str(config.order_size), config.levels, config.active) == ("1.50", 7, False)
    assert config.refresh == 2_000_000_000


def test_digits_from_the_environment_are_a_text_where_text_is_wanted(read):
    assert read(BASE.replace("x", "${NAME}", 1), {"NAME": "007"}).name == "007"


def test_quoted_reference_is_text(faults_of):
    assert faults_of(MAKER + '    order_size: 1\n    levels: "${LEVELS}"\n', {"LEVELS": "7"}) == [
        "11 strategies.s.levels: wants a whole number, got the value of '${LEVELS}'"
    ]


OPTIONS = """levels refresh order_size model side level skew active label hedge weights tags volatility
maximum"""
ELSEWHERE = {
    "use: acme": "use: ${V}",
    "dry-run": "${V}",
    "name: x": "name: '${V}'",
    "acme": "acme\n    environment: ${V}",
    "use: acme\n": "use: acme\n    url: ${V}\n",
    "[A/B@a]": "['${V}']",
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(st.from_regex(r"[A-Za-z0-9@/.:'\"\\ -]{6,20}q7", fullmatch=True))
def test_no_message_shows_a_value_of_the_environment(read, value):
    options = "".join(f"    {name}: ${{V}}\n" for name in OPTIONS.split())
    texts = [
        MAKER + options,
        *(MAKER.replace(old, new) + "    order_size: 1\n" for old, new in ELSEWHERE.items()),
    ]
    for text in texts:
        message = ""
        try:
            read(text, {"V": value})
        except ProfileError as error:
            message = str(error)
        assert value not in message
        assert repr(value)[1:-1] not in message


def test_validator_of_a_plugin_cannot_tell_a_secret(faults_of):
    text = BASE + "    key: ${KEY}\n    secret: ${SECRET}\n"
    assert faults_of(text, {"KEY": "bad-123", "SECRET": "s"}) == [
        "4 exchanges.a: is refused, why is not shown since it holds a value from the environment"
        " or the keyring"
    ]


def test_validator_of_a_plugin_may_tell_all_else(faults_of):
    assert faults_of(BASE + "    key: ${KEY}\n", {"KEY": "k-123"}) == [
        "4 exchanges.a: key and secret go together, write both or none"
    ]


LITERALS = [
    *("hunter2", '"hunter2"', "12345678", "true", "hunter2${KEY}", "|\n      hunter2", "[hunter2]"),
    *("{hunter2: 1, hunter2: 2}", "{hunter2: *x}", "{1: hunter2}"),
]


@pytest.mark.parametrize("literal", LITERALS)
def test_secret_in_the_profile_is_refused_without_showing_it(faults_of, literal):
    faults = faults_of(BASE + f"    secret: {literal}\n", {"KEY": "k"})
    assert [fault.partition(" ")[2] for fault in faults] == [
        "exchanges.a.secret: a secret never stands in a profile, write ${A_SECRET} or keyring:a"
    ]
    assert "hunter2" not in "".join(faults)


def test_empty_secret(faults_of):
    assert faults_of(BASE + "    secret: ${SECRET}\n", {"SECRET": ""}) == [
        "6 exchanges.a.secret: the value of '${SECRET}' is empty, set the variable"
    ]


@pytest.fixture
def keyring(monkeypatch):
    """Put a keyring in place that holds one entry."""

    class KeyringError(Exception):
        pass

    def get_password(service: str, name: str) -> str | None:
        if name == "locked":
            raise KeyringError("the secret is hunter2")
        return {("hft", "main"): "s-123"}.get((service, name))

    module, errors = ModuleType("keyring"), ModuleType("keyring.errors")
    module.errors, module.get_password, errors.KeyringError = errors, get_password, KeyringError
    monkeypatch.setitem(sys.modules, "keyring", module)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)


@pytest.mark.usefixtures("keyring")
def test_secret_from_the_keyring(read):
    config = read(BASE + "    key: keyring:main\n    secret: keyring:main\n").exchanges["a"].config
    assert config.key == Secret("s-123")


@pytest.mark.usefixtures("keyring")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("other", "the keyring has no entry 'other', type: keyring set hft other"),
        ("locked", "the keyring cannot be read (KeyringError), unlock it or use ${NAME}"),
    ],
)
def test_keyring_without_the_entry(faults_of, name, expected):
    assert faults_of(BASE + f"    key: keyring:{name}\n") == [f"6 exchanges.a.key: {expected}"]


def test_keyring_that_is_not_installed(faults_of, monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert faults_of(BASE + "    key: keyring:main\n") == [
        "6 exchanges.a.key: needs the keyring package, type: pip install 'hft-core[keyring]'"
    ]
