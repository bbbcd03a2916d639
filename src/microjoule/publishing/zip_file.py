"""Zip files that come out the same wherever they are made, and that are read as if an enemy had made them.

Members are stored and not compressed, because two zlibs compress one text to different bytes and traces are
compressed already; they are in order of their names and have one date and one mode.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import IO

from ..errors import BundleError

_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip file knows
_MODE = 0o644 << 16
_UNIX = 3
_CHUNK = 1 << 20
BLOCK_MIN, BLOCK_MAX = 1 << 8, 1 << 20
BLOCKS = 1 << 10  # of a file, at most, up to a gigabyte

Content = bytes | Path
"""What a member holds: bytes, or the file that they are in."""


def pack(members: Mapping[str, Content], target: Path | IO[bytes]) -> None:
    """Writes a zip file of some members.

    Raises:
        OSError: It cannot be written, or a file of it cannot be read.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as packed:
        for name in sorted(members):
            content = members[name]
            info = zipfile.ZipInfo(name, _DATE)
            info.external_attr, info.create_system = _MODE, _UNIX
            info.file_size = len(content) if isinstance(content, bytes) else content.stat().st_size
            with packed.open(info, "w") as member:
                if isinstance(content, bytes):
                    member.write(content)
                    continue
                with content.open("rb") as source:
                    while chunk := source.read(_CHUNK):
                        member.write(chunk)


def unpacked(path: Path, folder: Path) -> dict[str, Path]:
    """The members of a zip file, each in a file of the folder with a name of its own.

    All of them together are no longer than the zip file: nothing in a bundle is compressed, so that what says
    it is longer was not written by ``uj publish`` and is refused before anything is unpacked.

    Args:
        path: The zip file.
        folder: An empty folder.

    Raises:
        BundleError: It is no zip file, is damaged, or has a member that is compressed or whose name leads
            out of it.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            infos = packed.infolist()
            _refuse_names([info.filename for info in infos])
            _refuse_sizes(infos, path.stat().st_size)
            found = {}
            for number, info in enumerate(infos):
                target = folder / f"{number}{PurePosixPath(info.filename).suffix}"
                found[info.filename] = _extracted(packed, info, target)
            return found
    except FileNotFoundError:
        raise BundleError(f"There is no bundle {path}", "Check the path") from None
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise BundleError(f"{path} is not a zip file, or is damaged: {error}", "Take another copy") from error
    except OSError as error:
        raise BundleError(f"Cannot read {path}: {error.strerror or error}", "Check the path") from error


def _extracted(packed: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> Path:
    try:
        with packed.open(info) as member, target.open("wb") as file:
            while chunk := member.read(_CHUNK):
                file.write(chunk)
    except zipfile.BadZipFile as error:
        # The bytes are wanted all the same: in them lies what is wrong, and readers say where.
        if "CRC" not in str(error):
            raise BundleError(f"{info.filename} is damaged: {error}", "Take another copy") from error
        _raw(Path(str(packed.filename)), info, target)
    return target


def _raw(path: Path, info: zipfile.ZipInfo, target: Path) -> None:
    """The bytes of a stored member whose checksum is wrong."""
    with path.open("rb") as source, target.open("wb") as file:
        source.seek(info.header_offset + 26)
        name, extra = (int.from_bytes(source.read(2), "little") for _ in range(2))
        source.seek(name + extra, 1)
        file.write(source.read(info.file_size))


def _refuse_names(names: list[str]) -> None:
    for name in names:
        path = PurePosixPath(name)
        if not name or name.endswith("/") or path.is_absolute() or "\\" in name or ":" in name:
            raise BundleError(f"The member {name!r} is not a file inside the bundle", _UNTRUSTED)
        if ".." in path.parts or str(path) != name:
            raise BundleError(f"The member {name!r} leads out of the bundle", _UNTRUSTED)
    twice = next((name for name in names if names.count(name) > 1), None) if len(names) < _MANY else None
    if twice is not None or len(names) >= _MANY:
        what = f"two members are called {twice!r}" if twice is not None else f"it has {len(names)} members"
        raise BundleError(f"This is not a bundle: {what}", _UNTRUSTED)


def _refuse_sizes(infos: list[zipfile.ZipInfo], size: int) -> None:
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise BundleError(
                f"The member {info.filename!r} is compressed, or its size is damaged", _UNTRUSTED
            )
    total = sum(info.file_size for info in infos)
    if total > size:
        raise BundleError(
            f"Its members are said to have {total} bytes, more than the file itself", _UNTRUSTED
        )


_MANY = 10_000
_UNTRUSTED = "Do not unpack it: `uj publish` makes no such file"


def digest(content: Content) -> str:
    """The SHA-256 of a member, in hexadecimal."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def block_bytes(size: int) -> int:
    """How long the blocks are of a file of so many bytes: from 256 bytes to a megabyte."""
    wanted = 1 << (max(size - 1, 0) // BLOCKS).bit_length()
    return min(max(wanted, BLOCK_MIN), BLOCK_MAX)


def blocks(path: Path, size: int) -> list[str]:
    """The beginning of the SHA-256 of each block of a file: they say where a file was changed.

    Args:
        path: The file.
        size: The bytes that it had when it was published, which decide how long its blocks are.
    """
    with path.open("rb") as file:
        parts = iter(lambda: file.read(block_bytes(size)), b"")
        return [hashlib.sha256(part).hexdigest()[:16] for part in parts]


def first_difference(one: Path, other: Path) -> int | None:
    """The first byte that two files do not have in common; None: they are the same."""
    at = 0
    with one.open("rb") as a, other.open("rb") as b:
        while True:
            left, right = a.read(_CHUNK), b.read(_CHUNK)
            if left != right:
                pairs = zip(left, right, strict=False)
                own = next((i for i, (x, y) in enumerate(pairs) if x != y), min(len(left), len(right)))
                return at + own
            if not left:
                return None
            at += len(left)


def member_at(path: Path, offset: int) -> str:
    """Which member of a zip file a byte belongs to, its header included; else its directory."""
    with zipfile.ZipFile(path) as packed:
        infos = sorted(packed.infolist(), key=lambda info: info.header_offset)
        start = packed.start_dir
    if offset >= start:
        return "the list of members at its end"
    inside = [info.filename for info in infos if info.header_offset <= offset]
    return inside[-1] if inside else "its beginning"
