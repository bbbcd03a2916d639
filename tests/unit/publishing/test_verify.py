"""A bundle is made the same everywhere, its figures follow from its counts, and what does not is found."""

import json
import random
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from bundles import TERMS, manifest, members, packed, signed, trace

import microjoule as uj
from microjoule.errors import BundleError, SameFile
from microjoule.publishing import publish, verify
from microjoule.publishing.contents import MANIFEST
from microjoule.publishing.zip_file import BLOCKS, block_bytes

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("bundle")


@pytest.fixture(scope="module")
def bundle(folder):
    target = folder / "result.zip"
    publish([trace(folder / "a.arrows"), trace(folder / "b.arrows", 30.0)], target, TERMS)
    return target


def test_every_figure_of_a_bundle_follows_from_its_counts(bundle):
    found = verify(bundle)
    assert (found.answer, found.findings, found.by) == ("equal", (), None)
    assert found.figures > 300
    assert found.traces == 2


def test_a_bundle_holds_the_traces_byte_by_byte_and_what_the_issue_names(bundle, folder):
    found = members(bundle)
    assert found["traces/a.arrows"] == (folder / "a.arrows").read_bytes()
    figures = json.loads(found["figures/a.json"])
    assert figures["whole"]["total"]["energy_j"] == uj.load(folder / "a.arrows").energy().total.value
    assert figures["whole"]["footprint"]["co2e_location"]["value"] > 0
    manifest = json.loads(found[MANIFEST])
    assert {row["name"] for row in manifest["members"]} == found.keys() - {MANIFEST}
    licences = found["LICENCES.txt"].decode()
    assert "CC-BY" in licences
    assert "uj verify" in found["README.txt"].decode()
    drawing = found["boundary.svg"].decode()
    for word in ("Measured", "Estimated", "Left out", "package-0", "PUE of 1.2", "power supply"):
        assert word in drawing, word


def test_a_bundle_is_the_same_wherever_and_whenever_it_is_made(bundle, folder, tmp_path, monkeypatch):
    for name in ("a", "b"):
        shutil.copy(folder / f"{name}.arrows", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    publish([Path("a.arrows"), Path("b.arrows")], Path("other.zip"), TERMS)
    assert Path("other.zip").read_bytes() == bundle.read_bytes()


def test_two_traces_of_one_name_are_both_there(folder, tmp_path):
    other = tmp_path / "x" / "a.arrows"
    other.parent.mkdir()
    trace(other, 20.0)
    publish([folder / "a.arrows", other], tmp_path / "r.zip", TERMS)
    assert {"traces/a.arrows", "traces/a-2.arrows", "figures/a-2.json"} <= members(tmp_path / "r.zip").keys()
    assert verify(tmp_path / "r.zip").answer == "equal"


def test_one_flipped_byte_is_found_and_located_wherever_it_is(bundle, tmp_path):
    """Every member, each of its headers, and the list at the end: a bit of each 5,000 bytes."""
    data = bundle.read_bytes()
    with zipfile.ZipFile(bundle) as archive:
        starts = sorted((info.header_offset, info.filename) for info in archive.infolist())
        end = archive.start_dir
    chance = random.Random(23)
    places = [chance.randrange(at, min(at + 5000, len(data))) for at in range(0, len(data), 5000)]
    found = 0
    for at in [*places, *(offset + chance.randrange(30) for offset, _ in starts), end + 30, len(data) - 4]:
        spoilt = bytearray(data)
        spoilt[at] ^= 1 << chance.randrange(8)
        (tmp_path / "spoilt.zip").write_bytes(bytes(spoilt))
        verdict = verify(tmp_path / "spoilt.zip")
        assert verdict.answer != "equal", at
        said = " ".join(f"{each.where} {each.what}" for each in verdict.findings)
        member = next((name for offset, name in reversed(starts) if offset <= at), "")
        found += (at >= end) or member in said or f"byte {at}" in said
        assert (at >= end) or member in said or "manifest" in said or f"byte {at}" in said, (at, member, said)
    assert found > len(places)


def test_a_flipped_byte_of_a_small_trace_is_located_to_256_bytes(tmp_path):
    """And the damage that it does begins before it ends where batches lie over one another in time."""
    publish([GOLDEN / "powercap.arrows"], tmp_path / "r.zip", TERMS)
    found = members(tmp_path / "r.zip")
    data = bytearray(found["traces/powercap.arrows"])
    data[7052] ^= 4
    verdict = verify(packed(tmp_path / "r.zip", {**found, "traces/powercap.arrows": bytes(data)}))
    (finding,) = verdict.findings
    assert "bytes 6912 to 7167 differ first" in finding.what
    (t0_s, t1_s) = map(float, re.findall(r"([\d.]+) s(?: to|\))", finding.what))
    assert t0_s < t1_s


@pytest.mark.parametrize(
    ("size", "length"),
    [(0, 256), (1 << 18, 256), ((1 << 18) + 1, 512), (1 << 30, 1 << 20), (1 << 40, 1 << 20)],
)
def test_the_blocks_of_a_file_are_a_thousand_at_most_up_to_a_gigabyte(size, length):
    assert block_bytes(size) == length
    assert size > 1 << 30 or -(-size // length) <= BLOCKS


def test_a_flipped_bit_of_a_reading_is_located_in_the_trace(bundle, tmp_path):
    found = members(bundle)
    data = bytearray(found["traces/a.arrows"])
    data[3 * len(data) // 4] ^= 4
    verdict = verify(packed(tmp_path / "r.zip", {**found, "traces/a.arrows": bytes(data)}))
    assert verdict.answer == "cannot"
    (finding,) = verdict.findings
    assert finding.where == "traces/a.arrows"
    first, last = map(int, re.findall(r"bytes (\d+) to (\d+) differ first", finding.what)[0])
    assert first <= 3 * len(data) // 4 <= last
    assert "batch" in finding.what


def test_an_edited_figure_is_named_with_the_size_of_the_difference(bundle, tmp_path):
    found = members(bundle)
    figures = json.loads(found["figures/b.json"])
    figures["whole"]["total"]["energy_j"] *= 0.9
    edited = signed({**found, "figures/b.json": json.dumps(figures, indent=1, sort_keys=True).encode()})
    verdict = verify(packed(tmp_path / "r.zip", edited))
    assert verdict.answer == "differs"
    assert [each.where for each in verdict.findings] == ["figures/b.json: whole.total.energy_j"]
    assert verdict.by == pytest.approx(0.1)


def test_a_trace_that_was_edited_by_hand_is_found_by_its_own_checksums(bundle, tmp_path, folder):
    """Whoever raises a count and writes a manifest that fits has still to fool the trace's checksums."""
    import pyarrow as pa

    with pa.ipc.open_stream(str(folder / "a.arrows")) as reader:
        table = reader.read_all()
    raw = table.column("raw").to_pylist()
    raw[400] += 7
    edited = table.set_column(3, table.schema.field("raw"), pa.array(raw, pa.uint64()))
    with pa.ipc.new_stream(str(tmp_path / "edited.arrows"), table.schema) as writer:
        writer.write_table(edited)
    found = {**members(bundle), "traces/a.arrows": (tmp_path / "edited.arrows").read_bytes()}
    plain = verify(packed(tmp_path / "r.zip", found))
    assert plain.answer == "cannot"
    assert "checksum" in plain.findings[0].what
    resigned = verify(packed(tmp_path / "r2.zip", signed(found)))
    assert resigned.answer != "equal"
    assert any("damaged" in note for note in resigned.notes)


def without(found, name):
    return {key: value for key, value in found.items() if key != name}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda found: {**found, "../evil.txt": b""}, "leads out of the bundle"),
        (lambda found: {**found, "/etc/evil": b""}, "is not a file inside the bundle"),
        (lambda found: {**found, "a\\b": b""}, "is not a file inside the bundle"),
        (lambda found: without(found, "traces/a.arrows"), "it is missing"),
        (lambda found: without(found, "figures/a.json"), "it is missing"),
        (lambda found: without(found, MANIFEST), "it is not a bundle"),
        (lambda found: manifest(found, format=2), "has bundle format 2"),
        (lambda found: manifest(found, kind="other"), "is not a microjoule bundle"),
        (lambda found: manifest(found, traces=[{"trace": "none.arrows"}]), "lists no none.arrows"),
        (lambda found: manifest(found, terms={}), "factors"),
        (lambda found: {**found, MANIFEST: b"[1, 2]"}, "damaged"),
        (lambda found: {**found, MANIFEST: b"no json"}, "damaged"),
    ],
)
def test_what_is_no_sound_bundle_cannot_be_verified_and_says_why(bundle, tmp_path, change, says):
    verdict = verify(packed(tmp_path / "r.zip", change(members(bundle))))
    assert verdict.answer == "cannot"
    assert says in " ".join(f"{each.where} {each.what}" for each in verdict.findings)
    assert not (tmp_path.parent / "evil.txt").exists()


