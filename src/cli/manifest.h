/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_MANIFEST_H
#define AVER_CLI_MANIFEST_H

/*
 * manifest: cases of evidence with what each must give, in one JSON file beside the files that it
 * names (docs/verifier.md has the format). A file lies in the manifest's folder or below, also
 * behind links, and is the one whose SHA-256 the manifest lists.
 *
 * Ownership: close and unload. A case borrows from its manifest.
 */

#include "aver/attest.h"
#include "cli/cli.h"
#include "codec/json.h"

#define AVER_MANIFEST_WHY_BYTES 256
#define AVER_MANIFEST_FILES_MAX 32

typedef struct aver_manifest {
    json_t *json;
    const json_t *cases;
    char *folder;
} aver_manifest;

typedef struct aver_manifest_case {
    const char *id;
    const char *family_name;
    aver_family family;
    bool rim_alone; /* nvidia-rim: signed reference values and evidence, without the device's chain
                     */
    const json_t *expect;
    aver_attest_input input;
    aver_buf files[AVER_MANIFEST_FILES_MAX];
    size_t files_count;
    uint8_t *nonce; /* owned */
} aver_manifest_case;

aver_exit aver_manifest_open(const aver_cli *cli, const char *path, aver_manifest *ret_manifest);
void aver_manifest_close(aver_manifest *manifest);
size_t aver_manifest_count(const aver_manifest *manifest);
/* "" where the case has none. */
const char *aver_manifest_id(const aver_manifest *manifest, size_t index);
const char *aver_manifest_family(const aver_manifest *manifest, size_t index);
/*
 * Reads what a case needs; ret_why says why one cannot be run: what this program does not know in
 * it is never passed over. now_s is the time for a case without one.
 */
AVER_MUST_USE aver_err aver_manifest_load(const aver_manifest *manifest, size_t index,
                                          uint64_t now_s, aver_manifest_case *ret_case,
                                          char ret_why[AVER_MANIFEST_WHY_BYTES]);
void aver_manifest_unload(aver_manifest_case *loaded);

#endif
