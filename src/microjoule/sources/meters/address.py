"""Where a meter is and how it is asked, in one line of text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field, replace
from urllib.parse import parse_qsl, unquote, urlsplit

from ...errors import BadMeter
from ...value_class import dataclass

EVERY_MIN_S, EVERY_MAX_S = 0.01, 60.0
_EXAMPLE = "Write KIND://HOST, as in shelly://192.168.1.20"
_TIME = re.compile(r"(\d+(?:\.\d+)?)(ms|s|)")
_ACCURACY = re.compile(r"(\d+(?:\.\d+)?)(%?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The address of a meter: ``KIND://[USER:PASSWORD@]HOST[:PORT][/PATH][?every=1s&accuracy=1%25]``.

    Attributes:
        kind: A word of ``METERS``.
        host: Host name or IP address, with the port where one is given.
        path: What comes after the host, without the first slash.
        user: Who asks; empty: nobody in particular.
        password: Not kept in any trace.
        every_s: Seconds between two readings.
        accuracy: The meter's accuracy of reading as a fraction, by its data sheet; None: not known.
        options: What else the kind understands.
    """

    kind: str
    host: str
    path: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    every_s: float | None = None
    accuracy: float | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> Address:
        """The parts of an address.

        Raises:
            BadMeter: It is none.
        """
        try:
            parts = urlsplit(text)
            host = parts.netloc.rpartition("@")[2]
            _ = None if "::" in host else parts.port  # the resource of an instrument is separated by colons
        except ValueError as error:
            raise BadMeter(f"The meter {text!r} is not an address: {error}", _EXAMPLE) from error
        if not parts.scheme or not host:
            raise BadMeter(f"The meter address {text!r} lacks a kind or a host", _EXAMPLE)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        return cls(
            kind=parts.scheme,
            host=host,
            path=unquote(parts.path).strip("/"),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            every_s=_every_s(options.pop("every", ""), text),
            accuracy=_accuracy(options.pop("accuracy", ""), text),
            options=options,
        )

    def every(self, default_s: float) -> Address:
        """The same, asked so often unless it says how often."""
        return self if self.every_s is not None else replace(self, every_s=default_s)

    def take(self, *names: str) -> tuple[str, ...]:
        """The options of these names, empty where they are not given.

        Raises:
            BadMeter: There are others.
        """
        others = sorted(set(self.options) - set(names))
        if others:
            known = ", ".join(("every", "accuracy", *names))
            raise BadMeter(f"A {self.kind} meter has no option {others[0]!r}", f"It has: {known}")
        return tuple(self.options.get(name, "") for name in names)

    def __str__(self) -> str:
        """For traces and messages: without user and password."""
        return f"{self.kind}://{self.host}{'/' if self.path else ''}{self.path}"


def _every_s(text: str, whole: str) -> float | None:
    if not text:
        return None
    found = _TIME.fullmatch(text)
    every_s = float(found[1]) * (1e-3 if found[2] == "ms" else 1.0) if found else 0.0
    if not EVERY_MIN_S <= every_s <= EVERY_MAX_S:
        raise BadMeter(
            f"The meter {whole!r} cannot be read every {text!r}",
            f"Give {EVERY_MIN_S * 1000:g}ms to {EVERY_MAX_S:g}s, as in ?every=500ms",
        )
    return every_s


def _accuracy(text: str, whole: str) -> float | None:
    if not text:
        return None
    found = _ACCURACY.fullmatch(text)
    accuracy = float(found[1]) * (0.01 if found[2] else 1.0) if found else 2.0
    if accuracy > 1:
        raise BadMeter(
            f"The meter {whole!r} has no accuracy {text!r}",
            "Give the data sheet's, relative to the reading: ?accuracy=0.5%25",
        )
    return accuracy
