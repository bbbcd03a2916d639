"""Notebooks: ``%load_ext microjoule``, then ``%energy`` and ``%%energy``.

    %energy sum(range(1000))             # the energy of one call, as `uj.measure` finds it
    result = %energy sum(range(1000))    # the same, kept and not shown

    %%energy --name training --to used   # the cell runs once, as it is, and its power is drawn
    model.fit(x, y)

    %%energy --rel 2%                    # the cell is repeated until its energy is known to 2 %
    fft(x)

``options`` reads what stands behind the magic's name, ``cell`` records and measures, ``extension`` hands both
to IPython. What a figure looks like is `report/in_notebook.py`'s: every trace, estimate and footprint has a
``_repr_html_``, with or without the extension.
"""
