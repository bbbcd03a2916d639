"""``%load_ext microjoule``: what IPython calls, and the magics that it then has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import MicrojouleError
from ...late import extra

if TYPE_CHECKING:
    from ...measuring.measurement import Measurement
    from .cell import CellEnergy

MAGIC = "energy"
SILENCED_BY_SEMICOLON = "_ipython_magic_output_can_be_silenced"  # IPython.core.magic's own mark
SENTENCES = (  # what a terminal shows as its sentence, and not as the data that it is made of
    ("microjoule.joules.estimates.estimate", "Estimate"),
    ("microjoule.measuring.measurement", "Measurement"),
)


def load_ipython_extension(ipython: Any) -> None:  # noqa: ANN401 - IPython's shell, which need not be there
    """Gives IPython ``%energy`` and ``%%energy``."""
    extra("IPython")

    def energy(line: str, cell: str | None = None) -> CellEnergy | Measurement | None:
        return run(ipython, line, cell)

    energy.__doc__ = run.__doc__
    setattr(energy, SILENCED_BY_SEMICOLON, True)
    ipython.register_magic_function(energy, magic_kind="line_cell", magic_name=MAGIC)
    texts = ipython.display_formatter.formatters["text/plain"]
    for home, name in SENTENCES:
        texts.for_type_by_name(home, name, lambda of, printer, _: printer.text(str(of)))


def unload_ipython_extension(ipython: Any) -> None:  # noqa: ANN401 - as above
    """Takes them away again."""
    for kind in ("line", "cell"):
        ipython.magics_manager.magics[kind].pop(MAGIC, None)


def run(ipython: Any, line: str, cell: str | None = None) -> CellEnergy | Measurement | None:  # noqa: ANN401
    """The energy of a statement (%energy) or of a cell (%%energy).

    `%energy STATEMENT` repeats the statement, as %timeit does, until the energy of one call is known to
    1 %, and gives a Measurement. `%%energy` runs the cell once, as if the magic were not there, draws its
    power and gives the recording with the energy of every channel. Where no counter can be read a cell's
    figures are estimated from CPU time and say so; a statement is refused then.

    Options, before the statement:

      --rel X          repeat until it is known so exactly: 0.01 or 1%
      --max-time TIME  what repeating may take: 60s, 2m (default 60s)
      --once           run once, as it is; a cell does so without --rel
      --name NAME      what it is called
      --trace FILE     keep the recording of a single run
      --rate HZ        reads a second of a single run [1000; 2000 where the kernel samples]
      --channel ID     of repeated code: this channel's energy instead of the total
      --source NAME    force a source, and no others; see `uj probe`
      --root DIR       read counters under DIR
      --to VARIABLE    put the result there too; of a line `result = %energy …` does the same

    Examples:
      %energy sum(range(1000))
      %%energy --name training
      %%energy --rel 2% --max-time 20s
    """
    from IPython.core.error import UsageError

    from .options import parsed

    try:
        given, statement = parsed(line)
        if cell is not None and statement:
            raise MicrojouleError(
                f"%%energy does not know {statement!r}", "Put code into the cell's other lines"
            )
        code = statement if cell is None else cell
        if not code.strip():
            raise MicrojouleError("There is no code to measure", "Write it after %energy, or below %%energy")
        is_once = given.once or (cell is not None and given.rel is None)
        found = _once(ipython, code, given) if is_once else _often(ipython, code, given)
    except MicrojouleError as error:
        raise UsageError(_sentence(error)) from error
    if given.to:
        ipython.user_ns[given.to] = found
    return found


def _sentence(error: MicrojouleError) -> str:
    """What happened, and what to do, in the options of the magic."""
    return str(error).replace("measure a single call with --mode edge -r 1", "run it once with --once")


def _once(ipython: Any, code: str, given: Any) -> CellEnergy:  # noqa: ANN401 - as above
    """Runs code as a cell of its own, which shows what it shows.

    Raises:
        BaseException: The code's own error, whose traceback has been shown: the cell must fail with it, or
            "Run all" and nbconvert would go on.
    """
    from .cell import recorded

    outcomes: list[Any] = []
    around = ipython.displayhook.exec_result  # a cell inside a cell takes its place, and leaves none
    try:
        found = recorded(lambda: outcomes.append(ipython.run_cell(code, store_history=False)), given)
    finally:
        ipython.displayhook.exec_result = around
    error = outcomes[0].error_before_exec or outcomes[0].error_in_exec
    if error is not None:
        error._render_traceback_ = list  # IPython asks for the lines to show: it has shown them
        raise error
    return found


def _often(ipython: Any, code: str, given: Any) -> Measurement:  # noqa: ANN401 - as above
    from .cell import repeated

    compiled = ipython.compile(ipython.transform_cell(code), "<energy>", "exec")
    names = ipython.user_ns
    first = code.strip().partition("\n")
    return repeated(lambda: exec(compiled, names), first[0] + (" …" if first[2] else ""), given)