def test_a_stranger_beside_the_members_is_named(bundle, tmp_path):
    verdict = verify(packed(tmp_path / "r.zip", {**members(bundle), "notes.txt": b"hello"}))
    assert verdict.answer == "differs"
    assert [each.where for each in verdict.findings] == ["notes.txt"]


def test_a_bundle_of_another_version_is_compared_by_its_numbers(bundle, tmp_path):
    found = members(bundle)
    figures = json.loads(found["figures/a.json"])
    figures["sentence"] = "said in another way"
    text = json.dumps(figures).encode()
    older = manifest(signed({**found, "figures/a.json": text}), microjoule="0.0.1")
    verdict = verify(packed(tmp_path / "r.zip", older))
    assert verdict.answer == "equal"
    assert "0.0.1" in verdict.notes[0]
    figures["whole"]["total"]["U_j"] *= 2
    older = manifest(signed({**found, "figures/a.json": json.dumps(figures).encode()}), microjoule="0.0.1")
    assert verify(packed(tmp_path / "r.zip", older)).answer == "differs"


def test_what_is_no_zip_file_and_what_is_not_there(tmp_path):
    (tmp_path / "x.zip").write_text("hello")
    assert "not a zip file" in verify(tmp_path / "x.zip").findings[0].what
    assert "There is no bundle" in verify(tmp_path / "y.zip").findings[0].what


def test_a_bundle_is_not_written_over_its_trace_nor_into_nowhere(folder, tmp_path):
    with pytest.raises(SameFile):
        publish([folder / "a.arrows"], folder / "a.arrows", TERMS)
    with pytest.raises(BundleError, match="Cannot write"):
        publish([folder / "a.arrows"], tmp_path / "none" / "r.zip", TERMS)
    with pytest.raises(BundleError, match="Nothing to publish"):
        publish([], tmp_path / "r.zip", TERMS)
    with pytest.raises(uj.errors.TraceError):
        publish([tmp_path / "none.arrows"], tmp_path / "r.zip", TERMS)
    assert not (tmp_path / "r.zip").exists()


def test_a_trace_that_was_cut_is_published_and_says_so(folder, tmp_path):
    cut = tmp_path / "cut.arrows"
    cut.write_bytes((folder / "a.arrows").read_bytes()[:-3000])
    publish([cut], tmp_path / "r.zip", TERMS)
    verdict = verify(tmp_path / "r.zip")
    assert verdict.answer == "equal"
    assert any("cut before" in note for note in verdict.notes)
