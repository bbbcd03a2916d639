"""Bundles that somebody made to mislead or to break `uj verify`: each is named, and none is a traceback."""

import json
import zipfile

import pytest
from bundles import TERMS, manifest, members, packed, signed, trace

from microjoule.cli import main
from microjoule.publishing import publish, verify
from microjoule.publishing.contents import MANIFEST
from microjoule.publishing.figures_in_words import unsupported

DEEP = b"[" * 200_000


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    publish([trace(folder / "a.arrows")], folder / "r.zip", TERMS)
    return members(folder / "r.zip")


def said(verdict):
    return " ".join(f"{each.where} {each.what}" for each in verdict.findings)


def older(found):
    return manifest(signed(found), microjoule="0.0.9")


def test_words_of_another_version_are_not_called_verified(found, tmp_path, capsys):
    assert main(["verify", str(packed(tmp_path / "r.zip", older(found)))]) == 0
    assert "equal in numbers, words unverified" in " ".join(capsys.readouterr().out.split())
    assert main(["verify", str(packed(tmp_path / "own.zip", found))]) == 0
    assert "unverified" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["README.txt", "figures/a.json", "boundary.svg"])
def test_a_figure_that_was_changed_in_the_words_of_another_version_is_named(found, tmp_path, name):
    before = found[name].decode()
    assert "44.8 J" in before
    forged = {**found, name: before.replace("44.8 J", "1.7 J").encode()}
    verdict = verify(packed(tmp_path / "r.zip", older(forged)))
    assert verdict.answer == "differs"
    assert name in said(verdict)
    assert "1.7 J" in said(verdict)


@pytest.mark.parametrize(
    ("there", "here", "names"),
    [
        ("44.8 J", "used 44.80 J", []),
        ("45 J", "44.8 J", []),
        ("1 Wh", "3.600 kJ", []),
        ("1,999 Wh", "2.00 kWh", []),
        ("4e+01 W", "44.8 W", []),
        ("no figure, 3 runs, 95 %", "", []),
        ("g/kWh 329.6 g/kWh", "", []),
        ("44.8 mJ", "44.8 J", ["44.8 mJ"]),
        ("44.8 W", "44.8 J", ["44.8 W"]),
        ("1.7 J in 3 s", "71.7 J in 3 s", ["1.7 J"]),
        ("46 J", "44.8 J", ["46 J"]),
        ("1" * 30 + "e999 J", "1 J", ["1" * 30 + "e999 J"]),
    ],
)
def test_figures_in_words_are_the_same_within_the_last_digit_of_the_coarser(there, here, names):
    assert unsupported(there, here) == names


def test_a_compressed_member_is_refused_before_anything_is_unpacked(found, tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr("microjoule.publishing.zip_file._extracted", lambda *of: made.append(of))
    path = packed(tmp_path / "r.zip", found)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zz", bytes(10_000_000))
    assert path.stat().st_size < 200_000
    verdict = verify(path)
    assert (verdict.answer, made) == ("cannot", [])
    assert "'zz' is compressed" in said(verdict)
    assert "Do not unpack it" in verdict.remedy


def test_members_that_lie_over_one_another_are_refused(found, tmp_path):
    """Many names of one stored member: the file is short, and what is unpacked of it would be long."""
    path = packed(tmp_path / "r.zip", found)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("zz0", bytes(100_000))
        first = archive.getinfo("zz0")
        for number in range(1, 9):
            again = zipfile.ZipInfo(f"zz{number}")
            for field in ("header_offset", "CRC", "compress_size", "file_size", "external_attr"):
                setattr(again, field, getattr(first, field))
            archive.filelist.append(again)
            archive.NameToInfo[again.filename] = again
    verdict = verify(path)
    assert verdict.answer == "cannot"
    assert "more than the file itself" in said(verdict)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"windows_max": "x"}, "windows_max is not a whole number"),
        ({"windows_max": [1]}, "windows_max is not a whole number"),
        ({"windows_max": 1.5}, "windows_max is not a whole number"),
        ({"windows_max": True}, "windows_max is not a whole number"),
        ({"windows_max": -1}, "windows_max is negative"),
        ({"format": "2"}, "format is not a whole number"),
        ({"format": None}, "format is not a whole number"),
        ({"microjoule": 5}, "microjoule is not a version"),
        ({"microjoule": "\ud800"}, "damaged"),
        ({"terms": []}, "terms is not an object"),
        ({"traces": {}}, "traces is not a list"),
        ({"traces": [5]}, "traces[0] has no sound trace"),
        ({"members": [{"name": 5}]}, "members[0] has no sound name"),
    ],
)
def test_a_manifest_of_wrong_types_is_damaged_and_says_where(found, tmp_path, change, says):
    verdict = verify(packed(tmp_path / "r.zip", manifest(found, **change)))
    assert verdict.answer == "cannot"
    assert says in said(verdict)
    assert "Error(" not in said(verdict)
    assert verdict.remedy


