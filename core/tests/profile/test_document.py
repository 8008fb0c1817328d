"""The YAML that a profile may use, and one clear line for all that it may not."""

from __future__ import annotations

import pytest

from hft.profile.scalars import resolve

MINIMAL = "name: x\nmode: dry-run\nexchanges: {a: {use: acme}}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1 : is empty, a profile starts with: name: my-profile"),
        ("# nothing\n", "1 : is empty, a profile starts with: name: my-profile"),
        ("---\n...\n", "2 : a profile is a mapping, it starts with: name: my-profile"),
        ("- a\n", "1 : a profile is a mapping, it starts with: name: my-profile"),
        ("\nhello\n", "2 : a profile is a mapping, it starts with: name: my-profile"),
        (b"name: x\nmode: \xff\n", "2 : is not UTF-8, save the file as UTF-8"),
        ("name: x\nmode: \x07\n", "2 : character U+0007 may not stand in a profile"),
        ("name: x\nexchanges:\n\ta: 1\n", "3 : a tab cannot indent, use spaces"),
        ("name: a: b\n", "1 : a ':' is not expected here, put the value in quotes or mend the indentation"),
        ("name: x\n---\nname: y\n", "2 : a second document begins, one file holds one profile"),
        ("name: [a\nmode: x", "2 : expected ',' or ']', but got ':'"),
        ('name: "\\U00110000"', "1 : an escape or number is out of range, mend it"),
        ("a: " + "[" * 30 + "]" * 30, "1 : is nested deeper than 20 levels"),
        ("#" * 300_000, "1 : is larger than 256 KiB, which no profile is"),
    ],
)
def test_what_is_no_profile(faults_of, text, expected):
    assert faults_of(text) == [expected]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("name: y", "4 name: the key is on line 1 already, remove one of the two"),
        (
            "seed: *one",
            "4 seed: aliases are not read, write the value out, in quotes if it is text that begins with '*'",
        ),
        (
            "seed: &one 1",
            "4 seed: anchors are not read, write the value out, in quotes if it is text that begins with '&'",
        ),
        (
            "seed: !!int 1",
            "4 seed: tags are not read, write the value out, in quotes if it is text that begins with '!'",
        ),
        ("<<: {seed: 1}", "4 '<<': merge keys are not read, write the keys out"),
        ("1: x", "4 '1': a key must be text, write it in quotes: \"1\""),
        ("? [a]\n: x", "4 : a key must be text, not a mapping, list or alias"),
        ("!!str seed: 1", "4 seed: a key has no anchor or tag, remove it"),
        ('seed: "\\uD800"', "4 seed: holds half a character (a surrogate), which is no text"),
    ],
)
def test_yaml_that_is_not_read(faults_of, line, expected):
    assert faults_of(MINIMAL + line) == [expected]


def test_quoted_specials_and_a_byte_order_mark_are_read(read):
    profile = read("\ufeff---\n" + MINIMAL + "state: '*one &two !three <<'\n...\n")
    assert profile.state.name == "*one &two !three <<"


def test_billion_laughs_is_refused_at_once(faults_of):
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9))]
    assert sum("aliases are not read" in fault for fault in faults_of("\n".join(lines))) == 72


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-7", -7),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("1e5", 100000.0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("-.inf", float("-inf")),
        ("nan", "nan"),
        ("٣", "٣"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_core_schema(text, value):
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)
