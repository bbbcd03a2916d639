"""Whether traces were recorded on machines in the same state: what differed, as notes, or as a refusal."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import StateDiffers
from ..joules.energy_trace import Trace
from ..joules.environments import changes, conditions, differences, refused, same_machine

LISTED = 8


def states(traces: Sequence[Trace], names: Sequence[str], *, is_any_state: bool) -> list[str]:
    """What differed between the first trace's machine and the others', and what changed, a sentence each.

    Args:
        traces: Two or more.
        names: What they are called.
        is_any_state: Whether traces of one machine in two states are compared.

    Raises:
        StateDiffers: They are, and it is not allowed.
    """
    pairs = list(zip(names, traces, strict=True))
    notes = [f"{name}: {each}" for name, trace in pairs for each in changes(trace.state)]
    title, first = pairs[0]
    for name, trace in pairs[1:]:
        found = differences(first.facts, trace.facts)
        grave = refused(found) if same_machine(first.facts, trace.facts) else []
        if grave and not is_any_state:
            said = "; ".join(each.sentence(title, name) for each in grave)
            raise StateDiffers(
                f"The machine was not in the same state ({said})",
                "Record both again in one state, or compare all the same: --any-state",
            )
        found += conditions(first.state, trace.state)
        notes += [each.sentence(title, name) for each in found[:LISTED]]
        notes += [f"{len(found) - LISTED} more settings differ"] if len(found) > LISTED else []
        if not all(each.facts.get("state") for each in (first, trace)):
            notes.append(f"nothing says in which state the machine was when {title} or {name} was recorded")
    return notes
