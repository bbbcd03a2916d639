"""HTTP with the standard library: bounded in time, tries and size, and silent about secrets.

Errors name the provider and the path, never the query or a header: tokens travel in both. Redirects
are not followed, because they would carry the token to another host.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from ...errors import BadReply, LiveUnavailable, PermissionDenied
from .protocol import Clock

TIMEOUT_S = 10.0
TRIES = 4
FIRST_WAIT_S = 1.0
WAIT_MAX_S = 60.0  # a provider that asks for more is answered later, by a person
BYTES_MAX = 64 << 20

Query = Sequence[tuple[str, str]]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        return None


class Client:
    """One provider's HTTP.

    Args:
        name: The provider's, for sentences.
        base_url: ``http`` or ``https``, without the path.
        clock: Waits between tries.
        timeout_s: Of each try.

    Raises:
        LiveUnavailable: The address is not HTTP.
    """

    def __init__(self, name: str, base_url: str, clock: Clock, timeout_s: float = TIMEOUT_S) -> None:
        if urllib.parse.urlsplit(base_url).scheme not in ("http", "https"):
            raise LiveUnavailable(f"The address of {name} is not an HTTP one", "Give https://…")
        self.name = name
        self._base_url = base_url.rstrip("/")
        self._clock = clock
        self._timeout_s = timeout_s
        self._opener = urllib.request.build_opener(_NoRedirect)

    def json(self, path: str, query: Query = (), headers: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401
        """The answer as JSON values.

        Raises:
            BadReply: It is not JSON, as where it was cut off.
        """
        text = self.text(path, query, headers)
        try:
            return json.loads(text)
        except ValueError as error:
            raise BadReply(
                f"The answer of {self.name} at {path} is not whole JSON: it stops making sense at byte "
                f"{getattr(error, 'pos', 0)} of {len(text)}",
                "Try again; nothing was counted from it",
            ) from None

    def text(self, path: str, query: Query = (), headers: Mapping[str, str] | None = None) -> str:
        """The answer's body, after as many tries as it takes within the bounds.

        Raises:
            PermissionDenied: 401 or 403.
            LiveUnavailable: No answer, errors of the server, or a longer wait than is worth it.
            BadReply: Another status than 200.
        """
        wait_s, trouble = FIRST_WAIT_S, ""
        for number in range(TRIES):
            try:
                return self._once(path, query, headers or {})
            except urllib.error.HTTPError as error:
                error.close()
                trouble = f"answered {error.code}"
                asked_s = self._permit(error, path)
            except (http.client.HTTPException, OSError) as error:
                trouble, asked_s = _reason(error), None
            if number < TRIES - 1:
                self._clock.sleep(wait_s if asked_s is None else asked_s)
                wait_s *= 2
        raise LiveUnavailable(
            f"{self.name} {trouble} at {path}, {TRIES} times in a row",
            "Try again later, or leave the provider out: the static factor is then used",
        )

    def _once(self, path: str, query: Query, headers: Mapping[str, str]) -> str:
        url = f"{self._base_url}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        if not all(value.isascii() and value.isprintable() for value in headers.values()):
            raise BadReply(
                f"The credentials for {self.name} hold a character that no request can carry",
                "Check the token; where the provider gave it, try again later",
            )
        request = urllib.request.Request(url, headers={"User-Agent": "microjoule", **headers})
        with self._opener.open(request, timeout=self._timeout_s) as answer:
            body: bytes = answer.read(BYTES_MAX + 1)
        if len(body) > BYTES_MAX:
            raise BadReply(f"{self.name} answered with more than {BYTES_MAX} bytes", "Ask for a shorter span")
        return body.decode("utf-8", "replace")

    def _permit(self, error: urllib.error.HTTPError, path: str) -> float | None:
        """How long to wait before another try, None where the client decides; raises where none is of use."""
        if error.code in (401, 403):
            raise PermissionDenied(
                f"{self.name} refuses the credentials ({error.code})",
                "Check that the token is current and permits this zone",
            ) from None
        if error.code == 429:
            asked_s = self._retry_after_s(error.headers.get("Retry-After"))
            if asked_s is not None and asked_s > WAIT_MAX_S:
                raise LiveUnavailable(
                    f"{self.name} asks to wait {asked_s:.0f} s before the next question (429)",
                    "Ask again then",
                ) from None
            return asked_s
        if error.code < 500:
            raise BadReply(
                f"{self.name} answered {error.code} at {path}", "Check the zone's name and the span"
            ) from None
        return None

    def _retry_after_s(self, text: str | None) -> float | None:
        """Seconds, from a number or from an HTTP date; None where there is neither."""
        if text is None:
            return None
        if text.strip().isdigit():
            return float(text)
        try:
            when = parsedate_to_datetime(text)
        except ValueError:
            return None
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return max((when - self._clock.now()).total_seconds(), 0.0)


def _reason(error: Exception) -> str:
    """What went wrong in words of ours: an exception's own may show the address with its token."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return "did not answer in time"
    if isinstance(cause, http.client.IncompleteRead):
        return "stopped in the middle of its answer"
    strerror = getattr(cause, "strerror", None)
    return f"could not be reached ({strerror or type(cause).__name__})"
