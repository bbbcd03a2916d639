"""Bundles for tests: made of known traces, taken apart, changed and packed again."""

import hashlib
import json
import zipfile

from ideal import MS, T0, Ideal, constant, rows, write

from microjoule.footprint.chosen_factors import FactorOptions, terms
from microjoule.publishing.contents import MANIFEST
from microjoule.publishing.zip_file import pack
from microjoule.trace.repairing import repair

TERMS = terms(FactorOptions(zone="DE", pue="1.2", embodied="1000 kg / 4 y"))


def trace(path, watts=50.0):
    """A trace with two windows, and with checksums, as the recorder writes them."""
    ideal = Ideal(constant(watts), n=900)
    marks = [(T0 + 100 * MS, "@begin", 0, "step"), (T0 + 300 * MS, "@end", 0, "step"),
             (T0 + 400 * MS, "@begin", 1, "step"), (T0 + 600 * MS, "@end", 1, "step")]  # fmt: skip
    write(path.with_suffix(".plain.arrows"), rows([ideal], marks))
    repair(path.with_suffix(".plain.arrows"), path)
    return path


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path, found):
    pack(found, path)
    return path


def signed(found):
    """The members with a manifest that lists their sizes and hashes: as somebody would who edits one."""
    manifest = json.loads(found[MANIFEST])
    for row in manifest["members"]:
        if row["name"] in found:
            content = found[row["name"]]
            row.update(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    text = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    return {**found, MANIFEST: text.encode()}


def manifest(found, **changes):
    return {**found, MANIFEST: json.dumps({**json.loads(found[MANIFEST]), **changes}).encode()}
