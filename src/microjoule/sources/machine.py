"""The machine that sources look at: a root folder, the GPUs that count, and what is known of its host.

Every source gets the same object, so that the host's files are read once, whoever asks first. It is a
picture of one moment: a later look takes another.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from ..value_class import dataclass
from .host import Host, read_host
from .zones import PowercapZone, zones


@dataclass(frozen=True)
class Machine:
    """One machine.

    Attributes:
        root: The root of the file system whose counters to look for; made absolute, because paths of channels
            must hold when the measured program changes folder.
        visible_gpus: A list in the form of CUDA_VISIBLE_DEVICES; None: all GPUs.
    """

    root: Path = Path("/")
    visible_gpus: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root).absolute())

    @cached_property
    def host(self) -> Host:
        """The facts about it that decide which sources there can be."""
        return read_host(self.root)

    @cached_property
    def zones(self) -> tuple[PowercapZone, ...]:
        """Its RAPL zones, which also say units and limits of the registers that perf and MSRs show."""
        return zones(self.root)
