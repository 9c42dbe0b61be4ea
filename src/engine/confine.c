/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/confine.h"

#include "base/log.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Harmless whatever their arguments are: memory, threads, time, descriptors already open. */
static const int calls_allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(dup),
    SCMP_SYS(fstat),
    SCMP_SYS(fadvise64),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(brk),
    SCMP_SYS(madvise),
    SCMP_SYS(mlock),
    SCMP_SYS(munlock),
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(membarrier),
    SCMP_SYS(getcpu),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

/*
 * The C library asks for files now and then (heap settings, core count) and does without them; so
 * does a thread pool without priorities, which could also be set for other processes of the user.
 */
static const int calls_refused[] = {
    SCMP_SYS(open),       SCMP_SYS(openat), SCMP_SYS(readlink),
    SCMP_SYS(readlinkat), SCMP_SYS(access), SCMP_SYS(faccessat),
    SCMP_SYS(stat),       SCMP_SYS(lstat),  SCMP_SYS(sched_setscheduler),
};

static int filter_add_lists(scmp_filter_ctx filter)
{
    int status = 0;
    for (size_t i = 0; i < sizeof(calls_allowed) / sizeof(calls_allowed[0]) && status == 0; i++) {
        status = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls_allowed[i], 0);
    }
    for (size_t i = 0; i < sizeof(calls_refused) / sizeof(calls_refused[0]) && status == 0; i++) {
        status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), calls_refused[i], 0);
    }
    /* clone3 hides its flags in memory, where a filter cannot look; the C library falls back to
     * clone. */
    return status != 0 ? status
                       : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

static int filter_add_fcntl(scmp_filter_ctx filter)
{
    static const int commands[] = {F_GETFL, F_SETFL, F_GETFD, F_SETFD};
    int status = 0;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]) && status == 0; i++) {
        status = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                                  SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)commands[i]));
    }
    return status;
}

/* Allowed with conditions: no executable memory, threads but no processes, signals to itself only.
 */
static int filter_add_conditions(scmp_filter_ctx filter)
{
    int status = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    status = status != 0 ? status
                         : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    status = status != 0
                 ? status
                 : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                                    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    status = status != 0 ? status
                         : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                                            SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
    status = status != 0 ? status
                         : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                                            SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
    /* Its cores, by each thread for itself: a number could be that of another process. */
    status = status != 0 ? status
                         : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sched_setaffinity), 1,
                                            SCMP_A0(SCMP_CMP_EQ, 0));
    status = status != 0
                 ? status
                 : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(sched_setaffinity), 1,
                                    SCMP_A0(SCMP_CMP_NE, 0));
    /* fstat of a descriptor, as newer C libraries spell it. */
    status = status != 0
                 ? status
                 : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
                                    SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
    return status != 0 ? status : filter_add_fcntl(filter);
}

static int filter_load(scmp_filter_ctx filter)
{
    int status = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 1);
    status = status != 0 ? status : seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    status = status != 0 ? status : filter_add_lists(filter);
    status = status != 0 ? status : filter_add_conditions(filter);
    return status != 0 ? status : seccomp_load(filter);
}

aver_err aver_confine_engine(void)
{
    const struct rlimit none = {0, 0};
    aver_process_harden();
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
        aver_log(AVER_LOG_ERROR, "engine.confine", "the process cannot be hardened");
        return AVER_E_IO;
    }
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == NULL) {
        return AVER_E_NOMEM;
    }
    int status = filter_load(filter);
    seccomp_release(filter);
    if (status != 0) {
        aver_log(AVER_LOG_ERROR, "engine.confine", "no seccomp filter: error %d", -status);
        return AVER_E_UNSUPPORTED;
    }
    return AVER_OK;
}
