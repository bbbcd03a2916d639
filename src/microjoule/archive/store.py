"""Where an archive lies: a folder of this machine, or any file system that ``pyarrow.fs`` knows by a URI.

Decision: nothing is locked and nothing is changed once it is written. Each file has a name that its content
gives it, so that two writers of one trace write one file, twice, and writers of two traces never meet. A file
appears whole: locally by a rename, in an object store because an object is there once all of it was sent,
and elsewhere by a move. What was given up: space, where a trace is stored again that is longer than before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import IO, Any, TypeVar

import pyarrow as pa
from pyarrow import fs

from ..errors import ArchiveError, BadArchiveAddress
from ..whole_file import whole_file

_OBJECT_STORES = frozenset({"s3", "gcs", "abfs"})
_CHUNK = 8 << 20
_AT_ONCE = 16  # files that are read at a time: a store answers each after some milliseconds

T = TypeVar("T")


class Store:
    """The files of an archive, by names relative to it with ``/`` between folders.

    Args:
        address: A folder, or a URI such as ``s3://bucket/traces?region=eu-central-1``.

    Raises:
        BadArchiveAddress: No file system has such addresses.
    """

    def __init__(self, address: str | os.PathLike[str]) -> None:
        self.address = os.fspath(address)
        try:
            if "://" in self.address:
                self._files, root = fs.FileSystem.from_uri(self.address)
            else:
                self._files, root = fs.LocalFileSystem(), os.path.abspath(self.address)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise BadArchiveAddress(
                f"Cannot open the archive {self.address}: {_reason(error)}",
                "Give a folder, or a URI such as s3://BUCKET/FOLDER?region=REGION",
            ) from error
        self._root = root.rstrip("/")

    def names(self, folder: str) -> list[str]:
        """The files in a folder and in all below it, ascending; empty: there is no such folder."""
        selector = fs.FileSelector(self._path(folder), allow_not_found=True, recursive=True)
        with self._reported(f"list {folder}"):
            found = self._files.get_file_info(selector)
        return sorted(each.path[len(self._root) + 1 :] for each in found if each.type == fs.FileType.File)

    def folders(self, folder: str) -> list[str]:
        """The names of the folders right in a folder."""
        selector = fs.FileSelector(self._path(folder), allow_not_found=True)
        with self._reported(f"list {folder}"):
            found = self._files.get_file_info(selector)
        return sorted(each.base_name for each in found if each.type == fs.FileType.Directory)

    def size(self, name: str) -> int | None:
        """The bytes of a file; None: there is none."""
        with self._reported(f"look for {name}"):
            found = self._files.get_file_info(self._path(name))
        return int(found.size) if found.type == fs.FileType.File else None

    def read(self, name: str) -> bytes:
        """A file's content.

        Raises:
            ArchiveError: It cannot be read.
        """
        with self._reported(f"read {name}"), self._files.open_input_file(self._path(name)) as file:
            return bytes(file.read())

    def opened(self, name: str) -> pa.NativeFile:
        """A file to read parts of.

        Raises:
            ArchiveError: It cannot be read.
        """
        with self._reported(f"read {name}"):
            return self._files.open_input_file(self._path(name))

    def each(self, names: list[str], taken: Callable[[str], T]) -> Iterator[T]:
        """What a function makes of each of some files, in their order, several at a time."""
        with ThreadPoolExecutor(_AT_ONCE) as several:
            yield from several.map(taken, names)

    def write(self, name: str, content: IO[bytes]) -> None:
        """Makes a file of what another one holds from its beginning on; it is there whole or not at all.

        Raises:
            ArchiveError: It cannot be written.
        """
        path = self._path(name)
        with self._reported(f"write {name}"):
            if self._files.type_name == "local":
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with whole_file(path) as file:
                    for part in _parts(content):
                        file.write(part)
            elif self._files.type_name in _OBJECT_STORES:
                self._send(path, content)
            else:
                self._files.create_dir(path.rpartition("/")[0], recursive=True)
                partial = f"{path}.{os.urandom(8).hex()}.partial"
                self._send(partial, content)
                self._files.move(partial, path)

    def _send(self, path: str, content: IO[bytes]) -> None:
        with self._files.open_output_stream(path) as stream:
            for part in _parts(content):
                stream.write(part)
        sent, wanted = self._files.get_file_info(path).size, content.tell()
        if sent != wanted:
            with suppress(OSError):
                self._files.delete_file(path)
            raise OSError(f"{sent} of {wanted} bytes arrived")

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextmanager
    def _reported(self, what: str) -> Iterator[None]:
        """Errors of the file system as ours.

        Raises:
            ArchiveError: There was one.
        """
        try:
            yield
        except FileNotFoundError as error:
            raise ArchiveError(
                f"Cannot {what} in {self.address}: it is not there", "Check the address"
            ) from error
        except (pa.ArrowException, OSError) as error:
            raise ArchiveError(
                f"Cannot {what} in {self.address}: {_reason(error)}",
                "Check the address, the permissions and the connection, and run the command again: what is "
                "there already is not added twice",
            ) from error


def _parts(content: IO[bytes]) -> Iterator[bytes]:
    content.seek(0)
    while part := content.read(_CHUNK):
        yield part


def _reason(error: Any) -> str:  # noqa: ANN401 - an exception of any kind
    """What a file system says, without the advice to its programmers behind it."""
    text = getattr(error, "strerror", None) or str(error)
    return str(text).partition("\n")[0].partition(" Detail:")[0].rstrip(". ")
