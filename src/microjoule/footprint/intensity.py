"""Where electricity comes from: zones, and how much CO2e a kilowatt-hour of each has caused.

A zone has one row in ``zones.csv`` and any number of published figures in ``intensities.csv``: direct or
over the life cycle, of what is generated or of what is used, by Ember, by a national agency, by a cloud
provider. The value is the first figure of the scope that is wanted, and the range spans all of them, so
that the value lies inside it by construction. With a single figure there is no range: "one source".

    own        rows of the zone itself, and of the cloud regions right in it
    within     a state or balancing area that lies in several subregions: their mean, its own row as an end
    parent     where nothing is published of the zone itself
    grid       a part of a country: the country's figures in its range, because nobody else publishes its own
    cloud      its provider's figure, else its grid's; the range holds the grid's figures and those that
               other providers publish for the same city

Decision: no place is ever guessed, neither from an address nor from a clock, because a wrong country
is worse than none: a factor of twenty lies between neighbours. Without a zone the world's average
stands, with the range from the cleanest country to the dirtiest.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from ..errors import UnknownZone, similar
from ..value_class import dataclass
from . import data_tables
from .factor import Factor

WORLD = "WORLD"
DIRECT, LIFECYCLE = "direct", "lifecycle"
_CLOUD, _GRID, _SUBREGION, _WORLD = "cloud", "grid", "subregion", "world"
_NEAREST = 5
_ALIKE = 0.7  # below it, what is suggested for a misspelt name is mostly another place


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A place whose electricity has a figure.

    Attributes:
        code: ``DE``, ``US-CA``, ``US-SRVC``, ``CN-SC``, ``CA-QC``, ``SE3``, ``aws:eu-west-1``, ``WORLD``.
        aliases: Other codes and common names of it, those of Electricity Maps among them.
        name: For a person.
        kind: ``world``, ``group``, ``country``, ``subregion``, ``state``, ``region``, ``province``,
            ``bidding zone``, ``grid`` or ``cloud``.
        parent: The code of the zone around it; empty for the world.
        within: The subregions that it lies in, where they are several.
        place: The city of a cloud region, the same word for each provider; empty for others.
    """

    code: str
    aliases: tuple[str, ...]
    name: str
    kind: str
    parent: str
    within: tuple[str, ...] = ()
    place: str = ""

    @property
    def intensity(self) -> Factor:
        """The average, in g/kWh, with the range of all published figures."""
        return intensity(self)

    @property
    def marginal(self) -> Factor | None:
        """What one kilowatt-hour more or less causes, in g/kWh; None: not known."""
        return _other(self, "marginal", "marginal ")

    @property
    def residual(self) -> Factor | None:
        """What is left when all that was sold with a certificate is taken away; None: no open figure."""
        return _other(self, "residual", "residual mix, ")

    @property
    def upstream(self) -> Factor | None:
        """What mining, transport and building of the power stations cause; None: no open figure."""
        return _other(self, "upstream", "upstream of the ")

    @property
    def losses(self) -> Factor | None:
        """What the network loses for each kilowatt-hour that arrives, a bare share; None: no open figure."""
        for each in around(self):
            row = next((row for row in data_tables.rows("losses") if row["code"] == each.code), None)
            if row is not None:
                return data_tables.factor(row, f"network losses ({each.name})")
        return None


def intensity(of: Zone, scope: str = "") -> Factor:
    """The average of a zone in g/kWh, with the range of all published figures.

    Args:
        of: The zone.
        scope: ``direct`` or ``lifecycle``: the figure and its range are of that scope, where there is one;
            empty: whatever was published.
    """
    rows = _published(of)
    fitting = [row for row in rows if not scope or row["scope"] == scope]
    name = f"grid of {of.name}" if of.kind != _WORLD else "world average grid"
    if of.within and not _provided(of, scope):
        # Where nobody publishes the scope of its subregions, the figure is that of the place around it.
        wider = [] if fitting else [row for row in _published(zone(of.parent)) if row["scope"] == scope]
        return _spanned(wider[0], name, wider, of) if wider else _mean(of, name, fitting or rows, scope)
    value = _first(of, scope) or (fitting or rows)[0]
    return _spanned(value, name, fitting or [value], of)


@cache
def all_zones() -> tuple[Zone, ...]:
    """Every zone, in the order of the table."""
    return tuple(_zone(row) for row in data_tables.rows("zones"))


def _zone(row: data_tables.Row) -> Zone:
    return Zone(
        code=row["code"],
        aliases=tuple(word for word in row["alias"].split("|") if word),
        name=row["name"],
        kind=row["kind"],
        parent=row["parent"],
        within=tuple(code for code in row["within"].split("|") if code),
        place=row["place"],
    )


@cache
def _figures() -> Mapping[str, Sequence[data_tables.Row]]:
    """The rows of each zone, in the order of the table."""
    found: dict[str, list[data_tables.Row]] = defaultdict(list)
    for row in data_tables.rows("intensities"):
        found[row["code"]].append(row)
    return found


