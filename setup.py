"""Builds the native half; everything else is in pyproject.toml.

Switches, from the environment of a build:

- ``MICROJOULE_SANITIZE=address,undefined`` or ``thread``: with the compiler's sanitizers
- ``MICROJOULE_DEBUG=1``: with symbols, without optimisation

The manual page is made here too, out of the command line's parser, so that it is always that of the code.
"""

import os
import sys
from pathlib import Path

from setuptools import Extension, setup


def compile_arguments():
    """The C compiler's flags, and the linker's."""
    flags = ["-std=c11", "-Wall", "-Wextra"]
    flags += ["-O0", "-g"] if os.environ.get("MICROJOULE_DEBUG") else ["-O2"]
    sanitize = os.environ.get("MICROJOULE_SANITIZE")
    link = [f"-fsanitize={sanitize}"] if sanitize else []
    return [*flags, *link], [*link, "-ldl", "-pthread"]


def extensions():
    """The extension where it can be built; elsewhere the analysis half installs alone."""
    if not sys.platform.startswith("linux"):
        return []
    from Cython.Build import cythonize

    flags, link = compile_arguments()
    native = Extension(
        "microjoule._native",
        ["src/microjoule/_native.pyx", *sorted(map(str, Path("csrc").glob("*.c")))],
        include_dirs=["csrc"],
        depends=sorted(map(str, Path("csrc").glob("*.h"))),
        extra_compile_args=flags,
        extra_link_args=link,
    )
    return cythonize([native], build_dir="build")


def manual():
    """The manual page, and where it is installed."""
    sys.path.insert(0, "src")
    from microjoule.cli import parser
    from microjoule.cli.manual import page
    from microjoule.version import VERSION

    path = Path("build", "man", "uj.1")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(parser(), VERSION), encoding="ascii")
    return [("share/man/man1", [str(path)])]


setup(ext_modules=extensions(), data_files=manual())
