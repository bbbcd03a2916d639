"""What came of verifying a bundle."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..value_class import dataclass

EQUAL, DIFFERS, CANNOT = "equal", "differs", "cannot"


class Finding(NamedTuple):
    """Something that is not as it was published.

    Attributes:
        where: The member, and the part of it.
        what: What is wrong there, in a sentence.
        by: Of two figures their relative difference; None: they are no two figures.
    """

    where: str
    what: str
    by: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of verifying a bundle.

    Attributes:
        answer: ``equal``, ``differs`` or ``cannot``.
        figures: How many numbers were recomputed and compared.
        traces: Of how many traces.
        findings: What is not as it was published, or why it cannot be verified; empty: equal.
        notes: What else there is to know, a sentence each.
        remedy: What to do where it cannot be verified; empty: nothing is known.
        are_words_verified: Whether words were compared too; they are not where another version wrote them.
    """

    answer: str
    figures: int = 0
    traces: int = 0
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    remedy: str = ""
    are_words_verified: bool = True

    @property
    def by(self) -> float | None:
        """The largest relative difference of two figures; None: no figure differs."""
        return max((each.by for each in self.findings if each.by is not None), default=None)

    def to_json(self) -> dict[str, Any]:
        """The verdict as JSON values, schema ``microjoule.verify/1``."""
        return {
            "schema": "microjoule.verify/1",
            "answer": self.answer,
            "by": self.by,
            "figures": self.figures,
            "traces": self.traces,
            "findings": [each._asdict() for each in self.findings],
            "notes": list(self.notes),
            "remedy": self.remedy or None,
            "are_words_verified": self.are_words_verified,
        }
