/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_COLLECT_H
#define AVER_CLI_COLLECT_H

/*
 * collect: what a piece of evidence is judged by, from the services of its maker or a mirror of
 * them, into a folder:
 *
 *   sgx, tdx   FAMILY-FMSPC-CA.json: TCB info, QE identity and lists, as --collateral takes them
 *   snp        PRODUCT-KEY.pem (ASK and ARK), PRODUCT-KEY.crl, CHIP-TCB.vcek (DER)
 *
 * The evidence says which documents, never from where: addresses are constants here, or the
 * reader's. Everything is judged, with this very evidence, before it is kept, and again before it
 * is used: a file holds exactly as long as the dates that are signed inside it. A document that is
 * still good is not fetched again, unless a refresh is asked for; a refresh that fails leaves the
 * old one in its place, which then ends when it would have ended.
 * Files are written through a rename. Sizes: 1 MiB each at most.
 */

#include "aver/attest.h"

#include <limits.h>

#define AVER_COLLECT_ITEMS_MAX 3
#define AVER_COLLECT_WHY_BYTES 400

typedef struct aver_collect_options {
    aver_family family;
    const aver_attest_input
        *input;          /* evidence, roots, time; leaf: a VLEK, which no service gives */
    const char *cache;   /* folder, made where it is not there */
    const char *source;  /* base of a mirror, or NULL: the makers' services */
    const char *ca_file; /* authorities for it, PEM, or NULL: the system's */
    const char *product; /* snp of report version 2: "Milan", "Genoa"; or NULL */
    uint32_t timeout_ms; /* of each document */
    bool refresh;
} aver_collect_options;

typedef struct aver_collect_item {
    const char *option; /* of aver attest judge: "collateral", "leaf", "chain", "crl" */
    bool fetched;
    char path[PATH_MAX];
} aver_collect_item;

typedef struct aver_collect_result {
    aver_collect_item items[AVER_COLLECT_ITEMS_MAX];
    size_t count;
    bool stale_refresh; /* a refresh failed, and what is there still holds */
    char why[AVER_COLLECT_WHY_BYTES];
} aver_collect_result;

/* USAGE: nothing can be collected for this evidence; IO: it could not be had or written; PEER: what
 * came is not good. Words in why. */
AVER_MUST_USE aver_err aver_collect(const aver_collect_options *options,
                                    aver_collect_result *ret_result);

/* For its parts: collect_intel, collect_amd. */
typedef struct aver_collect_job {
    const aver_collect_options *options;
    aver_collect_result *result;
    aver_verdict verdict;
    aver_claims claims;
} aver_collect_job;

aver_err aver_collect_intel(aver_collect_job *job);
aver_err aver_collect_amd(aver_collect_job *job);

/* Gives err, with words. */
aver_err aver_collect_fail(aver_collect_job *job, aver_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A document of service, or of the mirror. header may be NULL, or two names of one. */
aver_err aver_collect_get(aver_collect_job *job, const char *service, const char *path,
                          const char *const *header, aver_buf *ret_body, aver_buf *ret_header);
/* A new item; its path is FOLDER/NAME. */
aver_err aver_collect_item_add(aver_collect_job *job, const char *option,
                               aver_collect_item **ret_item, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Empty where there is none. */
aver_err aver_collect_read(const aver_collect_item *item, aver_buf *ret_bytes);
aver_err aver_collect_write(aver_collect_job *job, aver_collect_item *item, aver_view bytes);
/* Judges the evidence with input into job->verdict. */
aver_err aver_collect_judge(aver_collect_job *job, const aver_attest_input *input);
/* True if each check of the NULL-terminated names passed, and revocation was judged by a good list
 * (which may well say that the machine is revoked: that is what it is for). */
bool aver_collect_passed(const aver_collect_job *job, const char *const *names);
bool aver_collect_list_good(const aver_collect_job *job);

#endif
