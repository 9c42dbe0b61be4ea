/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLAIMS_H
#define AVER_CLAIMS_H

/*
 * claims: what evidence says about its platform and program, in one form for every TEE. The first
 * part is what a policy judges; the list holds every value that the evidence, its certificates and
 * its collateral give, under the names that docs/verifier.md lists:
 *
 *   single values   mr_td = bytes, isv_svn = 3, debug = false
 *   maps by number  pcrs[0] = bytes, pcrs[1] = bytes, ...
 *   lists           advisories[0] = "INTEL-SA-00615", ... (an empty list is an entry of its own)
 *   maps by name    a point in a name is a step into a map: reported_tcb_parts.bl = 4
 *   other shapes    JSON that the family itself writes: pcr_select = [[11,[0,1,2]]]
 *
 * In evidence that holds other evidence (Azure), the inner claims have a group ("snp", "tdx", also
 * with points). What belongs to one group, map or list is put one after the other.
 *
 * Views point into the evidence or into room: a record is filled in place and never copied.
 * Sizes:   at most AVER_CLAIMS_LIST_MAX entries and AVER_CLAIMS_ROOM_BYTES of copies; families
 *          that could say more refuse the evidence.
 * Meaning: claims are true only as far as the verdict beside them goes.
 * Threads: none; one owner at a time.
 */

#include "aver/bytes.h"

AVER_C_BEGIN

#define AVER_MEASUREMENTS_MAX      40
#define AVER_MEASUREMENT_BYTES_MAX 64
#define AVER_CLAIMS_LIST_MAX       256
#define AVER_CLAIMS_ROOM_BYTES     8192
#define AVER_CLAIMS_DEPTH_MAX      6 /* parts of group and name together; deeper points are text */

/* One measurement of a program by a platform. */
typedef struct aver_measurement {
    const char *kind; /* "program", "pcr0", "mrtd", ... */
    uint8_t bytes[AVER_MEASUREMENT_BYTES_MAX];
    uint8_t size;
} aver_measurement;

typedef enum aver_claim_kind {
    AVER_CLAIM_BYTES = 1,
    AVER_CLAIM_TEXT, /* UTF-8 */
    AVER_CLAIM_UINT,
    AVER_CLAIM_BOOL,
    AVER_CLAIM_NULL,  /* the format has a place for it, and it is empty */
    AVER_CLAIM_EMPTY, /* a list without members */
    AVER_CLAIM_JSON,  /* one well-formed JSON value */
} aver_claim_kind;

typedef enum aver_claim_place {
    AVER_CLAIM_SINGLE = 0,
    AVER_CLAIM_IN_MAP,  /* at key */
    AVER_CLAIM_IN_LIST, /* the next of its name */
} aver_claim_place;

typedef struct aver_claim {
    const char *group; /* constant or in room, or NULL */
    const char *name;  /* constant or in room */
    aver_claim_place place;
    aver_claim_kind kind;
    uint32_t key;
    aver_view bytes; /* BYTES, TEXT and JSON */
    uint64_t number; /* UINT; BOOL: 0 or 1 */
} aver_claim;

/* Intel's words for how a platform stands against a TCB level; others are found by the same
 * numbers where a platform has them. */
typedef enum aver_tcb_status {
    AVER_TCB_NONE = 0, /* the platform has no such judgement, or nothing to judge it by was given */
    AVER_TCB_UP_TO_DATE,
    AVER_TCB_SW_HARDENING_NEEDED,
    AVER_TCB_CONFIGURATION_NEEDED,
    AVER_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED,
    AVER_TCB_RELAUNCH_ADVISED,
    AVER_TCB_RELAUNCH_ADVISED_CONFIGURATION_NEEDED,
    AVER_TCB_OUT_OF_DATE,
    AVER_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
    AVER_TCB_REVOKED,
} aver_tcb_status;
#define AVER_TCB_STATUS_COUNT 10
/* A set of statuses, as a policy accepts them. */
#define AVER_TCB_SET(status) (1u << (unsigned)(status))

typedef struct aver_claims {
    /* What a policy judges. */
    bool has_report_data;
    uint8_t report_data[64];
    bool debug;
    bool simulated;
    bool has_time;
    uint64_t time_ms;
    uint64_t tcb; /* the platform's firmware level as one number, greater is newer; see tcb.min */
    aver_tcb_status tcb_status;
    aver_measurement measurements[AVER_MEASUREMENTS_MAX];
    size_t measurements_count;
    uint8_t machine_id[64]; /* PPID, CHIP_ID, GPU identity: the same for every start of a machine */
    uint8_t machine_id_size;
    /* Everything that was said. */
    aver_claim list[AVER_CLAIMS_LIST_MAX];
    size_t list_count;
    aver_claim spare; /* takes what does not fit */
    uint8_t room[AVER_CLAIMS_ROOM_BYTES];
    size_t room_used;
    bool has_nonce; /* what stands where a verifier puts its nonce, for evidence.nonce */
    aver_view nonce;
    const char *group; /* given to what is put now */
    bool full;         /* something did not fit: the family refuses the evidence */
} aver_claims;

/* Empties the record. (It is large: initialisers that zero all of it cost more than a signature.)
 */
void aver_claims_init(aver_claims *claims);

/* Entries. name and bytes stay as they are for as long as the claims live: constants, parts of the
 * evidence, or copies in room (a name with its terminator). */
void aver_claims_put_bytes(aver_claims *claims, const char *name, aver_view bytes);
void aver_claims_put_text(aver_claims *claims, const char *name, aver_view text);
void aver_claims_put_uint(aver_claims *claims, const char *name, uint64_t number);
void aver_claims_put_bool(aver_claims *claims, const char *name, bool value);
void aver_claims_put_null(aver_claims *claims, const char *name);
void aver_claims_put_empty(aver_claims *claims, const char *name);
void aver_claims_put_at(aver_claims *claims, const char *name, uint32_t key, aver_view bytes);
void aver_claims_put_member(aver_claims *claims, const char *name, aver_view text);
void aver_claims_put_member_bytes(aver_claims *claims, const char *name, aver_view bytes);
void aver_claims_put_member_uint(aver_claims *claims, const char *name, uint64_t number);
void aver_claims_put_json(aver_claims *claims, const char *name, aver_view json);
/* A copy of bytes inside the record; an empty view, and full, where there is no room. */
aver_view aver_claims_copy(aver_claims *claims, aver_view bytes);
/* Adds to measurements; kind is a constant, bytes are at most AVER_MEASUREMENT_BYTES_MAX
 * (asserted).
 */
void aver_claims_measure(aver_claims *claims, const char *kind, aver_view bytes);

/* The single value of that name, or NULL. */
const aver_claim *aver_claims_find(const aver_claims *claims, const char *group, const char *name);

/* {"name":value,...}: bytes as hex, maps and groups as objects inside. */
void aver_claims_json(const aver_claims *claims, aver_buf *out);

/* "UpToDate", ...; "" for none. */
const char *aver_tcb_status_text(aver_tcb_status status);
/* NONE for another text. */
aver_tcb_status aver_tcb_status_find(aver_view text);

AVER_C_END

#endif
