"""The status of a failed reading in words: each code has the name that its library's header gives it."""

from __future__ import annotations

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


def test_an_errno_is_the_systems_own_word() -> None:
    assert why_failed(5) == "Input/output error"
