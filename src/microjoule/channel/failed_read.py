"""Why a reading failed, in words, from the status of its row (``csrc/microjoule.h``).

Below 5000 a status is an errno. From 10000 on it is the code of a library plus a number that stands for the
library: NVIDIA's NVML, AMD's libamd_smi and librocm_smi64. The names are those of ``nvml.h``, ``amdsmi.h``
and ``rocm_smi.h``, by which their manuals and search engines find them.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import NamedTuple


class Library(NamedTuple):
    """The codes of one library.

    Attributes:
        name: What people call it.
        prefix: What the names of its codes begin with.
        words: Code to the rest of its name and what it means; what no reading can answer is not here.
    """

    name: str
    prefix: str
    words: Mapping[int, tuple[str, str]]


NVML = Library(
    "NVML",
    "NVML_ERROR_",
    {
        1: ("UNINITIALIZED", "the library is not started"),
        2: ("INVALID_ARGUMENT", "the driver does not know the GPU or what was asked"),
        3: ("NOT_SUPPORTED", "its driver answers that this is not supported"),
        4: ("NO_PERMISSION", "this user may not ask for it"),
        6: ("NOT_FOUND", "there is no such GPU"),
        7: ("INSUFFICIENT_SIZE", "the answer is longer than expected"),
        8: ("INSUFFICIENT_POWER", "a power cable of the GPU is not connected"),
        9: ("DRIVER_NOT_LOADED", "the driver is not loaded"),
        10: ("TIMEOUT", "the driver did not answer in time"),
        11: ("IRQ_ISSUE", "the kernel has trouble with an interrupt of the GPU"),
        12: ("LIBRARY_NOT_FOUND", "a library of the driver is missing"),
        13: ("FUNCTION_NOT_FOUND", "the library is too old to be asked"),
        14: ("CORRUPTED_INFOROM", "the GPU's own memory of its settings is damaged"),
        15: ("GPU_IS_LOST", "the GPU has fallen off the bus"),
        16: ("RESET_REQUIRED", "the GPU needs a reset"),
        17: ("OPERATING_SYSTEM", "the system or its cgroups block the GPU"),
        18: ("LIB_RM_VERSION_MISMATCH", "the driver was updated while it was loaded"),
        19: ("IN_USE", "another program holds the GPU"),
        20: ("MEMORY", "there is not enough memory"),
        21: ("NO_DATA", "the driver has no figure now"),
        23: ("INSUFFICIENT_RESOURCES", "the driver has no room for another client"),
        25: ("ARGUMENT_VERSION_MISMATCH", "the library is of another version"),
        26: ("DEPRECATED", "the driver does not answer this any more"),
        27: ("NOT_READY", "the GPU is not ready"),
        28: ("GPU_NOT_FOUND", "there is no GPU"),
        29: ("INVALID_STATE", "the GPU is in a state in which it does not answer"),
        999: ("UNKNOWN", "the driver does not say why"),
    },
)
AMDSMI = Library(
    "amdsmi",
    "AMDSMI_STATUS_",
    {
        1: ("INVAL", "the library does not know the GPU or what was asked"),
        2: ("NOT_SUPPORTED", "its driver answers that this is not supported"),
        3: ("NOT_YET_IMPLEMENTED", "the library does not have it yet"),
        4: ("FAIL_LOAD_MODULE", "a library that it needs cannot be loaded"),
        5: ("FAIL_LOAD_SYMBOL", "a library that it needs is too old"),
        6: ("DRM_ERROR", "the kernel's graphics driver failed"),
        7: ("API_FAILED", "the library failed"),
        8: ("TIMEOUT", "the driver did not answer in time"),
        9: ("RETRY", "the driver wants to be asked again"),
        10: ("NO_PERM", "this user may not ask for it"),
        11: ("INTERRUPT", "a signal interrupted it"),
        12: ("IO", "the driver cannot read the GPU"),
        14: ("FILE_ERROR", "a file of the driver cannot be read"),
        15: ("OUT_OF_RESOURCES", "there is not enough memory"),
        18: ("INIT_ERROR", "the library could not start"),
        30: ("BUSY", "the GPU is busy"),
        31: ("NOT_FOUND", "there is no such GPU"),
        32: ("NOT_INIT", "the library is not started"),
        34: ("DRIVER_NOT_LOADED", "the driver is not loaded"),
        40: ("NO_DATA", "the driver has no figure now"),
        42: ("UNEXPECTED_SIZE", "the driver's answer is cut short"),
        43: ("UNEXPECTED_DATA", "the driver's answer makes no sense"),
    },
)
ROCM_SMI = Library(
    "ROCm SMI",
    "RSMI_STATUS_",
    {
        1: ("INVALID_ARGS", "the library does not know the GPU or what was asked"),
        2: ("NOT_SUPPORTED", "its driver answers that this is not supported"),
        3: ("FILE_ERROR", "a file of the driver cannot be read"),
        4: ("PERMISSION", "this user may not ask for it"),
        5: ("OUT_OF_RESOURCES", "there is not enough memory"),
        8: ("INIT_ERROR", "the library could not start"),
        9: ("NOT_YET_IMPLEMENTED", "the library does not have it yet"),
        10: ("NOT_FOUND", "there is no such GPU"),
        12: ("INTERRUPT", "a signal interrupted it"),
        13: ("UNEXPECTED_SIZE", "the driver's answer is cut short"),
        14: ("NO_DATA", "the driver has no figure now"),
        15: ("UNEXPECTED_DATA", "the driver's answer makes no sense"),
        16: ("BUSY", "the GPU is busy"),
    },
)
STATUS_NVML = 10_000
LIBRARIES = {STATUS_NVML: NVML, 20_000: AMDSMI, 30_000: ROCM_SMI}


NO_NUMBER = "what was read is no number"


def why_failed(status: int) -> str:
    """What the status of a failed reading means, with the name by which a manual has it.

    Args:
        status: Of the row; neither 0 nor one of a reading that has a value.
    """
    code = status % 10_000
    library = LIBRARIES.get(status - code) if code else None  # a library's code 0 is a success
    if library:
        return meaning(library, code)
    return NO_NUMBER if status == errno.EBADMSG else os.strerror(status)


def meaning(library: Library, code: int) -> str:
    """What a code of a library means: ``the GPU has fallen off the bus (NVML_ERROR_GPU_IS_LOST)``."""
    if code not in library.words:
        return f"{library.name} answered with code {code}"
    name, words = library.words[code]
    return f"{words} ({library.prefix}{name})"
