"""``uj verify``: whether a bundle's figures follow from the raw counts in it.

The bundle is made again from its own traces and compared with what it holds: each member's SHA-256, each
trace's own checksums, each figure, each word, and at last the file byte by byte. What is wrong is named with
its place. Nobody can tell raw counts that were forged with all their checksums from counts that were read.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import BundleError, MicrojouleError
from ..joules.energy_trace import load
from ..trace.raw_trace import RawTrace
from ..trace.schema import KEY_CHECKSUMS
from ..units import seconds
from ..version import VERSION
from .comparing import differences, n_numbers, unfollowed
from .contents import MANIFEST, contents
from .figures_in_words import unsupported
from .manifest import COPY, choices, parsed, read_manifest
from .verdict import CANNOT, DIFFERS, EQUAL, Finding, Verdict
from .zip_file import Content, block_bytes, blocks, digest, first_difference, member_at, pack, unpacked

_TRACES = "traces/"


class _Bundle(NamedTuple):
    """An unpacked bundle: its file, where its members are, and what its manifest says."""

    path: Path
    members: Mapping[str, Path]
    manifest: Mapping[str, Any]

    @property
    def listed(self) -> dict[str, Mapping[str, Any]]:
        """The members that the manifest lists, by name."""
        return {row["name"]: row for row in self.manifest["members"]}

    @property
    def traces(self) -> dict[str, Path]:
        """The traces by the name that they have in the bundle, in the manifest's order."""
        names = [row["trace"] for row in self.manifest["traces"]]
        return {name: self.members[f"{_TRACES}{name}"] for name in names}


def verify(path: Path) -> Verdict:
    """Whether a bundle's figures follow from its raw counts."""
    with tempfile.TemporaryDirectory(prefix="microjoule-") as folder:
        try:
            bundle = _opened(path, Path(folder))
            missing = [name for name in bundle.listed if name not in bundle.members]
            if missing:
                return _cannot(*(Finding(name, "it is missing") for name in missing))
            spoilt, notes = _spoilt(bundle)
            if spoilt:
                return _cannot(*spoilt, notes=notes)
            made = contents(bundle.traces, choices(bundle.manifest))
        except MicrojouleError as error:
            return _cannot(Finding(str(path), error.what), remedy=error.remedy)
        except (ArithmeticError, ValueError) as error:  # factors of any size give figures that are not finite
            return _cannot(Finding(str(path), f"The figures cannot be computed: {error}"))
        found = list(_compared(bundle, made))
        is_other = bundle.manifest["microjoule"] != VERSION
        if not found and not is_other and bundle.members[MANIFEST].read_bytes() != _bytes(made[MANIFEST]):
            found = [Finding(MANIFEST, "its list of members is not as `uj publish` writes it")]
        if not found:
            found = list(_other_bytes(bundle, Path(folder) / "again.zip"))
        if is_other:
            notes = [*notes, f"made by microjoule {bundle.manifest['microjoule']} and verified by {VERSION}: "
                     "numbers are compared, words are not, but for the figures in them"]  # fmt: skip
        return Verdict(
            answer=DIFFERS if found else EQUAL,
            figures=sum(
                n_numbers(_plain(each)) for name, each in made.items() if name.startswith("figures/")
            ),
            traces=len(bundle.traces),
            findings=tuple(found),
            notes=tuple(notes),
            are_words_verified=not is_other,
        )


def _cannot(*findings: Finding, notes: list[str] | None = None, remedy: str = COPY) -> Verdict:
    return Verdict(answer=CANNOT, findings=findings, notes=tuple(notes or ()), remedy=remedy)


def _opened(path: Path, folder: Path) -> _Bundle:
    """The bundle with its members unpacked.

    Raises:
        BundleError: It is none, is of a later format, or is not sound.
    """
    members = unpacked(path, folder)
    if MANIFEST not in members:
        raise BundleError(
            f"{path} has no {MANIFEST}: it is not a bundle", "Give a file written by `uj publish`"
        )
    bundle = _Bundle(path, members, read_manifest(members[MANIFEST], str(path)))
    unlisted = [
        name
        for name in (row["trace"] for row in bundle.manifest["traces"])
        if f"{_TRACES}{name}" not in bundle.listed
    ]
    if unlisted:
        raise BundleError(f"The {MANIFEST} of {path} lists no {', '.join(unlisted)}", COPY)
    return bundle


