"""The distributions: metadata, contents of the wheels, and the ways to an environment on a fresh machine."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from importlib.metadata import PathDistribution
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "core"
PLUGINS = sorted(file.parent for file in ROOT.glob("plugins/*/*/pyproject.toml"))
FOLDERS = [CORE, *PLUGINS]
GROUPS = {"exchanges": "hft.exchanges", "strategies": "hft.strategies", "risk": "hft.risk"}

each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
each_plugin = pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)


def project(folder: Path) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return table


def load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def package_of(folder: Path) -> str:
    return "hft" if folder == CORE else f"hft_{folder.name}"


# -- metadata ------------------------------------------------------------------------------------------


@each_plugin
def test_folder_entry_point_distribution_and_package_have_one_name(folder: Path) -> None:
    table = project(folder)
    group = GROUPS[folder.parent.name]
    assert table["name"] == f"hft-plugin-{folder.name.replace('_', '-')}"
    assert table["entry-points"] == {group: {folder.name: f"hft_{folder.name}.plugin"}}
    assert (folder / "src" / package_of(folder) / "plugin.py").is_file()


@each_folder
def test_metadata_is_complete(folder: Path) -> None:
    table, core = project(folder), project(CORE)
    assert table["license"] == "MIT"
    assert table["requires-python"] == core["requires-python"]
    assert table["description"]
    assert (folder / table["readme"]).read_text().startswith("# ")
    assert (folder / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    if folder != CORE:
        assert any(re.match(r"hft-core>=\d+\.\d+,<", one) for one in table["dependencies"])


# -- wheels --------------------------------------------------------------------------------------------


def wheel_of(folder: Path) -> zipfile.ZipFile:
    if "HFT_WHEELS" not in os.environ:
        pytest.skip("wheels are built by tox (HFT_WHEELS is not set)")
    name = project(folder)["name"].replace("-", "_")
    (wheel,) = Path(os.environ["HFT_WHEELS"]).glob(f"{name}-[0-9]*.whl")
    return zipfile.ZipFile(wheel)


@each_folder
def test_a_wheel_holds_the_package_and_nothing_else(folder: Path) -> None:
    with wheel_of(folder) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    made = re.compile(r"__pycache__/|\.egg-info/|\.so$|/_compiled/manifest")
    sources = {
        file.relative_to(folder / "src").as_posix() for file in (folder / "src").rglob("*") if file.is_file()
    }
    assert {name for name in names if not made.search(name)} == {
        name for name in sources if not made.search(name)
    }
    assert f"{package_of(folder)}/py.typed" in names


@each_folder
def test_a_wheel_states_its_licence_and_what_it_needs(folder: Path) -> None:
    table = project(folder)
    with wheel_of(folder) as wheel:
        (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        headers = Parser().parsestr(wheel.read(metadata).decode())
        licence = wheel.read(f"{metadata.removesuffix('METADATA')}licenses/LICENSE").decode()
    assert headers["License-Expression"] == "MIT"
    assert licence == (ROOT / "LICENSE").read_text()
    assert headers["Version"] == table["version"]
    required = headers.get_all("Requires-Dist") or []
    assert {re.split(r"[<>=!~;\[ ]", one)[0] for one in table["dependencies"]} <= {
        re.split(r"[<>=!~;\[ ]", one)[0] for one in required
    }


# -- what tox installs ---------------------------------------------------------------------------------


def installed_copy(tmp_path: Path) -> tuple[PathDistribution, Path, Path]:
    """Make sources, and a distribution installed from them."""
    sources, site = tmp_path / "src", tmp_path / "site"
    for root in (sources, site):
        (root / "hft_x").mkdir(parents=True)
        (root / "hft_x" / "__init__.py").write_text("A = 1\n")
    info = site / "hft_plugin_x-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: hft-plugin-x\nVersion: 0.1.0\n")
    (info / "RECORD").write_text("hft_x/__init__.py,,\n")
    return PathDistribution(info), sources, site


def test_installed_files_equal_to_their_sources_pass(tmp_path: Path) -> None:
    distribution, sources, _ = installed_copy(tmp_path)
    load(ROOT / "tests" / "installed.py").compare(distribution, sources)


@pytest.mark.parametrize("change", ["edit", "add", "remove"])
def test_stale_files_are_found(tmp_path: Path, change: str) -> None:
    distribution, sources, _ = installed_copy(tmp_path)
    module = sources / "hft_x" / "__init__.py"
    if change == "edit":
        module.write_text("A = 2\n")
    elif change == "add":
        (sources / "hft_x" / "new.py").touch()
    else:
        module.unlink()
    with pytest.raises(SystemExit, match=r"hft-plugin-x: hft_x/.* is not what"):
        load(ROOT / "tests" / "installed.py").compare(distribution, sources)


# -- a fresh machine -----------------------------------------------------------------------------------


@pytest.fixture
def bootstrap() -> ModuleType:
    return load(ROOT / "bootstrap.py")


def environment(folder: Path, *modules: str) -> Path:
    """Make what looks like an environment whose Python has these modules."""
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    tests = " ".join(f"*'import {module}'*) exit 0 ;;" for module in ("sys", *modules))
    python.write_text(f'#!/bin/sh\ncase "$2" in {tests} *) exit 1 ;; esac\n')
    python.chmod(python.stat().st_mode | stat.S_IEXEC)
    return folder


def test_pip_of_the_environment_comes_first(bootstrap: ModuleType, tmp_path: Path) -> None:
    folder = environment(tmp_path / "env", "pip")
    assert bootstrap.install_command(folder) == [str(folder / "bin" / "python"), "-m", "pip", "install"]


def test_uv_installs_where_the_environment_has_no_pip(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = environment(tmp_path / "env")
    monkeypatch.setattr(shutil, "which", lambda name: f"/opt/{name}")
    assert bootstrap.install_command(folder) == [
        "/opt/uv", "pip", "install", "--python", str(folder / "bin" / "python")
    ]  # fmt: skip


def test_pip_outside_installs_where_there_is_no_uv(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, outside = environment(tmp_path / "env"), environment(tmp_path / "usr", "pip")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(sys, "executable", str(outside / "bin" / "python"))
    assert bootstrap.install_command(folder) == [
        sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install"
    ]  # fmt: skip


def test_no_way_to_install_says_what_to_install(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = environment(tmp_path / "env")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(sys, "executable", str(environment(tmp_path / "usr") / "bin" / "python"))
    with pytest.raises(SystemExit, match=r"no uv; install one of them \(.*apt install python3\.\d+-venv\)"):
        bootstrap.install_command(folder)


def test_an_environment_is_made_without_ensurepip_and_a_working_one_is_kept(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "_has", lambda module: False)
    folder = tmp_path / "env"
    bootstrap.make_environment(folder)
    assert (folder / "bin" / "python").exists()
    mark = folder / "mark"
    mark.touch()
    bootstrap.make_environment(folder)
    assert mark.exists()


def test_a_broken_environment_is_made_anew(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "_has", lambda module: False)
    mark = tmp_path / "env" / "mark"
    mark.parent.mkdir()
    mark.touch()
    bootstrap.make_environment(mark.parent)
    assert not mark.exists()
    assert (mark.parent / "bin" / "python").exists()


def test_what_pip_is_told_about_packages_is_told_to_uv(bootstrap: ModuleType, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(
        """#!/bin/sh
