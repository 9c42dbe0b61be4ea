/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_PIN_H
#define AVER_CLI_PIN_H

/* pin: a policy written from values that the reader measured or compared itself. */

#include "aver/judge.h"

#define AVER_PIN_MODELS_MAX    AVER_KEYSET_MODELS_MAX
#define AVER_PIN_HASH_PIECE    65536
#define AVER_PIN_AGE_DEFAULT_S 300

typedef struct aver_pin {
    const char *name;
    const char *platform;          /* in "platforms" */
    const char *measured_platform; /* of the measurement; NULL: the same */
    aver_measurement measurements[AVER_MEASUREMENTS_MAX];
    size_t measurements_count;
    uint8_t models[AVER_PIN_MODELS_MAX][32];
    size_t models_count;
    uint8_t config_digest[32]; /* shown and compared, not written */
    uint64_t age_max_s;        /* 0: 300 */
    bool verified_only;        /* profile fast is not allowed */
} aver_pin;

/* SHA-256 of a program file, as the simulator measures it. */
AVER_MUST_USE aver_err aver_pin_program(const char *path, uint8_t ret_digest[static 32]);
/* 16 hex digits that stand for platform, measurements, model roots and configuration together. */
#define AVER_PIN_DIGEST_DIGITS 16
void aver_pin_digest(const aver_pin *pin, char ret_hex[AVER_PIN_DIGEST_DIGITS + 1]);
/* One root more; those that are there already are left out. At most AVER_PIN_MODELS_MAX (asserted).
 */
void aver_pin_model(aver_pin *pin, const uint8_t root[static 32]);
/* Appends the policy as JSON, ready to be read by people too. */
void aver_pin_write(const aver_pin *pin, aver_buf *out);

#endif
