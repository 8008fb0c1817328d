"""Space files: what they mean to the digit, and every fault with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft.errors import ProfileError
from hft.sweep.space import Constraint, Direction, Sampler, Space, read_space

HEAD = "objective: {figure: net_pnl}\n"


def read(folder: Path, text: str) -> Space:
    path = folder / "space.yaml"
    path.write_text(text)
    return read_space(path)


def texts(folder: Path, parameter: str) -> list[str]:
    (one,) = read(folder, f"{HEAD}sampler: grid\nparameters:\n  a.b: {parameter}\n").parameters
    return [one.text(one.at(index)) for index in range(one.count or 0)]


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ("{low: 1, high: 7, step: 3}", ["1", "4", "7"]),
        ('{low: "0.1", high: "0.40", step: "0.1"}', ['"0.1"', '"0.2"', '"0.3"', '"0.4"']),
        ("{low: 500us, high: 1.5ms, step: 500us}", ["500us", "1ms", "1500us"]),
        ("{low: 0.1, high: 0.3, step: 0.1}", ["0.1", "0.2", "0.3"]),
        ('[power, "0.1", 3, true, "a \\"b\\""]', ["power", '"0.1"', "3", "true", '"a \\"b\\""']),
    ],
)
def test_values_are_written_as_a_profile_has_them(
    tmp_path: Path, parameter: str, expected: list[str]
) -> None:
    assert texts(tmp_path, parameter) == expected


@given(low=st.integers(-(10**6), 10**6), step=st.integers(1, 999), steps=st.integers(1, 50))
def test_decimals_stand_on_their_grid_exactly(
    tmp_path_factory: pytest.TempPathFactory, low: int, step: int, steps: int
) -> None:
    digits = [f"{(low + index * step) / 1000:.3f}" for index in range(steps + 1)]
    parameter = f'{{low: "{digits[0]}", high: "{digits[-1]}", step: "{step / 1000:.3f}"}}'
    found = texts(tmp_path_factory.mktemp("space"), parameter)
    assert [each.strip('"').replace("-0.000", "0.000") for each in found] == [
        each.replace("-0.000", "0.000") for each in digits
    ]


def test_defaults(tmp_path: Path) -> None:
    space = read(tmp_path, f"{HEAD}parameters: {{a: [1]}}\n")
    assert (space.sampler, space.trials, space.seed, space.round) == (Sampler.TPE, 100, 1, 8)
    assert (space.objective.direction, space.constraints, space.walk_forward) == (
        Direction.MAXIMISE,
        (),
        None,
    )


def test_a_constraint_is_kept_at_its_bounds() -> None:
    one = Constraint(figure="x", at_least=1, at_most=3)  # type: ignore[arg-type]
    assert [one.violation(value) <= 0 for value in (0, 1, 2, 3, 4)] == [False, True, True, True, False]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "1: is empty, a space file starts with: objective"),
        ("parameters: {a: [1]}\n", "1: the key 'objective' is missing"),
        (HEAD, "1: the key 'parameters' is missing"),
        (HEAD + "parameters: {}\n", "2: parameters: must have at least one parameter"),
        (HEAD + "parameters: {a: 3}\n", "2: parameters.a: wants a list of values, or a range"),
        (HEAD + "parameters: {a: []}\n", "2: parameters.a: has no values"),
        (HEAD + "parameters: {a: [1, 1]}\n", "2: parameters.a[1]: 1 is in the list already"),
        (HEAD + "parameters: {a: [[1]]}\n", "2: parameters.a[0]: wants one value"),
        (HEAD + "parameters: {a: {low: 1}}\n", "2: parameters.a: the key 'high' is missing"),
        (HEAD + "parameters: {a: {low: 2, high: 1}}\n", "2: parameters.a: low must be below high"),
        (HEAD + "parameters: {a: {low: 0, high: 1, log: true}}\n", "low must be above 0"),
        (HEAD + "parameters: {a: {low: 1, high: 4, step: 2}}\n", "high must be a whole number of steps"),
        (HEAD + "parameters: {a: {low: 1, high: 4, step: 0}}\n", "step must be above 0"),
        (HEAD + "parameters: {a: {low: 1, high: 4, step: 1, log: true}}\n", "both step and log"),
        (HEAD + 'parameters: {a: {low: "1", high: "2"}}\n', "has no step"),
        (HEAD + 'parameters: {a: {low: "1", high: 2ms, step: 1}}\n', "must be written alike"),
        (HEAD + 'parameters: {a: {low: "0", high: "9", step: "0.0000000001"}}\n', "more than 1,000,000,000"),
        (HEAD + "parameters: {a: {low: x, high: 2}}\n", "2: parameters.a.low: 'x' is no number"),
        (HEAD + "parameters: {a: [1]}\nsampler: tpa\n", "3: sampler: 'tpa' is not one of"),
        (HEAD + "parameters: {a: [1]}\ntrials: 0\n", "3: trials: must be at least 1"),
        (HEAD + "parameters: {a: [1, 2]}\nsampler: grid\ntrials: 1\n", "4: trials: the grid has 2 points"),
        (HEAD + "parameters: {a: {low: 1, high: 999999}}\nsampler: grid\n", "the grid has 999,999 points"),
        (
            HEAD + "constraints: [{figure: x}]\nparameters: {a: [1]}\n",
            "2: constraints[0].figure: allows everything",
        ),
    ],
)
def test_every_fault_has_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ProfileError) as caught:
        read(tmp_path, text)
    assert f"space.yaml:{says}" in str(caught.value) if says[0].isdigit() else says in str(caught.value)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ProfileError) as caught:
        read(tmp_path, "objective: {figur: x}\nparameters: {a: 3, b: []}\n")
    assert [fault.line for fault in caught.value.faults] == [1, 1, 2, 2]
