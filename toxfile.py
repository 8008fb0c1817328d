"""What tox.ini cannot say: an environment for every plugin there is, and pip's settings for uv."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tox.config.loader.api import ConfigLoadArgs
from tox.config.loader.memory import MemoryLoader
from tox.config.sets import ConfigSet, EnvConfigSet
from tox.config.types import EnvList
from tox.plugin import impl
from tox.session.state import State

__all__: list[str] = []

ROOT = Path(__file__).parent
PLUGINS = {file.parent.name: file.parent for file in sorted(ROOT.glob("plugins/*/*/pyproject.toml"))}


@impl
def tox_extend_envs() -> Iterable[str]:
    """Offer ``tox -e NAME`` for every plugin."""
    return PLUGINS


@impl
def tox_add_core_config(core_conf: ConfigSet, state: State) -> None:
    """Add the plugins' environments to those that run by default."""
    listed = core_conf.loaders[0].load("env_list", EnvList, None, state.conf, ConfigLoadArgs([], None, None))
    core_conf.loaders.insert(0, MemoryLoader(env_list=EnvList([*listed, *PLUGINS])))
    for variable, value in _uv_settings().items():
        os.environ.setdefault(variable, value)


@impl
def tox_add_env_config(env_conf: EnvConfigSet, state: State) -> None:
    """Define ``{distributions}`` and ``{tests}``: those of the one plugin, or all."""
    one = env_conf.name in PLUGINS
    names = [env_conf.name] if one else list(PLUGINS)
    distributions = " ".join(f"hft-plugin-{name.replace('_', '-')}" for name in names)
    tests = f"{PLUGINS[env_conf.name].relative_to(ROOT)}/tests" if one else "core/tests plugins tests"
    env_conf.add_config("distributions", of_type=str, default=distributions, desc="plugins to install")
    env_conf.add_config("tests", of_type=str, default=tests, desc="what pytest runs")


def _uv_settings() -> dict[str, str]:
    """Translate what pip is told about packages, which uv does not read, into uv's variables."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    pip: dict[str, str] = {}
    # One `section.key='value'` a line; what the environment says, section `:env:`, prevails.
    for line in sorted(listing.stdout.splitlines(), key=lambda line: line.startswith(":env:")):
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
    # Only installed interpreters count: uv would fetch a missing one, and not from a package index.
    return settings | {"UV_PYTHON_DOWNLOADS": "never"}
