/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_PROXY_RUN_H
#define AVER_TESTS_SUPPORT_PROXY_RUN_H

/*
 * proxy_run: a running `aver proxy` of a test's own on a free port of this machine, and a plain
 * HTTP client of it. Failures of the set-up end the test.
 */

#include "net/client.h"
#include "support/cli_run.h"

#include <sys/types.h>

#define PROXY_RUN_BODY_MAX  (16u * 1024 * 1024)
#define PROXY_RUN_VALUE_MAX 8192
#define PROXY_RUN_WORDS_MAX 16

typedef struct proxy_run {
    pid_t pid;
    char url[64];
    char log[CLI_RUN_PATH_BYTES];
    char store[CLI_RUN_PATH_BYTES]; /* the folder of its capsules */
} proxy_run;

typedef struct proxy_answer {
    aver_err err; /* of the transfer: a cut connection is none */
    uint32_t status;
    aver_buf body; /* terminated, size without the terminator */
    char verdict[32], checks[512], capsule[64], source[16];
    char cors[64];                        /* Access-Control-Allow-Origin */
    char type[128], sniff[32], page[128]; /* Content-Type; what a browser may make of it */
    char receipt[PROXY_RUN_VALUE_MAX];
    /* Asked for: the client goes away after so many bytes, 0 never; called with each piece. */
    size_t leave_after_bytes;
    void (*on_piece)(void *context);
    void *context;
} proxy_answer;

/* words: more options, NULL-terminated, or NULL. With this policy, NULL for that of run. Waits
 * until it serves. */
void proxy_run_start(proxy_run *proxy, const cli_run *run, const char *policy,
                     const char *const *words);
/* The same at an address of the words' own; url is then of no use. */
void proxy_run_start_at(proxy_run *proxy, const cli_run *run, const char *const *words);
/* The exit status after SIGTERM. */
int proxy_run_stop(proxy_run *proxy);
/* Of its standard error so far. */
bool proxy_run_log_has(const proxy_run *proxy, const char *text);
/* A request; body NULL: GET. Members of answer that say what is asked for are kept. */
void proxy_ask(const proxy_run *proxy, const char *path, const char *body, proxy_answer *answer);
/* With more headers, NULL-terminated. */
void proxy_ask_headers(const proxy_run *proxy, const char *path, const char *body,
                       const char *const *headers, proxy_answer *answer);
void proxy_answer_deinit(proxy_answer *answer);
bool proxy_answer_has(const proxy_answer *answer, const char *text);

#endif
