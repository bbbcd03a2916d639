/* SPDX-License-Identifier: Apache-2.0 */
#include "lateness.h"

#define OCTAVE 8 /* places in one */
#define OCTAVE_BITS 3

size_t uj_late_place(int64_t late_ns)
{
    if (late_ns < OCTAVE)
        return late_ns < 0 ? 0 : (size_t)late_ns;
    unsigned exponent = 63u - (unsigned)__builtin_clzll((unsigned long long)late_ns);
    uint64_t eighth = (uint64_t)late_ns >> (exponent - OCTAVE_BITS) & (OCTAVE - 1);
    size_t place = (size_t)(exponent - OCTAVE_BITS + 1) * OCTAVE + (size_t)eighth;
    return place < UJ_LATE_PLACES ? place : UJ_LATE_PLACES - 1;
}

int64_t uj_late_from_ns(size_t place)
{
    if (place < OCTAVE)
        return (int64_t)place;
    return (int64_t)(OCTAVE + place % OCTAVE) << (place / OCTAVE - 1);
}
