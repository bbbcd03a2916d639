"""What is learnt of a host once and kept for later: small JSON files, written whole or not at all.

No sampling here. Each file belongs to one host; what keeps one says of which kind it is, and which
command makes another.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ..errors import MicrojouleError
from ..value_class import dataclass
from ..whole_file import whole_file

UNKNOWN = "unknown"

_Record = TypeVar("_Record")
_Whole = TypeVar("_Whole")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKey:
    """Whose it is: nothing here changes with a reboot, all of it with what was measured."""

    hostname: str
    cpu: str
    kernel: str

    @property
    def is_known(self) -> bool:
        """Whether anything tells this host from others: else a file of its own would be everybody's."""
        return self.hostname != UNKNOWN and (self.kernel != UNKNOWN or self.cpu.strip("? ") != "")


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind of file.

    Attributes:
        noun: What it holds, in a sentence.
        kind: The word in the file that says so.
        format: The format that is read and written.
        error: What is raised.
        again: The sentence of how to make another.
    """

    noun: str
    kind: str
    format: int
    error: type[MicrojouleError]
    again: str

    def load(self, path: Path | str, from_json: Callable[[dict[str, Any]], _Whole]) -> _Whole:
        """What a file holds.

        Args:
            path: Where it is.
            from_json: Makes the record of the file's plain values.

        Raises:
            MicrojouleError: There is none, it cannot be read, or a later format wrote it.
        """
        try:
            plain = json.loads(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise self.error(f"There is no {self.noun} {path}", self.again) from None
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise self.error(f"The {self.noun} {path} cannot be read: {why}", self.again) from error
        except ValueError as error:
            raise self.error(f"The {self.noun} {path} is damaged ({error})", self.again) from error
        if not isinstance(plain, dict) or plain.get("kind") != self.kind:
            article = "an" if self.noun[0] in "aeiou" else "a"
            raise self.error(f"{path} is not {article} {self.noun}", self.again)
        if plain.get("format") != self.format:
            raise self.error(
                f"The {self.noun} {path} is in format {plain.get('format')}, and this microjoule reads "
                f"format {self.format}",
                self.again,
            )
        try:
            return from_json(plain)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self.error(f"The {self.noun} {path} is damaged ({error!r})", self.again) from error

    def save(self, plain: dict[str, Any], path: Path | str) -> None:
        """Writes the file whole or not at all; folders are made.

        Raises:
            MicrojouleError: It cannot be written.
        """
        target = Path(path)
        text = json.dumps({"kind": self.kind, "format": self.format, **plain}, indent=1, ensure_ascii=False)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(target, 0o600) as file:
                file.write(f"{text}\n".encode())
        except OSError as error:
            raise self.error(
                f"The {self.noun} {target} cannot be written: {error.strerror or error}",
                "Choose a folder that you can write to",
            ) from error

    def refuse_other(self, theirs: HostKey, ours: HostKey, path: Path | str) -> None:
        """Refuses a file of another host.

        Raises:
            MicrojouleError: It is one.
        """
        if differing := self.of_other(theirs, ours, path):
            raise self.error(differing, self.again)

    def of_other(self, theirs: HostKey, ours: HostKey, path: Path | str) -> str:
        """The sentence that a file is of another host, CPU or kernel; empty: it is of this one."""
        names = {"hostname": "host", "cpu": "CPU", "kernel": "kernel"}
        pairs = [(word, getattr(theirs, name), getattr(ours, name)) for name, word in names.items()]
        differing = [f"{word} {its!r} (here: {our!r})" for word, its, our in pairs if its != our]
        return f"The {self.noun} {path} is of {' and '.join(differing)}" if differing else ""


def known(record: type[_Record], plain: dict[str, Any]) -> _Record:
    """The record of plain values; unknown fields are passed over, as a later version may write them."""
    names = record.__dataclass_fields__  # type: ignore[attr-defined]
    return record(**{key: value for key, value in plain.items() if key in names})
