"""Places that have a code and no open figure of their electricity, and the zones to use instead.

They are zones of Electricity Maps or have an ISO 3166 code of their own, and nobody publishes a figure of
them that may be passed on. None of them silently has its neighbour's figure: the message names the
neighbour, and the reader decides. Which grids are connected: the list of exchanges of Electricity Maps,
https://github.com/electricitymaps/electricitymaps-contrib/tree/master/config/exchanges
"""

from __future__ import annotations

from typing import NamedTuple

_ISLAND = "it has a grid of its own, which no neighbour's figure describes"


class UnpublishedPlace(NamedTuple):
    """A place without a figure.

    Attributes:
        code: As ISO 3166 or Electricity Maps write it.
        name: For a person.
        why: Where its electricity comes from.
        instead: The codes of the zones to use; empty: none fits.
    """

    code: str
    name: str
    why: str
    instead: tuple[str, ...] = ()


PLACES = (
    UnpublishedPlace("AD", "Andorra", "it is connected to Spain and France", ("ES", "FR")),
    UnpublishedPlace("AX", "Åland", "it is connected to Sweden (SE3) and Finland", ("SE3", "FI")),
    UnpublishedPlace("CF", "Central African Republic", _ISLAND),
    UnpublishedPlace("CW", "Curaçao", _ISLAND),
    UnpublishedPlace("FM", "Micronesia", _ISLAND),
    UnpublishedPlace("GG", "Guernsey", "it is connected to Jersey and through it to France", ("FR",)),
    UnpublishedPlace("IM", "Isle of Man", "it is connected to Great Britain", ("GB",)),
    UnpublishedPlace("JE", "Jersey", "it is connected to France", ("FR",)),
    UnpublishedPlace("LI", "Liechtenstein", "it is connected to Switzerland and Austria", ("CH", "AT")),
    UnpublishedPlace("MC", "Monaco", "it is connected to France", ("FR",)),
    UnpublishedPlace("PW", "Palau", _ISLAND),
    UnpublishedPlace("SJ", "Svalbard", _ISLAND),
    UnpublishedPlace("SM", "San Marino", "it is connected to Italy", ("IT",)),
    UnpublishedPlace("VA", "Vatican City", "it is connected to Italy", ("IT",)),
    UnpublishedPlace("XX", "Northern Cyprus", "it has a grid of its own beside that of Cyprus", ("CY",)),
    UnpublishedPlace("YT", "Mayotte", _ISLAND),
    UnpublishedPlace("GS", "South Georgia and the South Sandwich Islands", _ISLAND),
    UnpublishedPlace("HM", "Heard Island and McDonald Islands", _ISLAND),
    UnpublishedPlace("TF", "French Southern Territories", _ISLAND),
    UnpublishedPlace("UA-CR", "Crimea", "it is connected to the grid of Russia", ("RU",)),
)
