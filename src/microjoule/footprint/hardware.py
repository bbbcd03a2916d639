"""What a device draws at most, and what an hour of it costs, by its name.

A name is matched exactly, once the words that carry nothing are taken off: makers, trademarks, clock
rates, core counts, as machines report them (``AMD EPYC 7763 64-Core Processor``). A part of a name never
matches: H20 is not H200, and the two differ by a factor of two. It only makes a suggestion.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from ..errors import UnknownCloud, UnknownHardware, similar
from . import data_tables
from .factor import Factor, Origin

MACHINE = "machine"
_SUGGESTIONS = 8
# What machines write around a name; the order matters, because "CPU @ 2.40GHz" holds "CPU".
_NOISE = (
    r"\((?:r|tm|c)\)",
    r"(?:\bcpu )?@ ?[\d.]+ ?ghz\b",
    r"\bw/.*$",
    r"\bwith radeon.*$",
    r"\b\d+(?:st|nd|rd|th) gen\b",
    r"\b\d+-cores?\b",
    r"\b(?:processor|cpu|graphics|accelerator|nvidia|amd|intel|tesla|geforce|instinct|radeon|google)\b",
    r"\bcore(?=\s+(?:i\d|ultra))",
)
_MEMORY = re.compile(r"(?<=[a-z0-9])[- ]\d+ ?gi?b\b(?: hbm\d\w*)?")


# Devices of which no power is published, what is known instead, and the rows that are nearest. A name of a
# virtual machine's processor is here too where it does not say which processor it is.
_UNPUBLISHED = (
    (r"graviton", "Amazon publishes none, and estimates of Graviton differ twofold", "Grace"),
    (r"trainium1?\b|\btrn1", "Amazon publishes no power of the first Trainium", "Trainium2"),
    (r"inferentia|\binf[12]\b", "Amazon publishes no power of its Inferentia chips", "Trainium2|L4|T4"),
    (r"\baxion|\bcobalt", "Google and Microsoft publish no power of their own processors", "Grace"),
    (r"neoverse", "this is a core design of several processors, not one of them", "Grace"),
    (r"epyc \d[a-z]\d\d|platinum \d{4}c\b", "it is made for one cloud, which publishes no power of it", ""),
    (r"xeon\(?r?\)? (?:processor|cpu) @|xeon @", "the cloud hides which processor it is", ""),
    (r"laptop gpu|\bmobile\b", "the maker of the laptop sets the power limit: `nvidia-smi -q -d POWER`", ""),
)

# Offers name the family. The machines that are rented by these names carry the SXM boards of each.
_RENTED_AS = {"H200-SXM": "H200", "H100-SXM": "H100", "A100-SXM4": "A100", "V100-SXM2": "V100"}

_GPU = r"nvidia|geforce|tesla|instinct|quadro|radeon (?:rx|pro|vii)|\bmi\d{2,3}\w?\b|gpu"


class Device(NamedTuple):
    """A device of the table.

    Attributes:
        name: As the table has it.
        kind: ``gpu``, ``tpu`` or ``cpu``.
        part: What one of it is: ``board``, ``GPU``, ``chip``, ``core``, ``socket``, ``board of 2 GPUs``.
        cores: Of a processor; None: not known.
        power: At full load, in W.
    """

    name: str
    kind: str
    part: str
    cores: int | None
    power: Factor


def device(name: str) -> Device:
    """The device of a name, as the table, a datasheet or a machine writes it.

    Raises:
        UnknownHardware: The table does not have it.
    """
    row = _row(name)
    if row is not None:
        return _device(row)
    several, near = _near(name)
    watts = "or give the watts of one device: --watts 300"
    why, instead = _unpublished(name)
    if why:
        nearest = ", ".join(instead or near)
        raise UnknownHardware(
            f"The power of {name!r} is not published: {why}",
            f"Nearest: {nearest}; {watts}" if nearest else "Give the watts of one device: --watts 300",
        )
    if several:
        raise UnknownHardware(f"{name!r} matches several names", f"Take one of: {', '.join(near)}; {watts}")
    raise UnknownHardware(
        f"The power of {name!r} is not known",
        f"Nearest: {', '.join(near)}; {watts}" if near else "Give the watts of one device: --watts 300",
    )


def power(name: str) -> Factor:
    """The power of one device at full load, in W; its note says of what kind it is.

    Raises:
        UnknownHardware: The table does not have it.
    """
    return device(name).power


def hire(name: str, provider: str = "", covers: str = MACHINE) -> Factor | None:
    """What an hour of one device costs, in USD: from preemptible to on demand.

    Of several offers the value is the cheapest on demand, and the range spans them all.

    Args:
        name: The device's name.
        provider: ``gcp``, ``aws``, …; empty: all.
        covers: ``machine``: a machine that can be used; ``accelerator``: the accelerator alone, to which a
            machine must be added.
    """
    own = _row(name)
    wanted = {*_words(own), _key(_RENTED_AS.get(own["name"], ""))} if own is not None else {_key(name)}
    offers = [
        row
        for row in data_tables.rows("rentals")
        if _key(row["hardware"]) in wanted and row["covers"] == covers and provider in ("", row["provider"])
    ]
    if not offers:
        return None
    row = min(offers, key=lambda each: float(each["value"]))
    providers = ", ".join(dict.fromkeys(each["provider"] for each in offers))
    sources = "; ".join(dict.fromkeys(each["source"] for each in offers))
    note = row["note"] if len(offers) == 1 else f"{row['note']}; range: {len(offers)} offers"
    return Factor(
        name=f"rental of one {row['hardware']} ({providers})",
        value=float(row["value"]),
        low=min(float(each["low"]) for each in offers),
        high=max(float(each["high"]) for each in offers),
        unit=row["unit"],
        origin=Origin(
            source=sources, year=int(row["year"]), licence=row["licence"], url=row["url"], note=note
        ),
    )


def known_provider(name: str) -> str:
    """The name itself, where prices of its hire are known.

    Raises:
        UnknownCloud: None are.
    """
    if name not in providers():
        raise UnknownCloud(f"No rental price of {name!r} is listed", f"Take one of: {', '.join(providers())}")
    return name


def providers() -> tuple[str, ...]:
    """Those whose prices are known."""
    return tuple(dict.fromkeys(row["provider"] for row in data_tables.rows("rentals")))


def kind_of(name: str) -> str:
    """``gpu``, ``tpu`` or ``cpu``: of the table, or by the words of a name that it does not have."""
    row = _row(name)
    if row is not None:
        return row["kind"]
    words = name.casefold()
    if re.search(r"\btpu", words):
        return "tpu"
    return "gpu" if re.search(_GPU, words) else "cpu"


def _device(row: data_tables.Row) -> Device:
    factor = data_tables.factor(row, f"{_WORDS[row['power']]} of {row['name']}")
    return Device(
        name=row["name"],
        kind=row["kind"],
        part=row["part"],
        cores=int(row["cores"]) if row["cores"] else None,
        power=factor,
    )


_WORDS = {
    "TDP": "thermal design power",
    "power limit": "power limit",
    "maximum": "maximum power",
    "measured mean": "measured mean power",
    "estimate": "estimated power",
}


def _unpublished(name: str) -> tuple[str, list[str]]:
    """Why no power of a device can be known, and the rows nearest to it; empty: nothing is known of it."""
    for pattern, why, near in _UNPUBLISHED:
        if re.search(pattern, name.casefold()):
            rows = [_by_word()[_key(each)] for each in near.split("|") if each]
            return why, [_with_watts(row) for row in rows]
    return "", []


def _row(name: str) -> data_tables.Row | None:
    by_word = _by_word()
    return by_word.get(_key(name)) or by_word.get(_key(_MEMORY.sub("", name.casefold())))


@cache
def _by_word() -> dict[str, data_tables.Row]:
    return {word: row for row in data_tables.rows("hardware") for word in _words(row)}


def _near(name: str) -> tuple[bool, list[str]]:
    """Whether several devices hold the text, and those that could be meant, each with its watts."""
    wanted, by_word = _key(name), _by_word()
    inside = [word for word in by_word if len(wanted) > 1 and wanted in word]
    close = similar(wanted, by_word, n=_SUGGESTIONS, cutoff=0.5)
    found = {by_word[word]["name"]: by_word[word] for word in (*inside, *close)}
    held = {by_word[word]["name"] for word in inside}
    return len(held) > 1, [_with_watts(row) for row in list(found.values())[:_SUGGESTIONS]]


def _with_watts(row: data_tables.Row) -> str:
    return f"{row['name']} ({row['value']} W)"


def _words(row: data_tables.Row) -> tuple[str, ...]:
    return tuple(_key(word) for word in (row["name"], *row["alias"].split("|")) if word)


def _key(name: str) -> str:
    """A name without makers, trademarks, spaces and dashes: ``Tesla V100-SXM2-16GB`` as ``v100sxm216gb``."""
    text = name.casefold().strip()
    for noise in _NOISE:
        text = re.sub(noise, " ", text)
    return re.sub(r"[^a-z0-9+]", "", text)