def _spoilt(bundle: _Bundle) -> tuple[list[Finding], list[str]]:
    """The traces that are not the ones that were published, with where; and notes on the others."""
    found: list[Finding] = []
    notes: list[str] = []
    for name, path in bundle.traces.items():
        member = f"{_TRACES}{name}"
        is_other = digest(path) != bundle.listed[member]["sha256"]
        try:
            trace = load(path)
        except MicrojouleError as error:
            where = f" ({_changed(bundle, name)})" if is_other else ""
            found.append(Finding(member, f"{error.what.replace(str(path), name)}{where}"))
            continue
        damage = [
            f"{each.what}{_between(trace, each.t0_ns, each.t1_ns)}: {each.why}" for each in trace.damage
        ]
        if is_other:
            what = "; ".join([_changed(bundle, name), *damage])
            found.append(Finding(member, f"it is not the file that was published: {what}"))
        elif damage:
            notes.append(f"{member} was damaged when it was published: {'; '.join(damage)}")
        if not _has_checksums(trace):
            notes.append(f"{member} has no checksums of its own: an edit before publishing would not show")
        if trace.is_truncated:
            notes.append(f"{member} was cut before its recording ended: its whole part is counted")
    return found, notes


def _changed(bundle: _Bundle, name: str) -> str:
    """Which bytes of a trace are not those that were published."""
    row = next(row for row in bundle.manifest["traces"] if row["trace"] == name)
    size = bundle.listed[f"{_TRACES}{name}"]["bytes"]
    published, there = row.get("blocks"), blocks(bundle.traces[name], size)
    if not published:
        return "its hash differs"
    length = block_bytes(size)
    first = next((i for i, (a, b) in enumerate(zip(published, there, strict=False)) if a != b), None)
    if first is None:
        return f"{len(there) - len(published):+d} blocks of {length} bytes"
    end = min((first + 1) * length, bundle.traces[name].stat().st_size)
    return f"bytes {first * length} to {end - 1} differ first"


def _between(trace: RawTrace, t0_ns: int | None, t1_ns: int | None) -> str:
    """Where in the recording a damage lies, in seconds since its first reading."""
    times = trace.table.column("t_ns")
    if t0_ns is None or t1_ns is None or not len(times):
        return ""
    first = times[0].as_py()
    return f" ({seconds(t0_ns - first):.2f} s to {seconds(t1_ns - first):.2f} s)"


def _has_checksums(trace: RawTrace) -> bool:
    return KEY_CHECKSUMS in (trace.table.schema.metadata or {})


def _compared(bundle: _Bundle, made: Mapping[str, Content]) -> Iterator[Finding]:
    """Where the members are not those that the traces give."""
    is_other = bundle.manifest["microjoule"] != VERSION
    for name in sorted({*made, *bundle.members}):
        if name.startswith(_TRACES) and name in made:
            continue
        if name not in bundle.members:
            if not is_other:
                yield Finding(name, "it is missing")
        elif name not in made:
            yield Finding(name, "it is not a part of the bundle")
        elif name.endswith(".json"):
            yield from _documents(name, bundle.members[name], made[name], is_other=is_other)
        elif is_other:
            there, here = (
                _bytes(each).decode(errors="replace") for each in (bundle.members[name], made[name])
            )
            yield from (Finding(name, unfollowed(each)) for each in unsupported(there, here))
        elif bundle.members[name].read_bytes() != made[name]:
            yield Finding(
                name, f"it is not what the traces give, from {_line(bundle.members[name], made[name])} on"
            )


def _documents(name: str, there: Path, made: Content, *, is_other: bool) -> Iterator[Finding]:
    try:
        published = parsed(there.read_bytes())
    except ValueError as error:
        yield Finding(name, f"it is not JSON: {error}")
        return
    here = _plain(made)
    if name == MANIFEST:  # it lists hashes of what is compared by itself
        published, here = ({**each, "members": None} for each in (published, here))
    found = list(differences(name, published, here, is_of_other_version=is_other))
    yield from found
    if not found and not is_other and name != MANIFEST and there.read_bytes() != made:
        yield Finding(name, "its numbers are equal, and it was written in another way")


def _plain(content: Content) -> Any:  # noqa: ANN401 - JSON values
    return parsed(_bytes(content))


def _bytes(content: Content) -> bytes:
    return content if isinstance(content, bytes) else content.read_bytes()


def _line(there: Path, made: Content) -> str:
    pairs = zip(there.read_bytes().splitlines(), _bytes(made).splitlines(), strict=False)
    return f"line {next((n for n, (a, b) in enumerate(pairs, 1) if a != b), 'its end')}"


def _other_bytes(bundle: _Bundle, again: Path) -> Iterator[Finding]:
    """The first byte of the file that is not as it was, where all members are: one of the zip's own."""
    pack(bundle.members, again)
    at = first_difference(bundle.path, again)
    if at is not None:
        where = member_at(again, at)
        yield Finding(
            f"{bundle.path}: byte {at}",
            f"the zip's own record of {where} is not as it was written; all members are whole",
        )
