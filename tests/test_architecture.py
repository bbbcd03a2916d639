"""The dependency rules between packages, read from the code's own imports."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from reached import uncounted

import microjoule
import microjoule.joules

ROOT = Path(microjoule.__file__).parent
TESTS = Path(__file__).parent
LEAVES = {
    "arrays",
    "channel",
    "errors",
    "spool",
    "text_width",
    "units",
    "value_class",
    "version",
    "whole_file",
}  # what any package may import
MAY_IMPORT = {
    "arrays": set(),
    "channel": {"errors", "units", "value_class"},
    "errors": set(),
    "spool": {"errors"},
    "text_width": set(),
    "units": set(),
    "value_class": set(),
    "version": set(),
    "whole_file": set(),
    "late": LEAVES,
    "_native": {"errors"},
    "trace": LEAVES | {"late"},
    "joules": LEAVES | {"late", "trace"},
    "footprint": LEAVES | {"late", "joules"},
    "report": LEAVES | {"late", "joules", "footprint"},
    "publishing": LEAVES | {"late", "joules", "footprint", "report", "trace"},
    "archive": LEAVES | {"late", "joules", "footprint", "trace"},
    "sources": LEAVES | {"_native", "late"},
    "host": LEAVES | {"sources"},
    "recording": LEAVES | {"_native", "late", "host", "sources", "trace"},
    "agent": LEAVES | {"late", "recording", "host", "sources"},
    "live": LEAVES | {"late", "recording", "host", "joules", "trace"},
    "measuring": LEAVES | {"late", "recording", "host", "sources", "joules", "trace"},
    "learning": LEAVES | {"late", "measuring", "recording", "host", "sources", "joules", "trace"},
    "plugins": LEAVES | {"late", "measuring", "live", "recording", "report", "footprint", "joules", "trace"},
    "bench": LEAVES | {"late", "plugins", "measuring", "recording", "host", "footprint", "joules", "trace"},
    "cli": LEAVES
    | {
        "archive",
        "agent",
        "bench",
        "late",
        "plugins",
        "live",
        "learning",
        "measuring",
        "recording",
        "host",
        "sources",
        "publishing",
        "report",
        "footprint",
        "joules",
        "trace",
    },
    "__init__": {"late", "version"},
    "__main__": {"cli"},
}


def modules():
    return sorted(path for path in ROOT.rglob("*.py"))


def room(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_rooms(path):
    """The rooms of this package that a file imports anywhere, inside functions too."""
    package = ["microjoule", *path.relative_to(ROOT).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            stem = base + (node.module.split(".") if node.module else [])
            names = [[*stem, alias.name] for alias in node.names]
        else:
            continue
        for parts in names:
            if parts[0] == "microjoule" and len(parts) > 1:
                yield parts[1]


def test_imports_follow_the_dependency_rules():
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules()
        for name in sorted({*imported_rooms(path)} - {room(path)} - MAY_IMPORT[room(path)])
    ]
    assert not found, "\n".join(["these imports break the rules in MAY_IMPORT:", *found])


def module_name(path):
    parts = ["microjoule", *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path, names):
    """The modules of this package that a file imports, inside functions too, and not for its types alone."""
    tree = ast.parse(path.read_text())
    package = module_name(path).split(".")
    package = package if path.name == "__init__.py" else package[:-1]
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level and node not in for_types:
            stem = ".".join(package[: len(package) + 1 - node.level] + ([node.module] if node.module else []))
            for alias in node.names:
                yield f"{stem}.{alias.name}" if f"{stem}.{alias.name}" in names else stem


def test_no_modules_import_one_another_not_even_late():
    names = {module_name(path) for path in modules()}
    arrows = {module_name(path): set(imports_of(path, names)) & names for path in modules()}
    assert sum(map(len, arrows.values())) > 500
    while True:  # what imports nothing that is left is in no cycle
        done = {name for name, others in arrows.items() if not others & arrows.keys() - {name}}
        if not done:
            break
        arrows = {name: others for name, others in arrows.items() if name not in done}
    found = [f"{name} imports {', '.join(sorted(others & arrows.keys()))}" for name, others in arrows.items()]
    assert not found, "\n".join(["these modules are in a cycle, or lead into one:", *found])


def test_recording_knows_of_the_trace_its_schema_checksums_and_labels_only():
    recording = [path for path in modules() if room(path) == "recording"]
    assert recording
    found = [
        f"{path.relative_to(ROOT)}: {line}"
        for path in recording
        for line in path.read_text().splitlines()
        if re.search(r"from \.\.trace(\.(?!label import)| import (?!(checksum, )?schema$))", line)
    ]
    assert not found, "\n".join(["import the schema, the checksums and the labels only:", *found])


def test_no_file_is_longer_than_400_lines():
    files = [*modules(), *(TESTS.parent / "csrc").glob("*.[ch]"), *TESTS.rglob("*.py")]
    lengths = {path.name: len(path.read_text().splitlines()) for path in files}
    found = [f"{path}: {n} lines" for path, n in lengths.items() if n > 400]
    assert not found, "\n".join(["a file has at most 400 lines:", *found])


def test_every_condition_of_an_assertion_is_counted():
    found = [
        f"{path.relative_to(TESTS.parent)}:{line} {function}"
        for path in sorted(TESTS.rglob("*.py"))
        for function, line in uncounted(ast.parse(path.read_text()))
    ]
    assert not found, "\n".join(["count these conditions with reached() of tests/reached.py:", *found])


def listed(text):
    """The names after the colons of a docstring's lists."""
    lines = [line for line in (text or "").splitlines() if line.startswith("- ")]
    return [name for line in lines for name in line.split(": ")[-1].split(", ")]