def _average(code: str) -> list[data_tables.Row]:
    return [row for row in _figures().get(code, ()) if row["signal"] == "average"]


@cache
def _children() -> Mapping[str, Sequence[Zone]]:
    """The cloud regions right in each zone, by its code."""
    found: dict[str, list[Zone]] = defaultdict(list)
    for each in all_zones():
        if each.kind == _CLOUD:
            found[each.parent].append(each)
    return found


@cache
def _neighbours() -> Mapping[str, Sequence[Zone]]:
    """The cloud regions of each city."""
    found: dict[str, list[Zone]] = defaultdict(list)
    for each in all_zones():
        if each.place:
            found[each.place].append(each)
    return found


def _own(of: Zone) -> list[data_tables.Row]:
    """What is published of the zone itself, and by providers of their regions right in it."""
    rows = _average(of.code)
    if of.kind != _CLOUD:
        rows = [*rows, *(row for each in _children().get(of.code, ()) for row in _average(each.code))]
    return rows


@cache
def _published(of: Zone) -> tuple[data_tables.Row, ...]:
    """Every average figure that bears on the zone, its preferred one first."""
    if of.kind == _WORLD:
        return tuple(_average(of.code))
    found = _own(of)
    if of.within:
        found = [*found, *(row for code in of.within for row in _published(zone(code)))]
    if of.kind == _CLOUD:
        same_city = (row for each in _neighbours()[of.place] for row in _average(each.code))
        grid = zone(of.parent)
        # A subregion of eGRID holds several balancing areas, of which providers publish each their own.
        of_grid = _average(grid.code) if grid.kind == _SUBREGION else _published(grid)
        found = [*found, *of_grid, *same_city]
    if not found or (of.kind == _GRID and not of.within):
        found = [*found, *_published(zone(of.parent))]
    return tuple({id(row): row for row in found}.values())


def _provided(of: Zone, scope: str) -> bool:
    """Whether a zone within several has a figure that is for those who use electricity there."""
    return any(row["code"] != of.code for row in _own(of) if not scope or row["scope"] == scope)


def _first(of: Zone, scope: str) -> data_tables.Row | None:
    """The figure that stands for a zone: its own of the scope, or that of the grid around it."""
    for each in around(of):
        rows = [row for row in _own(each) if not scope or row["scope"] == scope]
        if rows:
            return rows[0]
        if each.within:
            return None
    return None


def _mean(of: Zone, name: str, rows: Sequence[data_tables.Row], scope: str) -> Factor:
    """The mean of the subregions that a zone lies in, with a range over all of their figures."""
    parts = [intensity(zone(code), scope) for code in of.within]
    values = [part.value for part in parts]
    ends = [float(row["value"]) for row in rows] + values
    one = replace(parts[0].origin, note="")
    codes = ", ".join(of.within)
    note = (
        f"of subregion {codes}"
        if len(parts) == 1
        else f"mean of the subregions {codes}; name one of them for its own figure"
    )
    return replace(
        parts[0],
        name=name,
        value=sum(values) / len(values),
        low=min(ends),
        high=max(ends),
        origin=replace(one, note=f"{note}; {_range_of(rows)}"),
    )


def _spanned(row: data_tables.Row, name: str, rows: Sequence[data_tables.Row], of: Zone) -> Factor:
    """The figure of a row with the range of others."""
    values = [float(each["value"]) for each in (row, *rows)]
    if of.kind == _WORLD:
        # By the rows, because a report without a zone needs none of the six hundred zones made.
        firsts = (
            _average(each["code"])[0] for each in data_tables.rows("zones") if each["kind"] == "country"
        )
        values += [float(each["value"]) for each in firsts if "implausible" not in each["note"]]
    borrowed = "" if row["code"] == of.code else f"of {zone(row['code']).name}"
    if borrowed and of.kind == _GRID:
        borrowed = f"no open figure of {of.name}: this is that {borrowed}"
    said = "the lowest and the highest country, because the place is not known"
    notes = (borrowed, row["note"], f"range: {said}" if of.kind == _WORLD else _range_of(rows))
    return replace(
        data_tables.factor(row, name),
        low=min(values),
        high=max(values),
        origin=replace(data_tables.origin(row), note="; ".join(note for note in notes if note)),
    )


def _range_of(rows: Sequence[data_tables.Row]) -> str:
    """``range of 3 figures: Ember 2025, …``, or ``one source``."""
    said = dict.fromkeys((row["source"].partition(",")[0].partition(" (")[0], row["year"]) for row in rows)
    if len({row["value"] for row in rows}) < 2:
        return "one source"
    return f"range of {len(rows)} published figures: {', '.join(f'{who} {year}' for who, year in said)}"


