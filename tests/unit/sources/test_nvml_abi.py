"""Our declarations, and the stand-in's, are those of NVIDIA's nvml.h."""

from __future__ import annotations

import subprocess

import pytest
from standin import CSRC, HERE, compiler, nvml_header

pytestmark = [
    pytest.mark.skipif(compiler() is None, reason="no C compiler"),
    pytest.mark.skipif(nvml_header() is None, reason="no nvml.h: pip install nvidia-nvml-dev-cu12"),
]


def compile_only(*arguments):
    command = [compiler(), "-std=gnu11", "-fsyntax-only", "-Wall", "-Wno-enum-compare"]
    command += ["-Wno-deprecated-declarations", "-Werror"]  # CUDA 13 deprecates what older ones have only
    include = [f"-I{nvml_header()}", f"-I{CSRC}", "-DNVML_NO_UNVERSIONED_FUNC_DEFS"]
    done = subprocess.run([*command, *include, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_structures_codes_and_parameters_of_the_reader():
    compile_only(HERE / "abi_check.c")


def test_every_function_of_the_stand_in_has_nvidias_signature():
    # A definition that differs from the header's declaration does not compile.
    compile_only("-DWITH_NVML_H", HERE / "nvml_standin.c")
