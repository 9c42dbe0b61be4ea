/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/policy_state.h"

#include <string.h>

/* What platforms measure. PCRs are SHA-384 on Nitro and SHA-256 or SHA-384 in TPMs; a realm's
 * measurements are SHA-256 or SHA-512. */
static const aver_policy_kind kinds_table[] = {
    {"program", 32, 0},
    {"pcr0", 48, 32},
    {"pcr1", 48, 32},
    {"pcr2", 48, 32},
    {"pcr3", 48, 32},
    {"pcr4", 48, 32},
    {"pcr5", 48, 32},
    {"pcr6", 48, 32},
    {"pcr7", 48, 32},
    {"pcr8", 48, 32},
    {"pcr9", 48, 32},
    {"pcr10", 48, 32},
    {"pcr11", 48, 32},
    {"pcr12", 48, 32},
    {"pcr13", 48, 32},
    {"pcr14", 48, 32},
    {"pcr15", 48, 32},
    {"pcr16", 48, 32},
    {"pcr17", 48, 32},
    {"pcr18", 48, 32},
    {"pcr19", 48, 32},
    {"pcr20", 48, 32},
    {"pcr21", 48, 32},
    {"pcr22", 48, 32},
    {"pcr23", 48, 32},
    {"mrtd", 48, 0},
    {"rtmr0", 48, 0},
    {"rtmr1", 48, 0},
    {"rtmr2", 48, 0},
    {"rtmr3", 48, 0},
    {"mr_seam", 48, 0},
    {"mr_config_id", 48, 0},
    {"mr_owner", 48, 0},
    {"mr_owner_config", 48, 0},
    {"mr_service_td", 48, 0},
    {"mrenclave", 32, 0},
    {"mrsigner", 32, 0},
    {"measurement", 48, 0},
    {"host_data", 32, 0},
    {"id_key_digest", 48, 0},
    {"author_key_digest", 48, 0},
    {"rim", 32, 64},
    {"rem0", 32, 64},
    {"rem1", 32, 64},
    {"rem2", 32, 64},
    {"rem3", 32, 64},
    {"personalization", 64, 0},
    {"implementation_id", 32, 0},
    {"family_id", 16, 0},
    {"image_id", 16, 0},
    {NULL, 0, 0},
};

/* Words for people: what the value stands for, and the kind that holds it on a platform. */
static const struct {
    const char *meaning;
    const char *platform;
    const char *kind;
} kinds_meanings[] = {
    {"image", "sim", "program"},        {"image", "nitro", "pcr0"},
    {"kernel", "nitro", "pcr1"},        {"init", "nitro", "pcr2"},
    {"role", "nitro", "pcr3"},          {"signer", "nitro", "pcr8"},
    {"image", "sgx", "mrenclave"},      {"signer", "sgx", "mrsigner"},
    {"firmware", "tdx", "mrtd"},        {"kernel", "tdx", "rtmr1"},
    {"init", "tdx", "rtmr2"},           {"firmware", "snp", "measurement"},
    {"signer", "snp", "id_key_digest"}, {"firmware", "azure", "pcr0"},
    {"kernel", "azure", "pcr4"},        {"image", "cca", "rim"},
};

const aver_policy_kind *aver_policy_kind_find(const char *platform, const char *name)
{
    for (size_t i = 0; i < sizeof kinds_meanings / sizeof kinds_meanings[0]; i++) {
        if (strcmp(kinds_meanings[i].meaning, name) == 0 &&
            strcmp(kinds_meanings[i].platform, platform) == 0) {
            name = kinds_meanings[i].kind;
            break;
        }
    }
    const aver_policy_kind *kind = kinds_table;
    while (kind->name != NULL && strcmp(kind->name, name) != 0) {
        kind++;
    }
    return kind->name != NULL ? kind : NULL;
}
