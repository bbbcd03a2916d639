/*
 * Energy that programs in the guest add to the package's counter: a load generator sets the power
 * itself.
 *
 * wrmsr RIG_MSR_DEPOSIT + i: program i has used that many nJ more, until now.
 * rdmsr RIG_MSR_DEPOSIT + i: what it has added since the waveform's origin, nJ.
 * wrmsr RIG_MSR_BUSY: this instruction takes that many ns, where time is the count of instructions.
 *
 * The counter is the waveform of the configuration (the idle machine) and all that was added until
 * its last update. Included by rapl_emul.c of the emulator, see build_emulator.py; of package 0
 * alone.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef RAPL_DEPOSITS_H
#define RAPL_DEPOSITS_H

#include "qemu/seqlock.h"
#include "softmmu/timers-state.h"
#include "sysemu/cpu-timers.h"

#define RIG_MSR_DEPOSIT 0x52410060u
#define RIG_MSR_BUSY 0x52410070u
#define BUSY_MAX_NS 1000000
#define DEPOSITORS 8
#define DEPOSITS_KEPT 16384 /* of which an update of the counter is looked up: seconds of them */

static struct {
    QemuMutex lock;
    uint64_t nj[DEPOSITORS];
    uint64_t n, all_nj;
    struct {
        int64_t t_ns; /* virtual clock */
        uint64_t nj;  /* of all programs, with this one */
    } at[DEPOSITS_KEPT];
} deposits;

static void deposits_init(void)
{
    qemu_mutex_init(&deposits.lock);
}

/* The waveform restarts: nothing was added. */
static void deposits_restart(void)
{
    qemu_mutex_lock(&deposits.lock);
    memset(deposits.nj, 0, sizeof(deposits.nj));
    deposits.n = deposits.all_nj = 0;
    qemu_mutex_unlock(&deposits.lock);
}

/* Joules that were added until t_ns of the virtual clock. */
static long double deposited_j(int64_t t_ns)
{
    uint64_t found = 0;

    qemu_mutex_lock(&deposits.lock);
    for (uint64_t i = deposits.n; i > 0 && deposits.n - i < DEPOSITS_KEPT; i--) {
        if (deposits.at[(i - 1) % DEPOSITS_KEPT].t_ns <= t_ns) {
            found = deposits.at[(i - 1) % DEPOSITS_KEPT].nj;
            break;
        }
    }
    qemu_mutex_unlock(&deposits.lock);
    return found * 1e-9L;
}

/* 1: the register is one of these. */
static int deposits_rdmsr(uint32_t msr, uint64_t *val)
{
    if (msr < RIG_MSR_DEPOSIT || msr >= RIG_MSR_DEPOSIT + DEPOSITORS) {
        return 0;
    }
    qemu_mutex_lock(&deposits.lock);
    *val = deposits.nj[msr - RIG_MSR_DEPOSIT];
    qemu_mutex_unlock(&deposits.lock);
    return 1;
}

/* The clock goes on without an instruction, and the next CPU has its turn. */
static void busy(uint64_t ns)
{
    if (!icount_enabled()) {
        return;
    }
    seqlock_write_lock(&timers_state.vm_clock_seqlock, &timers_state.vm_clock_lock);
    qatomic_set_i64(&timers_state.qemu_icount_bias,
                    timers_state.qemu_icount_bias + (int64_t)MIN(ns, BUSY_MAX_NS));
    seqlock_write_unlock(&timers_state.vm_clock_seqlock, &timers_state.vm_clock_lock);
    cpu_exit(current_cpu);
}

static int deposits_wrmsr(uint32_t msr, uint64_t val)
{
    if (msr == RIG_MSR_BUSY) {
        busy(val);
        return 1;
    }
    if (msr < RIG_MSR_DEPOSIT || msr >= RIG_MSR_DEPOSIT + DEPOSITORS) {
        return 0;
    }
    qemu_mutex_lock(&deposits.lock);
    deposits.nj[msr - RIG_MSR_DEPOSIT] += val;
    deposits.all_nj += val;
    deposits.at[deposits.n % DEPOSITS_KEPT].t_ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    deposits.at[deposits.n % DEPOSITS_KEPT].nj = deposits.all_nj;
    deposits.n++;
    qemu_mutex_unlock(&deposits.lock);
    return 1;
}

#endif
