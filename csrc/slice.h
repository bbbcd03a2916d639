/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UJ_SLICE_H
#define UJ_SLICE_H

/* Asks the fair scheduler for the shortest turns, for the calling thread. */
void uj_ask_short_turns(void);

#endif