def _other(of: Zone, signal: str, words: str) -> Factor | None:
    """The figure of another signal, of the zone or of the nearest one around it that has one."""
    for each in around(of):
        row = next((row for row in _figures().get(each.code, ()) if row["signal"] == signal), None)
        if row is not None:
            borrowed = "" if each is of else f"of {each.name}"
            note = "; ".join(part for part in (borrowed, row["note"]) if part)
            found = data_tables.factor(row, f"{words}grid of {each.name}")
            return replace(found, origin=replace(found.origin, note=note))
        if signal == "marginal" and each.within:
            return None
    return None


def world() -> Zone:
    """The whole world, without an index of all the other zones."""
    return next(_zone(row) for row in data_tables.rows("zones") if row["code"] == WORLD)


def zone(text: str) -> Zone:
    """The zone of a code, an alias or a whole name, in any case.

    Raises:
        UnknownZone: No zone is called so, or several are.
    """
    wanted = _folded(text.strip())
    by_code, by_name = _index()
    for index in (by_code, by_name):
        found = index.get(wanted, ())
        if len(found) == 1:
            return found[0]
        if found:
            which = ", ".join(f"{each.code} ({each.name}, {each.kind})" for each in found)
            raise UnknownZone(f"Several places are called {text!r}", f"Take one of: {which}")
    if not wanted:
        raise UnknownZone("The zone's name is empty", "Name a country, a region or a grid: --zone DE")
    raise _unpublished(wanted) or _city(text, wanted) or _unknown(text, wanted)


def _unpublished(wanted: str) -> UnknownZone | None:
    """The refusal of a place that exists and has no figure; None: there is no such place."""
    from .unpublished_places import PLACES

    for place in PLACES:
        if wanted in (_folded(place.code), _folded(place.name)):
            use = " or ".join(f"--zone {code}" for code in place.instead)
            figure = "a figure of your own: --intensity '600 g/kWh'"
            return UnknownZone(
                f"No open figure of {place.name} ({place.code}) is known: {place.why}",
                f"Use {use}, or give {figure}" if use else f"Give {figure}",
            )
    return None


def _city(text: str, wanted: str) -> UnknownZone | None:
    """The refusal of a city, with its grids and cloud regions; None: no cloud region is in such a city."""
    regions = _neighbours().get("-".join(wanted.split()), ())
    if not regions:
        return None
    grids = dict.fromkeys(f"{each.parent} ({zone(each.parent).name})" for each in regions)
    codes = ", ".join(each.code for each in regions)
    return UnknownZone(
        f"{text.strip()!r} is a city, and figures are published per grid",
        f"Take its grid: {', '.join(grids)}; or the cloud region in it: {codes}",
    )


def _unknown(text: str, wanted: str) -> UnknownZone:
    near = [f"{each.code} ({each.name})" for each in _nearest(wanted)]
    remedy = f"Nearest: {', '.join(near)}" if near else "Name the country or its region"
    return UnknownZone(f"There is no zone {text!r}", f"{remedy}. `uj zones TEXT` searches")


@cache
def _index() -> tuple[Mapping[str, Sequence[Zone]], Mapping[str, Sequence[Zone]]]:
    """The zones by each of their codes, and by their names."""
    by_code: dict[str, list[Zone]] = defaultdict(list)
    by_name: dict[str, list[Zone]] = defaultdict(list)
    for each in all_zones():
        for word in _codes(each):
            by_code[word].append(each)
        by_name[_folded(each.name)].append(each)
    return by_code, by_name


def zones(text: str = "") -> tuple[Zone, ...]:
    """The zones whose code, name or kind holds a text in any case; those that are called so first."""
    wanted = _folded(text.strip())
    found = [each for each in all_zones() if any(wanted in word for word in (*_words(each), each.kind))]
    return tuple(sorted(found, key=lambda each: wanted not in _words(each)))


def figures(of: Zone) -> list[Factor]:
    """Each published average that bears on a zone, the one that stands for it first."""
    return [data_tables.factor(row, f"grid of {zone(row['code']).name}") for row in _published(of)]


def around(of: Zone) -> Iterable[Zone]:
    """A zone, then each that contains it, outwards."""
    yield of
    if of.parent:
        yield from around(zone(of.parent))


def _nearest(wanted: str) -> list[Zone]:
    by_word = {word: each for each in reversed(all_zones()) for word in _words(each)}
    close = similar(wanted, by_word, n=2 * _NEAREST, cutoff=_ALIKE)
    inside = [word for word in by_word if len(wanted) > 2 and wanted in word]
    return list({by_word[word].code: by_word[word] for word in (*inside, *close)}.values())[:_NEAREST]


def _codes(of: Zone) -> tuple[str, ...]:
    return tuple(_folded(word) for word in (of.code, *of.aliases))


def _words(of: Zone) -> tuple[str, ...]:
    return (*_codes(of), _folded(of.name))


def _folded(text: str) -> str:
    """A text without case and accents: Montréal is found as montreal."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
