"""The extension is the one that serves every CPython from 3.11 on."""

import sys
import sysconfig

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the extension is for Linux")


def test_the_extension_has_the_stable_abi_where_there_is_one():
    """A name without a version of Python in it: of free-threaded CPython alone, the build has one."""
    from microjoule import _native

    is_free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    assert _native.__file__.endswith(".abi3.so") != is_free_threaded
