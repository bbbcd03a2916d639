"""``uj.energy``: the energy of a block of code, in memory, in two lines."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Self

from ..errors import MicrojouleError, NoValue
from ..joules.estimates.energies import Energies
from ..joules.estimates.estimate import Estimate
from ..joules.estimates.total import Total
from ..recording.gpu_wait import wait_for_all
from ..recording.meter import Meter
from ..units import seconds
from .baseline import seconds_exactly
from .own_recorder import Recorder, unnamed

if TYPE_CHECKING:
    from types import TracebackType

    from ..recording.marking import WindowMark


class EnergyBlock(Mapping[str, Estimate]):
    """The energies of the block of a ``with`` statement, by channel; they are there when it has ended.

    Args:
        recorder: It records the block and no windows of others.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder: Recorder | None = recorder
        self._window: WindowMark | None = None
        self._figures: tuple[Energies, Estimate] | None = None

    def __enter__(self) -> Self:
        recorder = self._recorder
        if recorder is None or self._window is not None:
            raise MicrojouleError(
                "A block can be measured only once", "Write `with uj.energy() as e:` for each block"
            )
        recorder.open()
        wait_for_all()  # what was launched before is not the block's
        self._window = recorder.window("the block")
        self._window.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Only the figures stay: they go to another process, and a recorder and a mark do not.
        recorder, self._recorder = self._recorder, None
        mark, self._window = self._window, None
        if recorder is None or mark is None:
            return
        try:
            wait_for_all()
        finally:
            mark.__exit__(None, None, None)
            # The block's own failure goes up, and not that of its measurement.
            with contextlib.suppress(*(() if error is None else (MicrojouleError,))):
                recorder.close()
                (window,) = recorder.trace.windows
                duration = seconds_exactly(seconds(window.duration_ns))
                self._figures = recorder.trace.energy(window), duration

    @property
    def energies(self) -> Energies:
        """The same without the time.

        Raises:
            NoValue: The block has not ended.
        """
        return self._ended()[0]

    @property
    def total(self) -> Total:
        """All that is known of, no joule twice; ``.total.channels`` says what it covers.

        Raises:
            NoValue: The block has not ended.
        """
        return self.energies.total

    @property
    def time(self) -> Estimate:
        """How long the block took, in seconds.

        Raises:
            NoValue: The block has not ended.
        """
        return self._ended()[1]

    @property
    def power(self) -> Estimate:
        """The mean power of the block, in watts.

        Raises:
            NoValue: The block has not ended.
        """
        return self.total / self.time

    def __getitem__(self, channel_id: str) -> Estimate:
        return self.energies[channel_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self.energies)

    def __len__(self) -> int:
        return len(self.energies)

    def __str__(self) -> str:
        return "the block has not ended" if self._figures is None else str(self.energies)

    def __repr__(self) -> str:
        return f"EnergyBlock({self if self._figures is None else repr(self.energies)})"

    def _repr_html_(self) -> str:
        return self.energies._repr_html_()

    def _ended(self) -> tuple[Energies, Estimate]:
        if self._figures is None:
            raise NoValue("The block has not ended", "Ask for its energy after the `with` block")
        return self._figures


def energy(meter: Meter | None = None) -> EnergyBlock:
    """Measures a block of code: ``with uj.energy() as e: …``, then ``print(e)``.

    Nothing is kept but the figures. GPU work of torch, cupy and jax is waited for at both ends where they are
    imported. Windows marked inside the block go to the recording around it, if there is one, such as that of
    ``uj run``. For windows of your own use ``uj.record()``; for code that takes less than some ten
    milliseconds use ``uj.measure``.

    Args:
        meter: What to read and how often; None: ``Meter()``.

    Returns:
        A mapping from channel to energy, with ``.total``, ``.time`` and ``.power``.

    Raises:
        NothingToMeasure, SourceUnavailable, PermissionDenied: Nothing, or not what was asked for, can
            be measured; the message says what to do.
    """
    return EnergyBlock(unnamed(meter or Meter(), takes_windows=False))
