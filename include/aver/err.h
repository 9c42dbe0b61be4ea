/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ERR_H
#define AVER_ERR_H

/*
 * err: the one error type. A value names what the caller can do about it, not where it came from;
 * the detail is logged once, where it was found.
 *
 * Every fallible function returns aver_err and is AVER_MUST_USE. Outputs come last, are named
 * ret_*, and are untouched on failure.
 */

#define AVER_MUST_USE __attribute__((warn_unused_result))

/* Size of an array parameter: the caller's array has at least so many elements. */
#ifdef __cplusplus
#define AVER_AT_LEAST(count) count
#define AVER_C_BEGIN         extern "C" {
#define AVER_C_END           }
#else
#define AVER_AT_LEAST(count) static count
#define AVER_C_BEGIN
#define AVER_C_END
#endif

AVER_C_BEGIN

typedef enum aver_err {
    AVER_OK = 0,
    AVER_E_NOMEM,       /* an allocation failed */
    AVER_E_LIMIT,       /* a stated bound was reached; nothing was changed */
    AVER_E_FORMAT,      /* the bytes are not well formed */
    AVER_E_PROOF,       /* well formed, and the signature, hash or proof does not hold */
    AVER_E_AGAIN,       /* not now: retry after the next event */
    AVER_E_IO,          /* the system refused; errno says why */
    AVER_E_PEER,        /* the other side broke the protocol or went away */
    AVER_E_USAGE,       /* the caller, operator or reader asked for something that cannot be */
    AVER_E_UNSUPPORTED, /* well formed, of a kind or version this program does not know */
    AVER_E_ABSENT,      /* the thing asked for is not there */
    AVER_E_CRYPTO,      /* the cryptographic library refused to work */
} aver_err;

/* A short English name of the value, never NULL. */
const char *aver_err_text(aver_err err);

AVER_C_END

#endif
