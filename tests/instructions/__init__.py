"""How many instructions the hot paths take, counted by callgrind: what no other load can move.

``python -m instructions`` in ``tests`` counts and prints; with ``renew`` behind it, it writes
``counts.json``, which the test compares with. Renew it when a path got faster, or dearer on purpose, and
say so in the change.

A count depends on the compiler, and of numpy on the build and on what the processor can do. So:

* A native path is compiled with ``-O2`` and run so many times and twice as many; the difference is its cost,
  free of what starting and ending a program takes. Another compiler may need a tenth more or less.
* The integration of a million readings is given as a multiple of a few plain passes of numpy over the same
  readings, counted in the same run, so that wider registers help both alike.

A path may take its count and its tolerance more, and never fails by taking less. Kernels count nothing here:
what a system call costs is for the benchmarks.
"""