@pytest.mark.parametrize(("key", "value"), [("sha256", "0" * 64), ("bytes", 1)])
def test_a_manifest_with_another_size_or_hash_of_a_member_differs(found, tmp_path, key, value):
    listed = json.loads(found[MANIFEST])
    next(row for row in listed["members"] if row["name"] == "README.txt")[key] = value
    text = json.dumps(listed, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    verdict = verify(packed(tmp_path / "r.zip", {**found, MANIFEST: text.encode()}))
    assert verdict.answer == "differs"
    assert "manifest.json its list of members" in said(verdict)


@pytest.mark.parametrize("name", ["traces/a.arrows", "README.txt"])
def test_a_member_that_is_missing_has_a_remedy_too(found, tmp_path, capsys, name):
    path = packed(tmp_path / "r.zip", {key: value for key, value in found.items() if key != name})
    assert main(["verify", str(path)]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert out.count("it is missing") == 1
    assert out.endswith(f"because of {name}: it is missing. Take another copy")


def places(plain, at=()):
    """Where each value of a document is."""
    items = plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ()
    for key, value in items:
        yield (*at, key)
        yield from places(value, (*at, key))


def forgeries(found):
    """The manifest with a value of each kind in each place."""
    for place in places(json.loads(found[MANIFEST])):
        for value in ("x", 5, [1], {}, None, True, -1, "44.8 J"):
            forged = inner = json.loads(found[MANIFEST])
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = value
            yield forged


def test_no_value_of_a_manifest_is_a_traceback(found, tmp_path):
    every = list(forgeries(found))
    chosen = every[::11]
    answers = [
        verify(packed(tmp_path / "r.zip", {**found, MANIFEST: json.dumps(each).encode()})).answer
        for each in chosen
    ]
    assert len(every) > 500
    assert 20 < answers.count("cannot") < len(answers)
    assert "differs" in answers


@pytest.mark.parametrize("name", [MANIFEST, "figures/a.json"])
def test_what_is_nested_too_deeply_is_no_traceback(found, tmp_path, name):
    verdict = verify(packed(tmp_path / "r.zip", {**found, name: DEEP}))
    assert verdict.answer != "equal"
    assert "nested too deeply" in said(verdict)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1" + "0" * 400, "-1e999"])
@pytest.mark.parametrize("version", ["same", "other"])
def test_a_figure_that_is_no_finite_number_differs_and_its_answer_is_json(found, tmp_path, value, version):
    figures = json.loads(found["figures/a.json"])
    figures["whole"]["total"]["energy_j"] = "HERE"
    text = json.dumps(figures).replace('"HERE"', value).encode()
    forged = {**found, "figures/a.json": text}
    verdict = verify(packed(tmp_path / "r.zip", older(forged) if version == "other" else signed(forged)))
    assert verdict.answer == "differs"
    assert "figures/a.json: whole.total.energy_j" in said(verdict)
    json.dumps(verdict.to_json(), allow_nan=False)


def test_factors_that_give_figures_beyond_all_numbers_cannot_be_verified(found, tmp_path):
    terms = json.loads(found[MANIFEST])["terms"]
    for factor in terms["factors"].values():
        factor.update(value=1e308, range=None)
    assert verify(packed(tmp_path / "r.zip", manifest(found, terms=terms))).answer != "equal"
