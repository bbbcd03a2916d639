import subprocess
import sys
from types import ModuleType

import pytest

from microjoule.errors import CommandFailed
from microjoule.measuring.task import command_cpu_ns, of_command, of_function, of_statement


def test_a_statement_runs_so_often_and_its_set_up_once():
    seen = []
    sys.modules["seen_by_statements"] = module = ModuleType("seen_by_statements")
    module.seen = seen
    try:
        task = of_statement("x += 1\nseen.append(x)", "from seen_by_statements import seen\nx = 0")
        task.run(3)
        task.run(2)
    finally:
        del sys.modules["seen_by_statements"]
    assert seen == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("text", ["x = (", "return 1", "yield 1"])
def test_what_is_no_statement_is_a_syntax_error(text):
    with pytest.raises(SyntaxError):
        of_statement(text)


def test_a_function_runs_so_often():
    calls = []
    of_function(lambda: calls.append(0)).run(4)
    assert len(calls) == 4


def test_a_gpu_is_waited_for_once_a_window_where_its_library_is_imported_already():
    waits = []
    torch = ModuleType("torch")
    torch.cuda = ModuleType("torch.cuda")
    torch.cuda.is_available = torch.cuda.is_initialized = lambda: True
    torch.cuda.device_count = lambda: 2
    torch.cuda.synchronize = waits.append
    before = sys.modules.get("torch")
    sys.modules["torch"] = torch
    try:
        of_function(lambda: None).run(5)
    finally:
        del sys.modules["torch"]
        if before is not None:
            sys.modules["torch"] = before
    assert waits == [0, 1]


def test_no_gpu_library_is_imported():
    program = (
        "import sys\n"
        "from microjoule.measuring.task import of_function\n"
        "of_function(lambda: None).run(1)\n"
        "assert not {'torch', 'cupy', 'jax'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_command_that_fails_is_a_sentence_and_its_cpu_time_counts():
    before = command_cpu_ns()
    of_command("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done").run(1)
    assert command_cpu_ns() > before
    with pytest.raises(CommandFailed, match=r"exit code 7: oh no\. Fix it"):
        of_command("echo oh no >&2; exit 7").run(1)
