"""Make a virtual environment and install into it, with nothing but Python's standard library.

``python bootstrap.py .venv --editable core plugins/*/*``, as ``make`` calls it. A fresh machine may have
a Python whose own packages may not be touched, one without ``ensurepip`` (Debian ships it apart), or one
without pip: so there are several ways to an environment, and the first that is open is taken. Settings of
pip and uv (mirrors, proxies, certificates) stay the user's.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

__all__ = ["install_command", "main", "make_environment", "uv_settings"]

MINIMUM = (3, 11)


def main(arguments: list[str] | None = None) -> None:
    """Make or mend the environment, install, and leave a stamp that make compares with its sources."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("environment", type=Path, help="folder of the environment")
    parser.add_argument("requirements", nargs="+", help="what to install")
    parser.add_argument("--editable", action="store_true", help="they are folders: install them in place")
    options = parser.parse_args(arguments)
    if sys.version_info < MINIMUM:
        sys.exit(f"hft needs Python {MINIMUM[0]}.{MINIMUM[1]} or newer, this is {sys.version.split()[0]}")

    make_environment(options.environment)
    install = install_command(options.environment)
    requirements = list(options.requirements)
    print(f"installing into {options.environment}: {', '.join(requirements)}", flush=True)
    if options.editable:
        requirements = [word for folder in requirements for word in ("--editable", folder)]
    settings = uv_settings(sys.executable) if Path(install[0]).stem == "uv" else {}
    try:
        subprocess.run([*install, "--quiet", *requirements], check=True, env={**settings, **os.environ})
    except subprocess.CalledProcessError as error:
        sys.exit(f"installing failed (exit code {error.returncode}), see above")
    (options.environment / ".installed").touch()


def make_environment(folder: Path) -> None:
    """Make the environment unless a working one is there; an unfinished or outdated one is replaced."""
    if _works(folder):
        return
    print(f"making {folder} with Python {sys.version.split()[0]}", flush=True)
    if _has("ensurepip"):
        try:
            venv.create(folder, clear=True, with_pip=True)
        except subprocess.CalledProcessError:
            pass  # there, but without the pip it should unpack
        else:
            return
    if _has("virtualenv"):
        subprocess.run([sys.executable, "-m", "virtualenv", "--quiet", "--clear", str(folder)], check=True)
    else:
        venv.create(folder, clear=True, with_pip=False)


def install_command(folder: Path) -> list[str]:
    """Return the start of a command line that installs into the environment; exit if there is no way."""
    python = str(_python(folder))
    if _runs(python, "import pip"):
        return [python, "-m", "pip", "install"]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--python", python]
    # pip 22.3 learnt to install into another environment, which "externally managed" does not forbid.
    if _runs(sys.executable, "import pip; assert int(pip.__version__.split('.')[0]) >= 23"):
        return [sys.executable, "-m", "pip", "--python", python, "install"]
    major, minor = sys.version_info[:2]
    sys.exit(
        f"{sys.executable} cannot install packages: it has neither ensurepip nor pip, and there is no uv; "
        f"install one of them (Debian and Ubuntu: apt install python{major}.{minor}-venv)"
    )


def uv_settings(python: str) -> dict[str, str]:
    """Translate what this Python's pip is told about packages, which uv does not read, for uv."""
    listing = subprocess.run(
        [python, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    pip: dict[str, str] = {}
    # One `section.key='value'` a line; what the environment says, section `:env:`, prevails.
    for line in sorted(listing.splitlines(), key=lambda line: line.startswith(":env:")):
        key, _, value = line.partition("=")
        pip[key.rpartition(".")[2]] = " ".join(ast.literal_eval(value).split())
    variables = {
        "cert": "SSL_CERT_FILE",
        "constraint": "UV_CONSTRAINT",
        "extra-index-url": "UV_INDEX",
        "find-links": "UV_FIND_LINKS",
        "index-url": "UV_DEFAULT_INDEX",
    }
    settings = {variable: pip[key] for key, variable in variables.items() if key in pip}
    if "UV_FIND_LINKS" in settings:
        settings["UV_FIND_LINKS"] = settings["UV_FIND_LINKS"].replace(" ", ",")
    if "UV_INDEX" in settings:
        # pip looks for the best version in all indexes, uv in the first that has the package.
        settings["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return settings


def _works(folder: Path) -> bool:
    return _runs(str(_python(folder)), f"import sys; assert sys.version_info >= {MINIMUM}")


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _runs(python: str, code: str) -> bool:
    try:
        return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    main()
