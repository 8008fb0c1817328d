"""What pyproject.toml cannot say: the native module, which a machine without a compiler does without."""

from __future__ import annotations

from tempfile import TemporaryDirectory

from setuptools import Extension, setup

with TemporaryDirectory() as build:
    setup(
        ext_modules=[
            Extension(
                "hft.book._native",
                ["src/hft/book/_native.pyx"],
                depends=[
                    "src/hft/book/_path.pxi",
                    "src/hft/book/_reader.pxd",
                    "src/hft/paper/_clock.pxi",
                    "src/hft/paper/_fills.pxi",
                    "src/hft/paper/_loop.pxi",
                    "src/hft/paper/_orders.pxi",
                ],
                # Nothing that only the machine of the build has: a wheel is run elsewhere. Products and sums
                # are rounded one by one, as Python does it, whatever the processor has for both at once.
                extra_compile_args=["-O3", "-g0", "-ffp-contract=off"],
                optional=True,
            )
        ],
        options={
            # From a folder that stays, setuptools would put modules into the wheel that are long deleted.
            "build": {"build_base": build},
            # The C file that Cython writes does not stay beside its source.
            "build_ext": {"cython_c_in_temp": True},
        },
    )
