"""The documentation cannot lie: profiles are read, plugins loaded, commands parsed, lists complete."""

from __future__ import annotations

import argparse
import importlib
import inspect
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

import hft
from hft.cli.exit_codes import ExitCode
from hft.cli.main import COMMANDS
from hft.cli.parser import make_parser
from hft.plugin import hookspecs
from hft.plugin.risk import KernelRefusal
from hft.profile import read_profile
from hft.profile.amend import places
from hft.profile.fault_file import read_faults
from hft.registry.discovery import PluginKind, discover
from hft.registry.loader import Registry
from hft.sim.fault import KINDS, Fault, FaultKind, Place
from hft.sweep.parameter import RangeKeys
from hft.sweep.space import Constraint, Objective, SpaceKeys, WalkForward, read_space
from tests import conformance_page, profile_page

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    [*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *ROOT.glob("plugins/*/*/README.md"), ROOT / "core/README.md"]
)
PROFILES = sorted(ROOT.glob("profiles/*.yaml"))


@attrs.frozen
class Block:
    """A fenced block of a page: a whole file, named by its title; YAML without one is a profile, too."""

    language: str
    title: str
    text: str


def blocks(page: Path) -> list[Block]:
    """Return a page's fenced blocks."""
    # A formatter takes what stands in plain braceless fences of Python for code, also what names a file.
    fence = re.compile(r'^```(?:{\.)?(\w*)(?: title="([^"]+)")?}?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
    found = [Block(*match.groups(default="")) for match in fence.finditer(page.read_text())]
    # The build puts the named file there, and fails if there is none; these folders are tested as such.
    return [block for block in found if not re.fullmatch(r'--8<-- "(?:profiles|examples)/\S+"\n', block.text)]


def section(page: Path, heading: str) -> str:
    """Return what stands under a heading, down to the next of its level or a higher one."""
    _, found, rest = f"\n{page.read_text()}".partition(f"\n{heading}\n")
    assert found, f"{page.relative_to(ROOT)} has no heading {heading!r}"
    return re.split(rf"^#{{1,{heading.index(' ')}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


# -- whole files ---------------------------------------------------------------------------------------

PAGES_WITH_FILES = [page for page in PAGES if blocks(page)]


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the package in a folder be found, as ``pip install`` of it would."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = folder / "src" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    requires = "".join(f"Requires-Dist: {one}\n" for one in project["dependencies"])
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: {project['name']}\nVersion: {project['version']}\n{requires}"
    )
    (info / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n{name} = {module}\n"
            for group, offers in project["entry-points"].items()
            for name, module in offers.items()
        )
    )
    monkeypatch.syspath_prepend(folder / "src")


@pytest.mark.parametrize("page", PAGES_WITH_FILES, ids=lambda page: page.stem)
def test_files_of_a_page_are_a_profile_that_reads_and_plugins_that_load(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = set(sys.modules)
    profiles, spaces = [], []
    for number, block in enumerate(blocks(page)):
        assert block.title or block.language == "yaml", (
            f"not tested, for want of a title: {block.text[:60]!r}"
        )
        file = tmp_path / (block.title or f"{number}.yaml")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text)
        if block.title.endswith(".faults.yaml"):
            assert read_faults(file)
        elif block.title.endswith(".space.yaml"):
            spaces.append(file)
        elif block.language == "yaml":
            profiles.append(file)
    if (tmp_path / "pyproject.toml").exists():
        install(tmp_path, monkeypatch)
    assert profiles
    used = set()
    for profile in profiles:
        text = profile.read_text()
        environ = dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), "x")
        captures = re.findall(r"^ *- (\S+\.jsonl\S*)$", text, re.MULTILINE)
        for capture in captures:
            (tmp_path / capture).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / capture).touch()
        read_profile(profile, Registry(), environ=environ)
        used |= set(re.findall(r"use: \./(\S+)", text))
    for space in spaces:
        paths = {parameter.path for parameter in read_space(space).parameters}
        assert any(paths <= places(profile.read_text()).keys() for profile in profiles)
    one_file_plugins = {block.title for block in blocks(page) if re.fullmatch(r"\w+\.py", block.title)}
    assert one_file_plugins == used
    for name in set(sys.modules) - loaded:
        del sys.modules[name]


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.stem)
def test_an_example_profile_reads(profile: Path) -> None:
    text = profile.read_text()
    if (capture := re.search(r"(\.\./)+shared/", text)) and not (profile.parent / capture[0]).is_dir():
        pytest.skip("its capture is not here")
    environ = dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), "x")
    read_profile(profile, Registry(), environ=environ)


