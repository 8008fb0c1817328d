"""Python that is compiled as it is: which form is taken, and that types and sources say the same."""

from __future__ import annotations

import ast
import ctypes
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import hft
from hft._compiled import COMPILED, MANIFEST, digest_of, file_of, find_compiled

SOURCES = Path(hft.__file__).parent.parent
MODULE = "hft.orders.record"
LAID_OUT = "hft.order"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder of sources, and one of what was compiled from them."""
    monkeypatch.delenv("HFT_PURE_PYTHON", raising=False)
    for module in (MODULE, LAID_OUT):
        source = tmp_path.joinpath(*module.split("."))
        source.parent.mkdir(parents=True, exist_ok=True)
        for suffix in (".py", ".pxd"):
            source.with_suffix(suffix).write_text(f"# {suffix}\n")
    (tmp_path / f"{file_of(MODULE)}{EXTENSION_SUFFIXES[0]}").write_bytes(b"")
    digest = digest_of(tmp_path, [MODULE, LAID_OUT])
    (tmp_path / MANIFEST).write_text(f"{digest}\n{MODULE}\n{LAID_OUT}\n")
    return tmp_path


def test_what_was_compiled_from_these_sources_is_taken(place: Path) -> None:
    compiled = find_compiled(place, place)
    assert list(compiled.modules) == [MODULE]
    found = compiled.find_spec(MODULE, None)
    assert found is not None
    assert found.origin == str(compiled.modules[MODULE])
    assert compiled.find_spec("hft.orders", None) is None


@pytest.mark.parametrize("suffix", [".py", ".pxd"])
@pytest.mark.parametrize("module", [MODULE, LAID_OUT])
def test_what_was_changed_since_is_not(place: Path, module: str, suffix: str) -> None:
    with place.joinpath(*module.split(".")).with_suffix(suffix).open("a") as file:
        file.write("# more\n")
    compiled = find_compiled(place, place)
    assert not compiled.modules
    assert "have changed since" in compiled.reason


def test_nor_is_a_part_of_it(place: Path) -> None:
    (place / f"{file_of(MODULE)}{EXTENSION_SUFFIXES[0]}").unlink()
    compiled = find_compiled(place, place)
    assert not compiled.modules
    assert compiled.reason == f"{MODULE} was not compiled for this Python"


def test_nor_anything_where_nothing_was_compiled(place: Path) -> None:
    (place / MANIFEST).unlink()
    assert find_compiled(place, place).reason == "nothing was compiled for this Python"


def test_nor_what_another_python_compiled_of_these_sources(place: Path) -> None:
    # Ours may be of older ones.
    ours = place / MANIFEST
    ours.rename(ours.with_name(MANIFEST.replace(EXTENSION_SUFFIXES[0], ".another.so")))
    assert not find_compiled(place, place).modules


def test_nothing_is_known_that_is_not_watched_for_changes() -> None:
    if not COMPILED.modules:
        pytest.skip(COMPILED.reason)
    _, *names = Path(hft.__file__).parent.joinpath("_compiled", MANIFEST).read_text().split()
    files = [file for file in (SOURCES / "hft").rglob("*.pxd") if file.with_suffix(".py").exists()]
    assert files
    assert {".".join(file.relative_to(SOURCES).with_suffix("").parts) for file in files} <= set(names)


def test_nor_what_the_environment_does_not_want(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HFT_PURE_PYTHON", "1")
    assert find_compiled(place, place).reason == "HFT_PURE_PYTHON=1 asks for it"


@pytest.mark.parametrize(("pure", "suffixes"), [("0", EXTENSION_SUFFIXES), ("1", [".py"])])
def test_a_process_runs_one_form_or_the_other(pure: str, suffixes: list[str]) -> None:
    if not COMPILED.modules:
        pytest.skip(COMPILED.reason)
    done = subprocess.run(
        [sys.executable, "-c", f"import {MODULE} as module; print(module.__file__)"],
        env={"HFT_PURE_PYTHON": pure},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip().endswith(tuple(suffixes))


# -- types and sources ---------------------------------------------------------------------------


def declared(kind: str) -> Iterator[tuple[Path, str, list[str]]]:
    """Yield where a class's attributes are declared, the class, and the attributes in their order."""
    for file in sorted((SOURCES / "hft").rglob("*.pxd")):
        for head, body in re.findall(
            rf"^ *{kind} ([^\n]*):\n((?:(?: +[^\n]*)?\n)*)", file.read_text(), re.MULTILINE
        ):
            names = re.findall(r"^ +cdef (?:public |readonly )?\w+(?:\[::1\])? (\w+)$", body, re.MULTILINE)
            if names:
                yield file, re.split(r"[ (]", head)[0], names


@pytest.mark.parametrize(("file", "name", "names"), list(declared("ctypedef class")))
def test_slots_lie_where_they_are_said_to(file: Path, name: str, names: list[str]) -> None:
    module, _, class_name = name.rpartition(".")
    owner = getattr(importlib.import_module(module), class_name)
    assert [slot for slot in sorted(owner.__slots__) if slot != "__weakref__"] == names
    assert [offset_of(owner, slot) for slot in names] == list(range(16, 16 + 8 * len(names), 8))
    # Compiled modules are refused at import where the size is another, so here is only what it is made of.
    behind = "__weakref__" in owner.__slots__ and sys.version_info < (3, 12)
    assert owner.__basicsize__ == 16 + 8 * (len(names) + behind)


def test_items_of_named_tuples_are_named_as_they_are() -> None:
    found = 0
    for file in (SOURCES / "hft").rglob("*.pxd"):
        for part in file.read_text().split("ctypedef class ")[1:]:
            head, _, body = part.partition("\n")
            if "[object PyTupleObject]" in head:
                module, _, class_name = head.split()[0].rpartition(".")
                owner = getattr(importlib.import_module(module), class_name)
                items = re.findall(r'cdef object (\w+) "ob_item\[(\d+)\]"', body)
                assert items == [(name, str(at)) for at, name in enumerate(owner._fields)]
                assert owner.__basicsize__ == tuple.__basicsize__
                found += 1
    assert found


def offset_of(owner: type, slot: str) -> int:
    """Return where a slot is, counted from the begin of the object: what its descriptor knows."""
    member = ctypes.c_void_p.from_address(id(owner.__dict__[slot]) + 5 * 8).value
    assert member is not None
    return ctypes.c_ssize_t.from_address(member + 16).value


@pytest.mark.parametrize(("file", "name", "names"), list(declared("cdef class")))
def test_every_attribute_has_a_type(file: Path, name: str, names: list[str]) -> None:
    tree = ast.parse(file.with_suffix(".py").read_text())
    (owner,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    assert sorted(set(assigned(owner))) == sorted(names)


def assigned(owner: ast.ClassDef) -> Iterator[str]:
    """Yield the attributes that a class names in its body, or gives its instances in ``__init__``."""
    for each in owner.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            yield each.target.id
        if isinstance(each, ast.FunctionDef) and each.name == "__init__":
            yield from given(each)


def given(function: ast.FunctionDef) -> Iterator[str]:
    """Yield the attributes that a function assigns."""
    for node in ast.walk(function):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            for part in target.elts if isinstance(target, ast.Tuple) else [target]:
                if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
                    yield part.attr
