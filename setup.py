"""Builds the native half; everything else is in pyproject.toml.

Switches, from the environment of a build:

- ``MICROJOULE_SANITIZE=address,undefined`` or ``thread``: with the compiler's sanitizers
- ``MICROJOULE_DEBUG=1``: with symbols, without optimisation
- ``SOURCE_DATE_EPOCH``: the time, in seconds, of all that an archive holds, so that its bytes depend on the
  sources alone (https://reproducible-builds.org/specs/source-date-epoch/)

The manual page is made here too, out of the command line's parser, so that it is always that of the code.
"""

import gzip
import os
import sys
import sysconfig
import tarfile
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.sdist import sdist

# pip compares requires-python with an archive or a folder on the disk after it ran this file, and not before.
if sys.version_info < (3, 11):  # noqa: UP036
    ours = ".".join(map(str, sys.version_info[:3]))
    sys.exit(
        f"microjoule needs Python 3.11 or later, and this is Python {ours}. "
        "Install it with a newer one: python3.11 -m pip install microjoule"
    )

# One build serves CPython 3.11 and all that follow; it costs 0.1 µs a window (benchmarks/abi3.py).
# Free-threaded CPython 3.13 and 3.14 have no such ABI: https://docs.python.org/3/howto/free-threading-extensions.html
LIMITED_API = None if sysconfig.get_config_var("Py_GIL_DISABLED") else "0x030B0000"


class SourceArchive(sdist):
    """The source distribution: with ``SOURCE_DATE_EPOCH``, without the time and the user of the build."""

    def make_archive(self, base_name, format, root_dir=None, base_dir=None, **owner):  # noqa: A002
        """Writes the folder into an archive and gives its path."""
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        if format != "gztar" or not epoch:
            return super().make_archive(base_name, format, root_dir, base_dir, **owner)

        def plain(member):
            member.mtime, member.uid, member.gid, member.uname, member.gname = int(epoch), 0, 0, "", ""
            member.mode = 0o755 if member.mode & 0o100 else 0o644
            return member

        path = f"{base_name}.tar.gz"
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with (
            gzip.GzipFile(path, "wb", mtime=int(epoch)) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            archive.add(base_dir, filter=plain)
        return path


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

    # What an earlier build left in place for one version of Python would be imported before this one.
    for stale in Path("src/microjoule").glob("_native.cpython-*.so" if LIMITED_API else "_native.abi3.so"):
        stale.unlink()
    flags, link = compile_arguments()
    native = Extension(
        "microjoule._native",
        ["src/microjoule/_native.pyx", *sorted(map(str, Path("csrc").glob("*.c")))],
        include_dirs=["csrc"],
        depends=sorted(map(str, Path("csrc").glob("*.h"))),
        extra_compile_args=flags,
        extra_link_args=link,
        define_macros=[("Py_LIMITED_API", LIMITED_API)] if LIMITED_API else [],
        py_limited_api=bool(LIMITED_API),
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


native = extensions()
options = {"bdist_wheel": {"py_limited_api": "cp311"}} if native and LIMITED_API else {}
setup(ext_modules=native, data_files=manual(), options=options, cmdclass={"sdist": SourceArchive})
