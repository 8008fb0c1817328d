"""What pyproject.toml cannot say: what is compiled, which a machine without a compiler does without."""

from __future__ import annotations

import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from tempfile import TemporaryDirectory

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SOURCES = Path("src")
sys.path.insert(0, str(SOURCES / "hft"))

from _compiled import MANIFEST, digest_of, file_of  # noqa: E402

NATIVE = "hft.book._native"


def path_of(module: str) -> str:
    """Return the source of a module below the folder of all packages."""
    return module.replace(".", "/") + (".pyx" if module == NATIVE else ".py")


HOT = [
    "hft.clock",
    "hft.latency",
    "hft.ledger.account",
    "hft.ledger.assets",
    "hft.ledger.balance",
    "hft.ledger.fees",
    "hft.ledger.ledger",
    "hft.ledger.position",
    "hft.ledger.trades",
    "hft.ledger.wide",
    "hft.money",
    "hft.orders.counters",
    "hft.orders.desk",
    "hft.orders.doubts",
    "hft.orders.evidence",
    "hft.orders.guard",
    "hft.orders.ids",
    "hft.orders.manager",
    "hft.orders.notices",
    "hft.orders.owner",
    "hft.orders.quoter",
    "hft.orders.record",
    "hft.orders.self_trade",
    "hft.orders.sender",
    "hft.orders.states",
    "hft.orders.store",
    "hft.orders.trading",
    "hft.orders.whole",
    "hft.paper.delay_line",
    "hft.paper.exchange",
    "hft.paper.execution",
    "hft.paper.fees",
    "hft.paper.latency",
    "hft.paper.listing",
    "hft.paper.statistics",
    "hft.plugin.hearer",
    "hft.recent",
    "hft.risk.engine",
    "hft.risk.view",
    "hft.routing.router",
    "hft.run.watchdog",
    "hft.seen",
]
"""Python that is compiled as it is: the way of an order, and what looks at every book each second."""

LAID_OUT = [
    "hft.events",
    "hft.market",
    "hft.order",
    "hft.paper.fill_model",
    "hft.primitives",
    "hft.stamps",
]
"""Python that stays it, of whose objects compiled code knows where the attributes lie."""

# Nothing that only the machine of the build has: a wheel is run elsewhere. Products and sums are rounded one
# by one, as Python does it, whatever the processor has for both at once.
FLAGS = ["-O3", "-g0", "-ffp-contract=off"]

# Annotations stay what they are, None in the place of an object is an error and no crash, nothing is pickled.
DIRECTIVES = {"annotation_typing": False, "auto_pickle": False, "nonecheck": True}


class BuildCompiled(build_ext):
    """Leaves a list of what the compiled modules were compiled from beside them."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = os.cpu_count()

    def run(self) -> None:
        root = SOURCES if self.inplace or self.editable_mode else Path(self.build_lib)
        for extension in self.extensions:
            # Of an earlier build: what cannot be compiled now must be missing, not old.
            file = root.joinpath(*extension.name.split("."))
            file.with_name(f"{file.name}{EXTENSION_SUFFIXES[0]}").unlink(missing_ok=True)
        super().run()
        lines = digest_of(SOURCES, [*HOT, *LAID_OUT]), " ".join(HOT), " ".join(LAID_OUT)
        (root / "hft" / "_compiled" / MANIFEST).write_text("\n".join(lines) + "\n")

    def get_export_symbols(self, ext: Extension) -> list[str]:
        return [f"PyInit_{Path(ext.sources[0]).stem}"]


def extensions(names: list[str], folder: str, **directives: bool) -> list[Extension]:
    """Return what is to be compiled, its C files in a folder."""
    found: list[Extension] = cythonize(
        [Extension(name, [f"src/{path_of(name)}"], extra_compile_args=FLAGS) for name in names],
        build_dir=folder,
        compiler_directives={"language_level": 3, **directives},
        include_path=[str(SOURCES)],
        nthreads=os.cpu_count() or 1,
    )
    for extension in found:
        extension.optional = True  # which Cython does not take over
    return found


def hot_extensions(folder: str) -> list[Extension]:
    """Return the compiled Python; not beside its source, which imports would then never read again."""
    found = extensions(HOT, folder, **DIRECTIVES)
    for extension in found:
        extension.name = f"hft._compiled.{file_of(extension.name)}"
    return found


with TemporaryDirectory() as build:
    setup(
        ext_modules=[*extensions([NATIVE], build), *hot_extensions(build)],
        cmdclass={"build_ext": BuildCompiled},
        # From a folder that stays, setuptools would put modules into the wheel that are long deleted.
        options={"build": {"build_base": build}},
    )
