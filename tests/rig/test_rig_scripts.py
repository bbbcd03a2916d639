"""What of the rig needs no emulator: its edits are made once, its program compiles, its log is the truth."""

import shutil
import subprocess
from pathlib import Path

import pytest
from rig.build_emulator import EDITS, HEADER, RAPL, changed
from rig.whose import logged_j

HERE = Path(__file__).resolve().parent


@pytest.mark.parametrize("name", EDITS)
def test_the_emulator_is_changed_once_and_another_one_is_refused(name):
    edits = EDITS[name]
    source = "int before;\n" + "".join(edits)
    found = changed(source, edits)
    assert all(found.count(new) == 1 for new in edits.values())
    assert changed(found, edits) == found
    with pytest.raises(SystemExit, match="has 0 times"):
        changed("int main(void) { return 0; }\n", edits)


def test_the_emulator_reads_the_header_of_deposits():
    assert any(f'#include "{HEADER.name}"' in new for new in EDITS[RAPL].values())


def test_the_program_of_the_guest_compiles_and_says_how_it_is_used(tmp_path):
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    binary = tmp_path / "load"
    words = [compiler, "-Wall", "-Wextra", "-Werror", "-o", str(binary), str(HERE / "load.c"), "-lm"]
    subprocess.run(words, check=True)
    done = subprocess.run([binary], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "NUMBER JOULES_PER_S SEED SECONDS POWER LOG" in done.stderr


def test_what_a_program_used_in_a_window_is_read_from_its_log(tmp_path):
    log = tmp_path / "burn.log"
    t_ns = 10**15
    log.write_text(f"{t_ns} 0\n{t_ns + 10**9} 2000000000\n{t_ns + 3 * 10**9} 2000000000\n")
    assert logged_j(log, t_ns, t_ns + 10**9) == pytest.approx(2.0)
    assert logged_j(log, t_ns + 5 * 10**8, t_ns + 2 * 10**9) == pytest.approx(1.0)
    assert logged_j(log, t_ns - 10**9, t_ns + 9 * 10**9) == pytest.approx(2.0)