def test_the_maps_of_joules_name_each_module_once():
    folders = [ROOT / "joules", *sorted(path.parent for path in (ROOT / "joules").glob("*/__init__.py"))]
    assert len(folders) > 10
    for folder in folders:
        named = listed(ast.get_docstring(ast.parse((folder / "__init__.py").read_text())))
        there = {path.stem for path in folder.glob("*.py")} | {
            path.parent.name for path in folder.glob("*/*.py")
        }
        assert sorted(named) == sorted(there - {"__init__"}), folder.name


def test_a_folder_of_joules_imports_from_those_above_it_in_the_map_only():
    within = {module_name(path): path for path in modules() if room(path) == "joules"}
    place = {name: i for i, name in enumerate(listed(microjoule.joules.__doc__))}

    def height(name):
        return place.get(name.split(".")[2], len(place)) if name.count(".") > 1 else len(place)

    found, arrows = [], 0
    for name, path in within.items():
        for other in set(imports_of(path, within)) & within.keys() - {name}:
            arrows += 1
            is_folder = other.count(".") > 2 or name.count(".") > 2
            if is_folder and height(other) > height(name):
                found.append(f"{name} imports {other}")
    assert arrows > 400
    assert not found, "\n".join(
        ["what is above in the map of joules/__init__.py knows nothing of it:", *found]
    )


def test_only_the_command_line_reads_arguments_and_environment():
    # How the command of `uj run` finds its recorder, and that there is one; and for whom root records.
    # And which GPUs a program that is recorded sees, and which rank of a job it is, which every trace keeps;
    # and whose a process is.
    recording = ("marking.py", "trace_file.py", "visible_devices.py", "cpu_times.py", "launch.py")
    exceptions = (ROOT / "__init__.py", *(ROOT / "recording" / name for name in recording))
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in modules()
        if room(path) != "cli"
        for word in re.findall(r"sys\.argv|\benvironb?\b|\bgetenv\b", path.read_text())
        if path not in exceptions or word == "sys.argv"
    ]
    assert not found, "\n".join(["only cli reads arguments and environment:", *found])


def run(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)


def test_the_package_and_its_windows_load_neither_numpy_nor_arrow():
    done = run(
        "import sys, microjoule as uj\n"
        "with uj.window('x'): pass\n"
        "heavy = {'numpy', 'pyarrow', 'dataclasses', 'json', 'inspect', 'asyncio'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    assert done.returncode == 0, done.stderr


def test_the_analysis_half_works_without_the_native_half():
    done = run(
        "import sys\n"
        "sys.modules['microjoule._native'] = None\n"
        "import microjoule as uj\n"
        "from microjoule.joules import summary; from microjoule.report import REPORTERS\n"
        "assert uj.load and uj.Trace and uj.Estimate and uj.Window and uj.Channel\n"
        "with uj.window('x'): pass\n"
        "import microjoule.cli\n"
        "try: uj.record\n"
        "except ImportError as error: print(error)\n"
    )
    assert done.returncode == 0, done.stderr
    assert "native" in done.stdout


def test_what_a_notebook_shows_is_the_one_import_against_the_rules():
    """``shown`` makes ``_repr_html_`` and nothing else, of a function that is there."""
    from microjoule.report import in_notebook

    lines = [
        line
        for path in modules()
        for line in path.read_text().splitlines()
        if re.search(r"(?<!_)shown\(", line) and room(path) != "late" and "import" not in line
    ]
    made = [re.fullmatch(r' +_repr_html_ = shown\("(\w+)"\)', line) for line in lines]
    assert all(made), [line for line, match in zip(lines, made, strict=True) if not match]
    assert len(made) > 3
    assert all(callable(getattr(in_notebook, match[1])) for match in made)


def test_every_public_name_resolves():
    for name in microjoule.__all__:
        assert getattr(microjoule, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        microjoule.nonsense  # noqa: B018