cat <<END
:env:.index-url='https://mirror.example/env'
global.cert='/etc/ca.pem'
global.extra-index-url='https://one.example/simple\\nhttps://two.example/simple'
global.find-links='/a /b'
global.index-url='https://mirror.example/file'
global.timeout='60'
END
"""
    )
    python.chmod(0o755)
    assert bootstrap.uv_settings(str(python)) == {
        "SSL_CERT_FILE": "/etc/ca.pem",
        "UV_DEFAULT_INDEX": "https://mirror.example/env",
        "UV_FIND_LINKS": "/a,/b",
        "UV_INDEX": "https://one.example/simple https://two.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_without_pip_there_is_nothing_to_tell_uv(bootstrap: ModuleType, tmp_path: Path) -> None:
    assert bootstrap.uv_settings(str(environment(tmp_path) / "bin" / "python")) == {}


def run_make(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in the repository with a PATH of one folder and the tools that the Makefile needs."""
    for tool in ("make", "sh", "sed", "tr", "test", "echo", "rm"):
        found = shutil.which(tool)
        if found is None:
            pytest.skip(f"{tool} is not installed")
        (path / tool).symlink_to(found)
    return subprocess.run(
        ["make", "--always-make", *arguments],
        cwd=ROOT, env={"PATH": str(path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_make_takes_the_first_python_that_is_new_enough(tmp_path: Path) -> None:
    old, shim = tmp_path / "python3", tmp_path / "python3.13"
    old.write_text("#!/bin/sh\nexit 1\n")
    shim.write_text("#!/bin/sh\nexit 127\n")
    for file in (old, shim):
        file.chmod(0o755)
    (tmp_path / "python3.12").symlink_to(sys.executable)
    shown = run_make(tmp_path, "--dry-run", "demo")
    folders = " ".join(str(folder.relative_to(ROOT)) for folder in FOLDERS)
    assert f"python3.12 bootstrap.py .venv --editable {folders}\n" in shown.stdout
    assert ".venv/bin/hft run profiles/quickstart.yaml --duration 20s\n" in shown.stdout


def test_make_without_a_python_says_so(tmp_path: Path) -> None:
    shown = run_make(tmp_path, "python")
    assert shown.returncode != 0
    assert "hft needs Python 3.11 or newer" in shown.stderr