# -- commands ------------------------------------------------------------------------------------------


def parser_of(command: str) -> argparse.ArgumentParser:
    """Make the parser of one command."""
    parser = argparse.ArgumentParser()
    importlib.import_module(COMMANDS[command].module).configure(parser)
    return parser


def options(parser: argparse.ArgumentParser) -> set[str]:
    """Return the long options, also those of commands below this one; ``--help`` left out."""
    found = set()
    for action in parser._actions:
        found |= {option for option in action.option_strings if option.startswith("--")}
        if isinstance(action, argparse._SubParsersAction):
            found |= set().union(*map(options, action.choices.values()))
    return found - {"--help"}


def commands(page: Path) -> Iterator[str]:
    """Find the lines of a page's blocks that call hft, and inline code that does so with arguments."""
    for line in re.sub(r" \\\n +", " ", page.read_text()).splitlines():
        if match := re.match(r"^(?:    )?(?:\$ )?(?:\.venv/bin/)?(hft \S.*)$", line):
            yield match[1].partition(" #")[0]
        yield from re.findall(r"`(hft \w+ [^`]*)`", line)


CALLS = [
    pytest.param(call, id=f"{page.stem}-{call}") for page in PAGES for call in dict.fromkeys(commands(page))
]


@pytest.mark.parametrize("call", CALLS)
def test_a_command_that_is_shown_can_be_typed(call: str) -> None:
    _, command, *arguments = shlex.split(re.sub(r"\[.*|\| .*|&$", "", call))
    if command in ("COMMAND", "--help", "--version"):
        return
    assert command in COMMANDS
    if any(argument.isupper() for argument in arguments):
        parser = parser_of(command)
        assert {argument for argument in arguments if argument.startswith("--")} <= options(parser)
        return
    parser, _ = make_parser(COMMANDS)
    parser.parse_args([command, *arguments])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_is_in_the_reference(command: str) -> None:
    text = section(DOCS / "reference" / "cli.md", f"## hft {command}")
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)) == options(parser_of(command))


def test_every_exit_code_is_in_the_reference() -> None:
    rows = re.findall(
        r"^\| (\d+) \| `(\w+)` \|", (DOCS / "reference" / "errors.md").read_text(), re.MULTILINE
    )
    assert rows == [(str(int(code)), code.name) for code in ExitCode]


def test_every_problem_of_data_is_described() -> None:
    pytest.importorskip("pyarrow", reason="pyarrow comes with hft-core[data]")
    from hft.data.check import Problem

    faults, notes = section(DOCS / "how-to" / "backtest-data.md", "## Look what you have").split("A **note**")
    for text, is_fault in ((faults, True), (notes, False)):
        rows = re.findall(r"^\| ([a-z-]+) \| (.+) \|$", text, re.MULTILINE)
        expected = [(each.value, each.meaning) for each in Problem if each.is_fault is is_fault]
        assert rows == [("problem", "what it means"), *expected]


# -- errors, hooks, names ------------------------------------------------------------------------------


def test_every_error_is_in_the_reference() -> None:
    headings = re.findall(r"^## (\w+)$", (DOCS / "reference" / "errors.md").read_text(), re.MULTILINE)
    classes = (getattr(hft.errors, name) for name in hft.errors.__all__)
    assert sorted(headings) == sorted(one.__name__ for one in classes if issubclass(one, hft.HftError))


def test_every_hook_is_in_the_reference() -> None:
    text = (DOCS / "reference" / "hooks.md").read_text()
    hooks = {name for name, value in vars(hookspecs).items() if hasattr(value, "hft_spec")}
    assert hooks == set(re.findall(r"^::: hft\.plugin\.hookspecs\.(hft_\w+)$", text, re.MULTILINE))
    assert hooks == set(re.findall(r"^\| `(hft_\w+)` \|", text, re.MULTILINE))


def test_every_public_name_is_in_the_reference() -> None:
    text = (DOCS / "reference" / "hooks.md").read_text()
    shown = set(re.findall(r"^::: \S+\.(\w+)$", text, re.MULTILINE))
    assert set(hft.__all__) - shown - set(hft.types.__all__) - set(hft.errors.__all__) == set()


# -- every key of a profile ----------------------------------------------------------------------------


