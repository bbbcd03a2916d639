/* SPDX-License-Identifier: Apache-2.0
 *
 * What a process that serves feeds may still ask of the kernel, once it has opened all that it
 * reads: to read on, to wait, to accept connections and to send. It cannot start a program or a
 * thread, connect, make a socket, write or create a file, trace another process, or make memory
 * executable (seccomp(2), Documentation/userspace-api/seccomp_filter.rst).
 *
 * Decision: a list of what is allowed, and EPERM for the rest. A call that nobody thought of fails
 * and is reported, where a kill would end the readings of the whole node. What is given up: an
 * intruder learns which calls are closed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "error.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCHITECTURE AUDIT_ARCH_PPC64LE
#endif

#ifdef ARCHITECTURE

/* What is allowed whatever its arguments are. */
static const int allowed[] = {
    /* Readings: files and events that are open. */
    SYS_read,
    SYS_pread64,
    SYS_lseek,
    SYS_fstat,
#ifdef SYS_newfstatat
    SYS_newfstatat,
#endif
    /* Waits and clocks. */
    SYS_clock_gettime,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_futex,
    SYS_sched_yield,
    SYS_epoll_ctl,
    SYS_epoll_pwait,
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#endif
    SYS_ppoll,
#ifdef SYS_poll
    SYS_poll,
#endif
    SYS_rt_sigtimedwait,
    SYS_rt_sigprocmask,
    SYS_rt_sigaction,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_restart_syscall,
    /* Connections that others make. */
    SYS_accept4,
    SYS_getsockopt,
    SYS_getsockname,
    SYS_sendmsg,
    SYS_shutdown,
    SYS_close,
    SYS_write, /* to descriptors that are open: messages, a wake-up */
    /* Memory. */
    SYS_brk,
    SYS_munmap,
    SYS_mremap,
    SYS_madvise,
    SYS_munlock,
    /* The process itself, and its end. */
    SYS_getpid,
    SYS_gettid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getrandom,
    SYS_set_robust_list,
#ifdef SYS_rseq
    SYS_rseq,
#endif
    SYS_exit,
    SYS_exit_group,
};

#define N_ALLOWED (sizeof allowed / sizeof *allowed)

/* Allowed while these bits of an argument are this: a counter's file that came back is opened to be
 * read; memory is mapped without PROT_EXEC; ioctl of perf events (their type is '$'). */
static const struct rule {
    int number;
    unsigned argument;
    uint32_t mask, value;
} rules[] = {
    {SYS_openat, 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY},
    {SYS_mmap, 2, PROT_EXEC, 0},
    {SYS_mprotect, 2, PROT_EXEC, 0},
    {SYS_ioctl, 1, 0xff00, '$' << 8},
};

#define N_RULES (sizeof rules / sizeof *rules)

#define ALLOW SECCOMP_RET_ALLOW
#define DENY (SECCOMP_RET_ERRNO | EPERM)

/* The lower half of an argument: all masks are within 32 bits. */
static uint32_t argument_at(unsigned argument)
{
    size_t at = offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    at += sizeof(uint32_t);
#endif
    return (uint32_t)at;
}

/* Writes the filter; how many instructions it has. */
static size_t program(struct sock_filter *at)
{
    struct sock_filter *first = at;
#define SAY(...) *at++ = (struct sock_filter)__VA_ARGS__
#define LOAD(offset) SAY(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset)))
#define SKIP_UNLESS(word, n) SAY(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(word), 0, n))
#define RETURN(what) SAY(BPF_STMT(BPF_RET | BPF_K, what))
    LOAD(offsetof(struct seccomp_data, arch));
    SAY(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
    RETURN(DENY);
    LOAD(offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < N_ALLOWED; i++) {
        SKIP_UNLESS(allowed[i], 1);
        RETURN(ALLOW);
    }
    for (size_t i = 0; i < N_RULES; i++) {
        SKIP_UNLESS(rules[i].number, 5);
        LOAD(argument_at(rules[i].argument));
        SAY(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, rules[i].mask));
        SKIP_UNLESS(rules[i].value, 1);
        RETURN(ALLOW);
        RETURN(DENY);
    }
    RETURN(DENY);
    return (size_t)(at - first);
}

int uj_confine(struct uj_error *err)
{
    struct sock_filter filter[8 + 2 * N_ALLOWED + 6 * N_RULES];
    struct sock_fprog prog = {(unsigned short)program(filter), filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return uj_fail(err, errno, "give up", "new privileges");
    /* Every thread, those that sample too. What cannot follow is named by its number. */
    long code = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog);
    if (code < 0)
        return uj_fail(err, errno, "filter", "system calls");
    return code == 0 ? 0 : uj_fail(err, ESRCH, "filter system calls of", "another thread");
}

#else

int uj_confine(struct uj_error *err)
{
    return uj_fail(err, ENOTSUP, "filter", "system calls of this processor");
}

#endif
