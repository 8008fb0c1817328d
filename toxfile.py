"""What tox.ini cannot say: an environment for every plugin there is, and pip's settings for uv."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from tox.config.loader.api import ConfigLoadArgs
from tox.config.loader.memory import MemoryLoader
from tox.config.sets import ConfigSet, EnvConfigSet
from tox.config.types import EnvList
from tox.plugin import impl
from tox.session.state import State

from bootstrap import uv_settings

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
    # Only installed interpreters count: uv would fetch a missing one, and not from a package index.
    for variable, value in {**uv_settings(sys.executable), "UV_PYTHON_DOWNLOADS": "never"}.items():
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
