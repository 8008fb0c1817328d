"""What import-linter cannot say: plugins use public names only, and no plugin is left out of the checks."""

from __future__ import annotations

import ast
import importlib
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PLUGINS = sorted(file.parent for file in ROOT.glob("plugins/*/*/pyproject.toml"))
PUBLIC = {"hft", "hft.capture", "hft.money", "hft.sim"}
TESTING = [*ROOT.glob("core/src/hft/testing/*.py"), ROOT / "core/src/hft/testing/conformance"]
PUBLIC_IN_TESTS = PUBLIC | {f"hft.testing.{file.stem}" for file in TESTING}
TOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]


def private_imports(source: str, public: set[str], own: str) -> Iterator[str]:
    """Name every import in ``source`` that reaches into hft, or into a plugin that is not ``own``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imported = [(node.module, alias.name) for alias in node.names]
        else:
            continue
        for module, name in imported:
            package = module.partition(".")[0]
            if package.startswith("hft_") and package != own:
                yield f"{module}: another plugin"
            elif package == "hft" and module not in public:
                yield f"{module}: not public"
            elif package == "hft" and name and name not in importlib.import_module(module).__all__:
                yield f"{name}: not in {module}.__all__"


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_imports_public_names_only(folder: Path) -> None:
    own = f"hft_{folder.name}"
    found = [
        f"{file.relative_to(ROOT)}: {what}"
        for part, public in (("src", PUBLIC), ("tests", PUBLIC_IN_TESTS))
        for file in sorted((folder / part).rglob("*.py"))
        for what in private_imports(file.read_text(), public, own)
    ]
    assert not found


@pytest.mark.parametrize(
    "source",
    [
        "import hft_other",
        "from hft_other.codec import decode",
        "import hft.book.sorted_book",
        "from hft.orders.manager import OrderManager",
        "from hft import book",
        "from hft.testing import FakeFeed",
        "def f():\n    from hft.run import kernel",
    ],
)
def test_a_private_import_is_found(source: str) -> None:
    assert list(private_imports(source, PUBLIC, "hft_mine"))


@pytest.mark.parametrize(
    "source",
    ["import hft", "from hft import Strategy, hookimpl", "from hft_mine.codec import x", "from . import y"],
)
def test_a_public_import_is_none(source: str) -> None:
    assert not list(private_imports(source, PUBLIC, "hft_mine"))


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_is_in_every_list_of_the_tools(folder: Path) -> None:
    package = f"hft_{folder.name}"
    linter = TOOLS["importlinter"]
    contracts = {contract["name"]: contract for contract in linter["contracts"]}
    assert package in TOOLS["mypy"]["packages"]
    assert f"$MYPY_CONFIG_FILE_DIR/{folder.relative_to(ROOT).as_posix()}/src" in TOOLS["mypy"]["mypy_path"]
    assert package in linter["root_packages"]
    assert package in contracts["the kernel imports no plugin"]["forbidden_modules"]
    assert package in contracts["no plugin imports another"]["modules"]


def test_only_the_conformance_kit_imports_pytest() -> None:
    kit = ROOT / "core/src/hft/testing/conformance"
    importing = {
        file.parent
        for file in (ROOT / "core/src/hft").rglob("*.py")
        if "pytest" in {module.partition(".")[0] for module in _imported(file.read_text())}
    }
    assert importing == {kit}


def _imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_the_documented_layers_are_those_of_the_contract() -> None:
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text()
    block = page.partition("## Layers")[2].partition("\n    ")[2].partition("\n\n")[0]
    documented = [line.strip().partition("  ")[0] for line in block.splitlines()]
    (contract,) = (one for one in TOOLS["importlinter"]["contracts"] if one["type"] == "layers")
    assert documented == [layer for layer in contract["layers"] if layer != "__main__"]
