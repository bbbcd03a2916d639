"""The names of an archive's files, and which form they have.

    archive.json                                          the version of the form
    windows/date=D/project=P/host=H/RECORDING-CONTENT.parquet     the catalogue: a file a trace
    readings/date=D/project=P/host=H/RECORDING-CONTENT.parquet    its rows

``RECORDING`` is the same for all copies of a recording, a cut one and a whole one; ``CONTENT`` is that of one
file. A trace counts as added once its file of the catalogue is there, which is written last.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.compute as pc

from ..arrays import numbers
from ..errors import ArchiveError, BadTarget
from ..trace import schema
from .store import Store

FORMAT = 1
WINDOWS, READINGS = "windows", "readings"
UNKNOWN = "unknown"  # the date or the host of a trace that does not say

_ABOUT = "archive.json"
_KEY = "microjoule_archive"
_PARTS = ("date", "project", "host")
_SUFFIX = ".parquet"
_DAY = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_DIGITS = 16  # of a name: 64 bits
_CHUNK = 1 << 20


class Entry(NamedTuple):
    """Where a trace is in an archive.

    Attributes:
        date: The UTC day on which it began, ``2026-11-29``.
        project: As who added it says.
        host: The machine's name.
        recording: Of which recording, 16 hexadecimal digits.
        content: Of which file, 16 hexadecimal digits.
    """

    date: str
    project: str
    host: str
    recording: str
    content: str

    @property
    def trace(self) -> str:
        """The name of the trace in this archive."""
        return f"{self.recording}-{self.content}"

    def name(self, of: str) -> str:
        """Its file, of ``WINDOWS`` or of ``READINGS``."""
        folders = (f"{part}={quote(getattr(self, part), safe='')}" for part in _PARTS)
        return "/".join((of, *folders, self.trace + _SUFFIX))

    @classmethod
    def of(cls, name: str) -> Entry | None:
        """The entry of a file's name; None: it is no such file."""
        _, *folders, last = name.split("/")
        keys = [folder.partition("=") for folder in folders]
        recording, dash, content = last.removesuffix(_SUFFIX).partition("-")
        if [key for key, _, _ in keys] != list(_PARTS) or not (last.endswith(_SUFFIX) and dash):
            return None
        date, project, host = (unquote(value) for _, _, value in keys)
        return cls(date, project, host, recording, content)


class Wanted(NamedTuple):
    """Which traces of an archive are asked for; what is empty asks for all.

    Attributes:
        projects: Their names.
        hosts: Their names.
        since: The first day, ``2026-11-01`` or a beginning of it.
        until: The last day, itself included.
    """

    projects: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, projects: Iterable[str], hosts: Iterable[str], since: str, until: str) -> Wanted:
        """The same, with days that are some.

        Raises:
            BadTarget: One is none, or a project's name is no text.
        """
        for day in (since, until):
            if day and not _DAY.fullmatch(day):
                raise BadTarget(f"{day!r} is not a date", "Write 2026-11-29, 2026-11 or 2026")
        return cls(tuple(map(written, projects)), tuple(hosts), since, until)

    def takes(self, entry: Entry) -> bool:
        """Whether an entry is among them."""
        return (
            (not self.projects or entry.project in self.projects)
            and (not self.hosts or entry.host in self.hosts)
            and self._takes_day(entry.date)
        )

    def _takes_day(self, date: str) -> bool:
        if date == UNKNOWN:
            return not (self.since or self.until)
        return date >= self.since and (not self.until or date[: len(self.until)] <= self.until)


EVERYTHING = Wanted()


def written(project: str) -> str:
    """A project's name, if it can be written.

    Raises:
        BadTarget: It is no text: bytes of a command line that are not UTF-8.
    """
    try:
        project.encode()
    except UnicodeEncodeError as error:
        raise BadTarget(
            f"The project's name {project!r} is not UTF-8", "Write it in UTF-8, or in ASCII letters"
        ) from error
    return project


def entries(store: Store, wanted: Wanted = EVERYTHING, of: str = WINDOWS) -> list[Entry]:
    """The traces that an archive has, by day, project and host.

    Raises:
        ArchiveError: The store does not answer.
    """
    found = (Entry.of(name) for name in store.names(of))
    return sorted(each for each in found if each is not None and wanted.takes(each))


def same_day(store: Store, entry: Entry) -> Iterable[Entry]:
    """The traces of one day and host, of all projects."""
    day = f"{WINDOWS}/date={quote(entry.date, safe='')}"
    for project in store.folders(day):
        for name in store.names(f"{day}/{project}/host={quote(entry.host, safe='')}"):
            found = Entry.of(name)
            if found is not None:
                yield found


def opened(address: str, *, is_made: bool = False) -> Store:
    """An archive.

    Args:
        address: A folder or a URI.
        is_made: Make it where there is none.

    Raises:
        ArchiveError: There is none, it is of a later version, or the store does not answer.
    """
    store = Store(address)
    if store.size(_ABOUT) is None:
        if not is_made:
            raise ArchiveError(
                f"There is no archive at {address}", f"Create one: uj archive add TRACE --archive {address}"
            )
        store.write(_ABOUT, io.BytesIO((json.dumps({_KEY: FORMAT}) + "\n").encode()))
        return store
    try:
        version = int(json.loads(store.read(_ABOUT))[_KEY])
    except (ValueError, LookupError, TypeError, OverflowError, RecursionError) as error:
        raise ArchiveError(
            f"{address} is not an archive: its {_ABOUT} does not identify one", "Choose another folder"
        ) from error
    if version > FORMAT:
        raise ArchiveError(
            f"The archive {address} has version {version}; this microjoule reads versions up to {FORMAT}",
            "Update it: pip install --upgrade microjoule",
        )
    return store


def recording_of(table: pa.Table) -> str:
    """The name of a recording: of its channels, of what its opening says of machine and moment, of its start.

    Args:
        table: Its rows, or those of its beginning and end.
    """
    metadata = table.schema.metadata
    kept = (metadata[schema.KEY_CHANNELS], metadata[schema.KEY_FACTS], str(_opened_ns(table)).encode())
    return hashlib.sha256(b"\0".join(kept)).hexdigest()[:_DIGITS]


def _opened_ns(table: pa.Table) -> int:
    """When the recorder began.

    Not the earliest row: a lane is written when it is full, and a cut copy may lack its early rows.
    """
    if not table.num_rows:
        return 0
    is_opening = pc.equal(table["channel"].cast(pa.utf8()), schema.OPENING)
    of = table.filter(is_opening) if pc.any(is_opening).as_py() else table
    return int(numbers(of["t_ns"]).min())


def content_of(path: Path) -> str:
    """The name of a file's content."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_CHUNK):
            found.update(part)
    return found.hexdigest()[:_DIGITS]
