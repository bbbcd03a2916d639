"""The status of a failed reading in words: each code has the name that its library's header gives it."""

from __future__ import annotations

import os
import re

import pytest
from standin import nvml_header

from microjoule.channel.failed_read import LIBRARIES, NVML, STATUS_NVML, why_failed


@pytest.mark.skipif(nvml_header() is None, reason="needs nvidia-nvml-dev-cu12")
def test_nvmls_codes_have_the_names_of_its_header() -> None:
    header = nvml_header()
    assert header is not None
    text = (header / "nvml.h").read_text()
    names = {int(code): name for name, code in re.findall(r"NVML_ERROR_(\w+)\s*=\s*(\d+)", text)}
    assert {code: name for code, (name, _) in NVML.words.items()}.items() <= names.items()


def test_no_two_codes_of_a_library_read_the_same() -> None:
    for base, library in LIBRARIES.items():
        said = [why_failed(base + code) for code in library.words]
        assert len(set(said)) == len(said)
        assert all(library.prefix in each for each in said)


def test_what_no_table_has_is_named_by_its_library_and_number() -> None:
    assert why_failed(STATUS_NVML + 777) == "NVML answered with code 777"
    assert why_failed(20_077) == "amdsmi answered with code 77"
    assert why_failed(30_077) == "ROCm SMI answered with code 77"


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (5, "Input/output error"),
        (10_015, "the GPU has fallen off the bus (NVML_ERROR_GPU_IS_LOST)"),
        (20_010, "this user may not ask for it (AMDSMI_STATUS_NO_PERM)"),
        (30_016, "the GPU is busy (RSMI_STATUS_BUSY)"),
        (10_000, os.strerror(10_000)),
    ],
)
def test_an_errno_is_the_systems_own_word_and_a_librarys_code_that_of_its_manual(status, says) -> None:
    assert why_failed(status) == says
