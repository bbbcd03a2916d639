# SPDX-License-Identifier: Apache-2.0
"""The C programs of this folder, under the sanitizers.

Each `test_*.c` is linked with `csrc/` alone and run as a program of its own: 0 is a pass, 77 a skip
whose reason is the program's last line, and anything else a failure with all that it printed.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
CSRC = HERE.parents[1] / "csrc"
CC = shlex.split(os.environ.get("CC", "cc"))
WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
SANITIZERS = {
    "address": ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
    "thread": ["-O1", "-g", "-fsanitize=thread"],
    "plain": ["-O2"],
    "musl": ["-O2"],
}
# musl's C library, as Alpine has it; its compiler does not see the kernel's headers.
COMPILERS = {"musl": ["musl-gcc"]}
KERNEL_HEADERS = ("linux", "asm", "asm-generic")
# What counts page faults, of which a sanitizer has its own: built as it is for users, and of these the
# first with no sanitizer at all.
PLAIN = ("test_faults", "test_kernel_lane")
# What has threads or processes in it; the rest has nothing that ThreadSanitizer could see.
THREADED = {
    "test_ring_threads",
    "test_feed_threads",
    "test_marks",
    "test_marks_attacked",
    "test_marks_shared",
    "test_fork",
    "test_sampler",
    "test_sampler_account",
    "test_times_off",
    "test_edges",
    "test_kernel_lane",
    "test_thread_local",
    "test_thread_local_large",
}
PROGRAMS = sorted({path.stem for path in HERE.glob("test_*.c")} - {PLAIN[0]})
# https://sourceware.org/glibc/wiki/Release has the version of each.
NEWER_THAN_GLIBC_2_17 = {
    *(
        "close_range",
        "copy_file_range",
        "epoll_pwait2",
        "explicit_bzero",
        "getcpu",
        "getentropy",
        "getrandom",
    ),
    *("gettid", "memfd_create", "mlock2", "pidfd_open", "preadv2", "pthread_cond_clockwait", "reallocarray"),
    *("sched_getattr", "sched_setattr", "sem_clockwait", "statx", "strlcpy", "tgkill", "thrd_create"),
}
HANG_S = 120
SKIP = 77

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="csrc is for Linux"),
    pytest.mark.skipif(shutil.which(CC[0]) is None, reason=f"no C compiler {CC[0]!r}"),
]


def _compile(*arguments: str | Path, compiler: Sequence[str] = CC) -> subprocess.CompletedProcess[str]:
    command = [*compiler, *WARNINGS, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _objects(folder: Path, flags: list[str], compiler: Sequence[str] = CC) -> list[Path]:
    """Compiles each file of csrc, all at once, and gives the objects."""
    running = []
    for source in sorted(CSRC.glob("*.c")):
        target = folder / f"{source.stem}.o"
        command = [*compiler, *WARNINGS, *flags, "-c", str(source), "-o", str(target)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        running.append((target, process))
    said = [process.communicate()[1] for _, process in running]
    assert all(process.returncode == 0 for _, process in running), "".join(said)
    return [target for target, _ in running]


def _kernel_headers(folder: Path) -> Path:
    """A folder with the kernel's headers and nothing of the machine's own C library."""
    folder.mkdir()
    places = [Path("/usr/include"), *Path("/usr/include").glob(f"{platform.machine()}-linux-gnu")]
    for name in KERNEL_HEADERS:
        found = next((place / name for place in places if (place / name).exists()), None)
        if found is not None:
            (folder / name).symlink_to(found)
    return folder


class Build:
    """csrc compiled once for one sanitizer, and the programs linked with it."""

    def __init__(self, sanitizer: str, folder: Path) -> None:
        self.compiler = COMPILERS.get(sanitizer, CC)
        self.flags = [*SANITIZERS[sanitizer]]
        self.folder = folder
        if shutil.which(self.compiler[0]) is None:
            self.missing = f"no {self.compiler[0]}: apt install musl-tools"
            return
        if sanitizer in COMPILERS:
            self.flags += ["-isystem", str(_kernel_headers(folder / "headers"))]
        probe = folder / "probe.c"
        probe.write_text("int main(void) { return 0; }\n")
        said = self._compile(probe, "-o", folder / "probe")
        if said.returncode != 0:
            self.missing = f"{self.compiler[0]} has no {sanitizer} build: {said.stderr.strip()[-200:]}"
            return
        # Older ThreadSanitizers cannot map their shadow where the kernel randomises too much.
        for self.prefix in ([], ["setarch", "-R"]):
            try:
                ran = subprocess.run([*self.prefix, folder / "probe"], capture_output=True, check=False)
            except FileNotFoundError:
                continue
            if ran.returncode == 0:
                break
        else:
            self.missing = f"a program under the {sanitizer} sanitizer does not run here"
            return
        self.missing = ""
        self.objects = _objects(folder, self.flags, self.compiler)

    def _compile(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return _compile(*self.flags, *arguments, compiler=self.compiler)

    def library(self, name: str) -> list[str]:
        """The library that a program is given as its argument: `x_library.c` for `test_x`; or nothing."""
        sources = list(HERE.glob(f"{name.removeprefix('test_')}_library.c"))
        target = self.folder / f"{name}_library.so"
        made = [self._compile("-shared", "-fPIC", each, "-pthread", "-o", target) for each in sources]
        assert all(said.returncode == 0 for said in made), made[0].stderr
        return [str(target) for _ in made]

    def run(self, name: str, tmp: Path) -> subprocess.CompletedProcess[str]:
        program = self.folder / name
        with_csrc = ["-D_GNU_SOURCE", f"-I{CSRC}", HERE / f"{name}.c", *self.objects, "-pthread", "-ldl"]
        said = self._compile(*with_csrc, "-o", program)
        assert said.returncode == 0, said.stderr
        return subprocess.run(
            [*self.prefix, program, *self.library(name)],
            env={**os.environ, "TMPDIR": str(tmp)},
            capture_output=True,
            text=True,
            timeout=HANG_S,
            check=False,
        )


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Build]:
    """A build for each sanitizer, made when first asked for."""

    class Builds(dict[str, Build]):
        def __missing__(self, sanitizer: str) -> Build:
            self[sanitizer] = Build(sanitizer, tmp_path_factory.mktemp(sanitizer))
            return self[sanitizer]

    return Builds()


def _check(build: Build, name: str, tmp: Path) -> None:
    if build.missing:
        pytest.skip(build.missing)
    ran = build.run(name, tmp)
    said = ran.stdout + ran.stderr
    if ran.returncode == SKIP:
        pytest.skip((said.strip().splitlines() or ["no reason given"])[-1])
    assert ran.returncode == 0, f"{name} ended with {ran.returncode}:\n{said}"


def test_csrc_compiles_alone(tmp_path: Path) -> None:
    """No Python, no warning, and each header stands on its own."""
    assert _objects(tmp_path, ["-O2"])
    for header in CSRC.glob("*.h"):
        said = _compile("-fsyntax-only", "-Wno-unused-function", "-D_GNU_SOURCE", "-x", "c", header)
        assert said.returncode == 0, said.stderr


def test_csrc_calls_nothing_that_an_old_c_library_lacks() -> None:
    """Wheels are for the GNU C library 2.17: what came later is called by its number, `syscall(SYS_…)`."""
    called = {
        f"{path.name}: {name}"
        for path in CSRC.glob("*.[ch]")
        for name in re.findall(
            r"(?<![\w/])(\w+)\(", re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
        )
        if name in NEWER_THAN_GLIBC_2_17
    }
    assert not called


@pytest.mark.parametrize("name", PROGRAMS)
def test_address_and_undefined(name: str, builds: dict[str, Build], tmp_path: Path) -> None:
    """The program holds under AddressSanitizer and UndefinedBehaviorSanitizer."""
    _check(builds["address"], name, tmp_path)


@pytest.mark.parametrize("name", sorted(THREADED))
def test_thread(name: str, builds: dict[str, Build], tmp_path: Path) -> None:
    """The program holds under ThreadSanitizer."""
    _check(builds["thread"], name, tmp_path)


@pytest.mark.parametrize("name", PROGRAMS)
def test_musl(name: str, builds: dict[str, Build], tmp_path: Path) -> None:
    """The program holds with musl in place of the GNU C library."""
    _check(builds["musl"], name, tmp_path)


@pytest.mark.parametrize("name", PLAIN)
def test_plain(name: str, builds: dict[str, Build], tmp_path: Path) -> None:
    """The program holds as it is built for users."""
    _check(builds["plain"], name, tmp_path)
