"""What pyproject.toml cannot say: the native module, which a machine without a compiler does without."""

from __future__ import annotations

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "hft.book._native",
            ["src/hft/book/_native.pyx"],
            depends=["src/hft/book/_reader.pxd"],
            # Nothing that only the machine of the build has: a wheel is run elsewhere.
            extra_compile_args=["-O3", "-g0"],
            optional=True,
        )
    ],
    # The C file that Cython writes goes to build/, not beside its source.
    options={"build_ext": {"cython_c_in_temp": True}},
)
