"""The pytest plugin: the ``energy`` fixture, its marker and its options.

It is there as soon as microjoule is installed, and does nothing until a test asks for ``energy``:

    def test_parse(energy):
        tree = energy(parse, TEXT)  # measures, and gives back what parse gave
        assert tree.depth == 7

    @pytest.mark.energy(group="parsers", rel=0.005, max_time=20)
    def test_other(energy): ...

    def test_once(energy):
        energy.pedantic(train, setup=fresh_model, rounds=5, iterations=1, warmup_rounds=1)

``pytest --energy-save before``, and after a change ``pytest --energy-compare --energy-fail=mean:5%``: a
test fails where one of its calls takes more than 5 % more energy than it took, *and* the difference is
beyond its uncertainty. Figures are energies of whole packages and boards; so run such tests alone on
a quiet machine, and not in parallel.

``plugin`` is all that pytest loads at its start: nothing of numpy, of Arrow or of the native half comes
before the first measurement. ``options`` reads what the user wants, ``fixture`` measures, ``verdict``
judges, ``saved`` keeps; the table is ``report/test_lines.py``.
"""

from __future__ import annotations

from ...late import TYPE_CHECKING, lazy

if TYPE_CHECKING:
    from .fixture import EnergyFixture as EnergyFixture

__all__ = ["EnergyFixture"]
__getattr__ = lazy(__name__, {"EnergyFixture": "fixture"})