@pytest.mark.parametrize("heading", profile_page.configurations())
def test_every_key_of_a_profile_is_in_the_reference(heading: str) -> None:
    text = section(profile_page.PAGE, heading)
    keys = text[text.index("### ") :].strip() if "### " in text else ""
    expected = profile_page.entries(profile_page.configurations()[heading]).strip()
    assert keys == expected, "python -m tests.profile_page"


def test_no_part_of_a_profile_is_described_that_is_not_there() -> None:
    described = re.findall(
        r"^## (?:Exchange|Strategy|Risk|Simulator of) `.*$", profile_page.PAGE.read_text(), re.MULTILINE
    )
    assert described == [
        heading for heading in profile_page.configurations() if heading not in profile_page.KERNEL
    ]


# -- faults --------------------------------------------------------------------------------------------

FAULTS_PAGE = DOCS / "reference" / "faults.md"


def test_every_option_of_a_fault_is_in_the_reference() -> None:
    text = section(FAULTS_PAGE, "## Options")
    expected = profile_page.entries(Fault).strip()
    assert text[text.index("### ") :].strip() == expected, f"put this under '## Options':\n\n{expected}"


def test_every_kind_of_fault_is_in_the_reference_with_its_places() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \|(.*)\|.*\|$", section(FAULTS_PAGE, "## Kinds"), re.MULTILINE)
    shown = {kind: [cell.strip() for cell in cells.split("|")] for kind, cells in rows}
    places = (Place.STREAM, Place.REQUEST, Place.REPLY, Place.CONNECT, Place.CLOCK)
    assert shown == {
        kind.value: ["yes" if kind in KINDS[place] else "" for place in places] for kind in FaultKind
    }


# -- spaces --------------------------------------------------------------------------------------------

SPACE_PAGE = DOCS / "reference" / "space.md"
SPACE = {
    "## The file": SpaceKeys,
    "## Objective": Objective,
    "## A constraint": Constraint,
    "## A range": RangeKeys,
    "## Walk-forward": WalkForward,
}


@pytest.mark.parametrize("heading", SPACE)
def test_every_key_of_a_space_is_in_the_reference(heading: str) -> None:
    text = section(SPACE_PAGE, heading)
    expected = profile_page.entries(SPACE[heading]).strip()
    assert text[text.index("### ") :].strip() == expected, f"put this under {heading!r}:\n\n{expected}"


# -- risk ----------------------------------------------------------------------------------------------

RULES = {each.name: each for each in discover(PluginKind.RISK)}


def test_every_risk_rule_is_in_its_reference() -> None:
    headings = re.findall(r"^## (.+)$", (DOCS / "reference" / "risk-rules.md").read_text(), re.MULTILINE)
    assert headings == [*RULES, "Every rule"]


@pytest.mark.parametrize("name", [*RULES, "Every rule"])
def test_every_refusal_code_is_in_the_reference(name: str) -> None:
    codes: Any = KernelRefusal
    if name in RULES:
        rule = Registry().load(PluginKind.RISK, name, base=None).risk_rule()
        assert rule is not None
        codes = rule.refusals
    text = section(DOCS / "reference" / "risk-rules.md", f"## {name}")
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", text, re.MULTILINE)
    assert rows == [(str(code), code.doc) for code in codes]


# -- conformance ---------------------------------------------------------------------------------------


def test_every_card_is_in_the_reference() -> None:
    text = section(conformance_page.PAGE, conformance_page.CARDS)
    assert text.strip() == conformance_page.cards_text(), "python -m tests.conformance_page"


def test_every_card_of_every_plugin_is_in_the_table() -> None:
    text = section(conformance_page.PAGE, conformance_page.MATRIX)
    rows = re.findall(r"^\| ([A-Z]{2}-\d\d) .*$", text, re.MULTILINE)
    assert rows == [card.id for suite in conformance_page.SUITES for card in suite.cards]
    names = re.findall(r"^\| Card \| (.*) \|$", text, re.MULTILINE)
    shown = {name.partition(" ")[0] for row in names for name in row.split(" | ")}
    assert shown == {
        each.name for each in discover(PluginKind.EXCHANGE, PluginKind.STRATEGY, PluginKind.RISK)
    }
    assert "**no**" not in text
    assert "not run" not in text


def test_docstrings_of_what_a_plugin_implements_teach_by_example() -> None:
    for interface in (hft.MarketDataStream, hft.ExecutionClient, hft.Strategy, hft.RiskRule):
        assert "::\n" in (inspect.getdoc(interface) or "")
