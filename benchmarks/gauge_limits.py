"""What coverage_gauges.py says below its table: which loads are not held, and why U is wide where it is."""

NOT_HELD = """## Loads that are not held

Loads that no reading shows are not in the tables, because nothing can hold them. Reports and `uj.measure` say
of each sensor which they are: of one that looks at a part of the time always, of a capacitor always, and of a
mean of all of the time where a window is shorter than ten such times, with the joules by which they can move
the shortest window. Not covered in 93 % (lengths of 0.03 to 3 s, which differ by a tenth; T is the update
interval):

- 100 of 100 ms: T, T/2, T/5, … (0 to 15 %): each reading is the same. 2 T/3 is covered (99 % and more).
- 100 of 100 ms within half a percent of T, whose beat is as slow as power that drifts (0.995, 0.998 and
  1.005 T: 1 to 53 %). 0.99 and 1.01 T are covered (99 % and more), but of 190/210 W 65 to 93 %.
- A mean of a second: periods that fit a whole number of times into a second (20, 50, 67, 100, 200, 250 and
  500 ms: 1 to 60 %). Near these, 22, 26, 28, 30, 36, 46, 80, 133 and 331 ms are covered (94 % and more).
- A capacitor of 50 ms, updated every 15 ms: T, T/2 and T/3, read 0.7 to 3.5 % too high or too low, by the
  phase, in windows of any length (0 to 19 %); 0.992 and 1.008 T in windows of 3 and 10 s (32 to 91 %), and
  1.012 T in those of 10 s (82 %). Shorter windows of these, and 0.985 T, are covered (97 % and more).
- 25 of 100 ms: T, T/2 and T/5, of which each reading is the same. Under 1.5, 2.5 and 3 T, of which readings
  repeat, and under beats of a few readings (0.55, 0.8 T) windows are covered: rows *between*.
- 10 of 20 ms: T and T/5; 2 T/3 by the phase; 0.252 and 0.335 T (72 to 100 %). 0.496 T, of which readings
  swing by 1 W, is covered (95 % and more).
- Sensors that look at a part of the time, under loads of 4 T that are high for 20, 37, 63 or 80 % of it:
  each edge is at one place of its gap, always, in windows of 1 to 10 s (20 and 25 of 100 ms: 1 to 88 %; 10 of
  20 ms: 43 to 100 %). 5 and 6 T that are high for 37 % are covered (95 % and more).
- Sensors that look at a part of the time, under loads of 3.05 T that are high for a tenth or a fifth, and of
  5.1 T for a tenth: pulses are in gaps for many cycles (25 of 100 ms: 39 to 90 % of windows of 1 and 3 s; 10
  of 20 ms: 68 to 89 % of those of 0.3 s).
- Sensors that look at a part of the time, within half a percent of T: a beat of more than 128 updates is as
  slow as power that drifts (0.996 and 1.004 T: 3 to 90 %). 0.992 and 1.008 T are covered (99 % and more).
- Sensors that look at a part of the time, under loads of T with edges that differ by a fifth: their readings
  are those of levels that last for some tenths of a second (25 of 100 ms: 42 to 87 %; 10 of 20 ms: 26 to
  86 %). Loads of 1.93 to 2.1 T that are high for a tenth to four fifths, of which readings show nothing for
  half a second and more, are covered (98 % and more).
- Sensors that are read every half second, under loads of 0.45 s whose parts differ by 3 %: the reads are near
  the load's frequency, and their beat looks like levels that last. Of means of 25 and 50 ms of which nothing
  is declared 58 to 96 % (and as few of such sensors that are updated every half second and read every 10 ms),
  of 25 of 100 ms and 10 of 20 ms 86 to 100 %. Read every 100 ms all of them are covered (91 % and more).
- Bursts of a load near a sensor's own frequency that end before it has come round two to three times: its
  readings are those of power that is a little unsteady. At 0.97 T bursts of 20 updates (100 of 100 ms: 30 to
  55 %; means of a second: 56 to 84 %; 25 of 100 ms: 86 to 99 %; 10 of 20 ms: 88 to 98 %) and of 60 updates
  (100 of 100 ms: 58 to 70 %; means of a second: 65 to 84 %); at 0.9 and 1.1 T bursts of 20 updates (100 of
  100 ms: 27 to 55 %; means of a second: 55 to 82 %). Of 60 updates at 0.9 and 1.1 T they are covered (93 %
  and more).
- Windows that begin and end where power steps (`coverage_marked.md`), of gauges of which nothing is declared:
  halves of a step that repeat in an update, or in the time that readings average, whose readings stand still
  (5 to 84 % in 7 of 60 recordings; 94 % of all). Other windows of these gauges are covered, as are bursts of
  10 to 60 ms and of 80 to 600 ms, the rests between them, windows with idle time around them, sums of each,
  and of other gauges halves of steps.
- Recordings of fewer than 72 updates of which readings stand still: those of a second under 1.03 T may be
  those of steady power, of a sensor that looks at a quarter of the time at one of the load's levels. Where
  readings move, U has such loads; a level that lasts ten updates between two edges is taken for power that
  was held.
- Two loads added, of which one moves readings by more than the other's beat and is no part of it: 0.97 and
  17.3 T (100 of 100 ms: 5 to 48 %; means of a second: 35 to 100 %), 0.97 and 3.7 T (25 of 100 ms and 10 of
  20 ms: 22 to 100 %). 0.9 and 0.97 T, 0.95 and 1.2 T, 1.1 and 0.55 T are covered (96 % and more).
- Counters of 100 ms under loads within half a percent of T, T/2 …, whose beat is as slow as power that
  drifts: 99.5 and 100.5 ms (3 to 33 %), 33.2 ms (61 to 73 %). Loads from 1 to 5 % beside T, T/2 … T/5 are
  covered (94 % and more).
- Counters of 100 ms under loads of T with edges that differ by a tenth (27 to 86 %), of 1.1 T with edges that
  differ by a fifth (72 to 84 %; 0.1 s 96 %), and of T/2 that is high for four fifths with edges that differ
  by a fifth (74 to 91 %): their updates scatter as those of power that wanders. Loads of 1.1 T with edges
  that differ by a tenth, and of 1.2 to 1.5 T with edges that differ by a fifth, are covered (93 % and more).
- Windows of 100 ms that all begin at the rise of a load of 203 ms, by a counter of 100 ms: 80 to 92 % are
  held, and their sum is. The updates show half of each period or nearly so, and no reading tells that the
  windows have all of its high part: the same readings come of windows at any other phase.
- A program's windows beside a counter of 100 ms whose lag is known to 0.1 ms, if they end 3 to 30 ms after
  their work: 68 to 87 % at 10 ms, 81 to 98 % at 3 and 30 ms (192 each), because the update around an end is
  split as if power fell there, wrong by 0.1 to 0.8 J of 32 to 131 J. Windows that end within 1 ms, all beside
  counters of 20 ms, and those that tell the lag themselves, are covered (96 % and more).
- A gauge that is not what it is declared to be, where no step of power shows it. Means of 50 ms where 100 ms
  are declared: bursts of less than an update, 3.7 T, power that wanders (25 to 99 %, the less the longer the
  window). About 60 steps between levels of three readings show it (92 % and more). A mean that is longer than
  declared, or of which nothing is declared: loads of one period (declared as 100 ms 1 to 88 %, not declared
  52 to 100 %), power that wanders (1 to 97 %) and bursts (18 to 99 %). Steps at no clock's times show it in
  120 s (92 % and more). Reports say what readings show. Power that itself approaches its levels slowly shows
  the same: U includes both, and is up to 300 times the error of a gauge that is what it is declared to be.
- A gauge of which nothing is declared: loads within 1.5 % of T, whose beat is longer than 64 updates, are
  taken for slow power (3 to 21 %); so are those of which the averaged part holds a whole number of periods,
  whose readings are steady. Loads of 0.97 T and T with edges that differ by a tenth have no beat (27 to
  61 %); with edges that differ by 2 %, 0.9 and 0.97 T are covered (96 % and more). Of 1.2 T with edges that
  differ by a fifth windows of 0.03 to 0.3 s are in 79 to 90 %, those of 1 s in 92 % and longer ones in 94 %
  and more (72 recordings of two minutes).
  Loads of 1.97 and 2.03 T are covered, however long they are high (97 % and more of 288 windows each).
- A gauge of which nothing is declared, that looks at 20 ms of each second: its readings show two levels and
  nothing between, and no reading shows for which part of a second they speak. Squares of 1.03 s are covered
  in recordings of 250 s (99 % and more), and in those of 95 s, which have less than three beats, in 53 to
  74 %. Bursts of 0.2 s are in 91 and 92 % of windows of 0.03 and 0.1 s and in 94 % and more of longer ones,
  and 1.3 s with edges that differ by a fifth in 97 % and more (408 windows each).
- A capacitor of 60 ms, updated every 50 ms, of which nothing is declared, in windows of 0.03 s: 51.5 ms
  (55 %) and 11.5 ms (88 %). Of 0.1 s and more they are covered, and so are those of 0.03 s under 65 ms with
  edges that differ by a tenth (99 % and more; 400 windows each).
- 25 of 100 ms under 1.3 T that is high for three tenths, with edges that differ by a tenth, in windows of
  0.03 s: 90 % of 300. Those of 0.1 and 0.3 s are covered (98 % and more), and so is the like under 10 of
  20 ms.
- A part of the time under 1.1 T that is high for three tenths, with periods that differ by a tenth (standard
  deviation), in windows of 1 s and longer: 25 of 100 ms 69 to 85 % of those of 1 and 3 s, 10 of 20 ms 52 to
  89 % of those of 0.1 to 3 s. U fades faster with the length of windows than such phases even out.
- A sensor whose own noise is more than 0.1 % of its readings: they scatter as power does, and means of all of
  the time are exact of that. Of noise of 2 W, about 1 %, 100 of 100 ms have 83 % of windows of 0.3 s, 64 %
  of 1 s and 27 % of 10 s under steps, and 78, 57 and 28 % of power that wanders; errors are 0.3 % of 1 s and
  0.1 % of 10 s, a twentieth of the gain that is declared of GPUs' gauges. Steady power is covered (97 % and
  more), and so are sensors that look at a part of the time (90 % and more; 288 windows each).
- A mean of a second under faint loads of no beat: 195/205 W at 3.3 T, whose readings scatter as noise does
  (17 to 76 %). What readings as steady as these hide may be any load of n cycles a second.
- A mean of a second under 250/330 W at 2.03 T, of which readings show a watt with 0.3 W of noise at most:
  78 % of windows of 0.1 s. Longer ones are covered (92 % and more; 16 recordings of two minutes).
- 100 of 100 ms under a smooth slow swing (± 20 W in 20 to 40 s), in windows of 0.03 s (79 to 84 %) and of
  0.1 s (89 to 93 %); in longer ones 92 % and more are covered, and of a swing of 15 s 96 % and more.
- 100 of 100 ms under T with edges that differ by 5 %, in recordings of 40 s: high for half 88 % of windows of
  0.03 s, for three tenths 82 %; in windows of 1 and 3 s 90 to 93 %. In recordings of 200 s, and in those of
  40 s with edges that differ by a tenth, they are covered (93 % and more).

Loads that are high for a fifth or four fifths of 0.5 to 1.3 T, regular or with edges that differ by 5 to
20 %, are covered in 94 % and more under sensors that look at all of the time (five recordings of two minutes;
`tests/properties/test_loads_of_any_part_and_edges_are_covered.py`). So are loads near these sensors' own
frequency whose mean drifts (duty 0.1 to 0.9 over 60 s at 0.9 to 1.1 T, both levels by ± 20 W in 30 s at 0.97
and 1.03 T), and of which readings swing by less than half a watt (190/210 W at 0.96 to 1.03 T), in 98 % and
more (30 recordings of two minutes; `tests/properties/test_loads_whose_mean_drifts_are_covered.py`).

Rows *irregular* are loads whose edges are no clock's: each high and each low part differs by a share of
itself.

"""
FOOT = """
## Where U is more than three times the error

`same_gauge_readings.md` simulates other loads with the same readings, and says which of these widths they
justify.

- What windows lose of the steps that they begin and end with is in U of all windows, because readings do
  not say which ones a program put there (`coverage_marked.md`); those of this table lie anywhere. U has the
  larger of that and of what their ends leave open, and loads of two updates that are high for less or more
  than half of the time. Without these some cells of 3.0 to 4.4 times the error would have 2.5 to 3.0.
- Three updates, 100 of 100 ms: readings of 3 T that swing by H are those of 1.5 T that swings by 2 H, where
  the edges fall so that readings are high, halfway and low: 0.75, 0.5 and 0.25 of 2 H. Both are possible, and
  energies between updates are off by 2.9 times as much of 1.5 T: triangles of 3/16, 1/4 and 3/16 of 2 H T in
  three updates, and of 1/4 of H T in one of three. The rows *between* differ by that ratio. Windows of
  0.3 s are two cycles of the one and one of the other, whose ends err alike. So have loads that are high
  three times in three updates, once in each: of the worst of eight U is 2.8 to 3.3 times the errors.
- *edges* of loads near the sensor's own frequency: both ends of a window are off by the load's swing inside a
  period. How many cycles a window has is known from edge to edge of what readings show where that is one
  period, and for which part of it power is high to three quarters of an update: of 0.9 to 1.1 T, windows
  of 0.1 s had 5 to 13 times the error, and while crossings of the middle were counted 3.4 to 3.9. Of 2.03 T
  readings show all of the swing and nothing by turns, and for which part of the time it is high to 15 %, in
  how they alternate. A load that is high once in each update, anywhere in it, has the same readings as that,
  and as 0.23 T.
- Rows *irregular*: a load between 0 and the limit that is high once in each update, anywhere in it, has the
  same readings. Of 100 of 100 ms and means of a second U is 1.5 to 3.4 times its errors, and three times
  those of the row's load would hold 28 to 92 % of its windows in all of 56 wide cells.
- *steady*, 0.03 s, and of means of a second to 0.3 s: readings differ by noise, which may be power that
  moved inside an update, or from one to the next. One that is high once in each, between the lowest and the
  highest reading, has the same readings of 100 of 100 ms: U holds 92 % of its windows, and three times the
  error of steady power 76 %.
- *edges* of a gauge of which nothing is declared under bursts, in windows within an update: where readings
  show pulses between idle times, a window may be one of them, seen or not, as high as the limit allows. U is
  5.5 to 6.5 times the error of windows anywhere, and 1.7 times that of windows that are a burst
  (`coverage_marked.md`), of which it held 66 to 90 % while it was 2.0 times the error of windows anywhere.
- A gauge of which nothing is declared under a smooth slow sine (± 20 W in 50 T), whose U is 40 to 261 times
  the error: a larger sine of 0.98 or 1.02 T has the same readings under a sensor that looks at a part of the
  time (same_gauge_readings.md), and U of three times the error would hold 0 to 12 % of its windows.
- Power that wanders under a capacitor: readings that scatter may be of a load near the sensor's own frequency
  with irregular edges (± 10 to 30 %), whose swing inside a period is many times what they show. One of T/2
  around the same slow power, with edges ± 30 %, scatters alike, and its successive differences nearly do
  (-0.53 and -0.48 go together): a U of three times the error of power that wanders would hold 54 to 77 % of
  its windows (same_readings.md).
- Means of a second under 0.23 and 0.55 T: at each end the energy is somewhere on a triangle whose height
  readings show, and so it is at the updates beside. All four may err alike: under 0.97 T the error of windows
  of 1.6005 s, which end half a cycle of the load and of the beat after they begin, was above 1.56 heights in
  5 % (2,040 windows). Windows of most other lengths have a root mean square of 0.4 to 0.5. What power does in
  an update is worked out, with ten times the readings' noise, so that the height is known to a tenth.
- Means of a second under 2.03 and 3.7 T: a square wave of 2 to 5 cycles a second that goes up and down by a
  quarter of the load's swing may be added, and no reading shows it. U holds 92 to 100 % of its windows,
  and three times the error of the load alone 83 to 93 %.
- Means of a second that stand still at idle: what an update that is missing hid, and by how much what the
  sensor takes for idle is more than the lowest power (7 %), are bounds. They add up over a window: over 10 s
  they are most of U under 3.7 and 17.3 T. The rows' idle power is the lowest one, and so it is the draw of
  these bounds by which their errors are small.
  What standstills hid is 0.28 of their length times the step after them: of bursts every 12 to 30 updates and
  of 3.7 T that is high for a fifth, windows of 10 s would be covered in 85 to 91 % without it, and in 90 to
  97 % with a third of it (10 recordings each).
- A gauge of which nothing is declared: nobody knows of which part of its period a reading speaks, and U holds
  the momentary value at either end of it. At 2 % of T the readings of 0.945 and 0.787 T are those of 17.3 and
  3.7 T. Where readings come round twice as they were, U holds both; those of levels that last by chance do
  not, and have no wider U for it.
  Of 0.23 and 1.5 T in windows of 0.1 s three times the row's error holds 95.7 and 95.2 % of the windows of
  the worst load that was found.
- Sensors that look at a part of the time have no reading of the rest:
  - loads near 2 T: what power does in the gaps is new in each, between the levels that readings show of all
    phases of such a load;
  - 1.5 and 3 T come round in three updates, and any three readings may be of either. Of 3 T the mean of the
    three phases that are looked at is off by up to a third of half the swing, in windows of any length. Of
    1.5 T it is off by nothing where half of each update is looked at;
  - 0.8 T has the readings of a slower load of 4 T: its edges are in what is looked at, so that it is high for
    half of the time, if the later two of four readings are the mirror image of the earlier two. Edges in gaps
    may be anywhere there, and the sums of some of them scatter;
  - the errors of a regular load's gaps (3.7 T, 17.3 T over 10 s) cancel, which U credits for up to 16
    readings in a row: of loads that readings show as they are, their own sums wander as much as those of
    levels that last by chance. One whose edges stay at one place of their gaps for eight cycles has the same
    readings, and a U of three times the regular one's error would hold 24 to 51 % of its windows of 1 to 10 s
    (3.7 T, 25 of 100 ms);
  - 1.5 T under 10 of 20 ms with stamps, which leave its own mean no error: U is up to 320 times that, and 1.4
    to 3.9 times the error of a load with the same readings;
  - 0.23 and 0.55 T in 3 and 10 s: edges of a load of 2.87 T, or of 0.55 T, may be anywhere in gaps. Bursts
    and 17.3 T: so may pulses between two low looks. In windows of 0.03 to 0.3 s under 0.23, 1.5, 2.03 and 3 T
    each edge may be at either end of its gap, and under 3.7 T every second gap between low looks may be high;
  - a smooth slow swing (a sine of 12 s under 25 of 100 ms): a quick sine of 0.992 T is seen as one, too. U is
    700 to 1,400 times the error of the slow one, and 1.5 to 2.8 times that of the quick one.
- Counters, *swings* of loads near their own frequency (0.9 to 1.1 T and 0.55 T in windows of 0.1 s; 1.5 T):
  a slow sine in what updates count may be a slow load's, whose windows err by nothing, or the alias of a
  quick one. U holds the quick one at both ends, and of windows of half a cycle more it is 1.7 to 2.7 times
  the error and no more than it takes. A window of 0.1 s under 0.97 T of 100 ms is nearly a whole cycle,
  whose ends err alike, but of adjoining windows each has one end.
- Counters of 100 ms under 3.7 T, *swings* and *steps*: each update is unlike both of its neighbours. One that
  was high for 40 % of its time may have been so at its beginning or in its middle: the count is the same, and
  at 200 W an instant inside differs by 6 J. A load that is high once in each update has the same counts.
- Counters of 100 ms in windows of 0.03 and 0.1 s, *steps*: an update between two levels may hold a step, or a
  burst that is the window's own.
- Counters of 100 ms in windows of 0.03 s, *edges*: updates that scatter may be a timer's that jitters, which
  cancels inside one update, or show power that wanders inside of them, which does not.
- Counters of 100 ms in windows of 0.03 s under 1.5, 2.03 and 3 T, *swings*: both ends have all of what a
  quick load may do, though they lie in one update, mostly, and err alike in part: of adjoining windows each
  has one end. U is 3.4 to 4.9 times the error, and 1.9 to 2.5 times that of the worst load found with these
  counts.
- Counters placed by 10 of 20 ms where no lag is known, *aliasing* in windows of 0.1 and 0.3 s (0.8 to 1.5 T
  and 3 T): edges that the gauge does not look at may be anywhere in each gap of 10 ms, by themselves. The
  counter shows that they add up to nothing over the recording, which narrows no gap. Where the gauge tells
  less than the counter (0.23 T, 0.97 T in 0.3 s), *swings* and the lag, 0 to 100 ms, are the counter's own.
  Beside the capacitor (0.55 T, and 0.9 T in 10 s: 3.0 to 3.6), *updates*: when power was used inside each of
  its updates, of 15 ms, is open, each by itself.
- Counters, *lag*: beside 25 of 100 ms it is known to ± 14 ms, beside 10 of 20 ms to ± 8 and the capacitor to
  ± 6 ms: by when reads come and how late the gauge is. Recordings draw these; learnt lags were right to 1 to
  6 ms. With one at an end of its interval three times the row's error holds 15 to 67 % of windows of 1 s and
  more. Where a load looks alike a period later none is learnt; short windows then have U of the scaled gauge.

The ratio says less where errors are of two kinds. Under steps most windows have next to none, and the median
U is theirs, while the root mean square error is that of the few in which a step is cut: the ratio falls below
1 and no window is short of ± (bursts, 17.3 T and steps, in the shortest windows).
"""
