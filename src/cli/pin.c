/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pin.h"

#include "base/check.h"
#include "codec/json.h"
#include "codec/text.h"
#include "crypto/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Not blocking, because opening a pipe without a writer would wait for ever. */
static aver_err pin_open(const char *path, int *ret_fd)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return errno == ENOENT ? AVER_E_ABSENT : AVER_E_IO;
    }
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        (void)close(fd);
        return AVER_E_USAGE;
    }
    *ret_fd = fd;
    return AVER_OK;
}

static aver_err pin_hash(int fd, uint8_t ret_digest[static 32])
{
    uint8_t *piece = malloc(AVER_PIN_HASH_PIECE);
    if (piece == NULL) {
        return AVER_E_NOMEM;
    }
    aver_err err = AVER_OK;
    aver_sha256 hash;
    aver_sha256_init(&hash);
    for (;;) {
        ssize_t got = read(fd, piece, AVER_PIN_HASH_PIECE);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            err = got == 0 ? AVER_OK : AVER_E_IO;
            break;
        }
        aver_sha256_update(&hash, aver_view_make(piece, (size_t)got));
    }
    free(piece);
    if (err == AVER_OK) {
        aver_sha256_final(&hash, ret_digest);
    }
    return err;
}

aver_err aver_pin_program(const char *path, uint8_t ret_digest[static 32])
{
    int fd = -1;
    aver_err err = pin_open(path, &fd);
    if (err == AVER_OK) {
        err = pin_hash(fd, ret_digest);
        (void)close(fd);
    }
    return err;
}

void aver_pin_model(aver_pin *pin, const uint8_t root[static 32])
{
    for (size_t i = 0; i < pin->models_count; i++) {
        if (memcmp(pin->models[i], root, 32) == 0) {
            return;
        }
    }
    AVER_ASSERT(pin->models_count < AVER_PIN_MODELS_MAX);
    memcpy(pin->models[pin->models_count++], root, 32);
}

/* Each part with its size before it, so that no two pins give the same bytes. */
static void pin_digest_part(aver_sha256 *hash, aver_view part)
{
    const uint8_t size[4] = {(uint8_t)(part.size >> 24), (uint8_t)(part.size >> 16),
                             (uint8_t)(part.size >> 8), (uint8_t)part.size};
    aver_sha256_update(hash, AVER_VIEW_OF(size));
    aver_sha256_update(hash, part);
}

void aver_pin_digest(const aver_pin *pin, char ret_hex[AVER_PIN_DIGEST_DIGITS + 1])
{
    aver_sha256 hash;
    uint8_t digest[32];
    aver_sha256_init(&hash);
    pin_digest_part(&hash, AVER_VIEW_LITERAL("aver/pin/1"));
    pin_digest_part(&hash, aver_view_text(pin->platform));
    pin_digest_part(&hash, AVER_VIEW_OF(pin->config_digest));
    for (size_t i = 0; i < pin->models_count; i++) {
        pin_digest_part(&hash, AVER_VIEW_OF(pin->models[i]));
    }
    for (size_t i = 0; i < pin->measurements_count; i++) {
        const aver_measurement *measurement = &pin->measurements[i];
        pin_digest_part(&hash, aver_view_text(measurement->kind));
        pin_digest_part(&hash, aver_view_make(measurement->bytes, measurement->size));
    }
    aver_sha256_final(&hash, digest);
    aver_hex_encode(aver_view_make(digest, AVER_PIN_DIGEST_DIGITS / 2), ret_hex);
}

static void pin_put_measurement(const aver_pin *pin, aver_buf *out)
{
    aver_buf_append_text(out, "\n    {\"platform\": ");
    aver_json_append_string(
        out,
        aver_view_text(pin->measured_platform != NULL ? pin->measured_platform : pin->platform));
    for (size_t i = 0; i < pin->measurements_count; i++) {
        const aver_measurement *measurement = &pin->measurements[i];
        aver_buf_append_format(out, ",\n     \"%s\": \"", measurement->kind);
        aver_hex_append(out, aver_view_make(measurement->bytes, measurement->size));
        aver_buf_append_text(out, "\"");
    }
    aver_buf_append_text(out, "}\n  ");
}

void aver_pin_write(const aver_pin *pin, aver_buf *out)
{
    unsigned long long age = pin->age_max_s != 0 ? pin->age_max_s : AVER_PIN_AGE_DEFAULT_S;
    aver_buf_append_text(out, "{\n  \"version\": 1,\n  \"name\": ");
    aver_json_append_string(out, aver_view_text(pin->name));
    aver_buf_append_text(out, ",\n  \"platforms\": [");
    aver_json_append_string(out, aver_view_text(pin->platform));
    aver_buf_append_text(out, "],\n  \"measurements\": [");
    if (pin->measurements_count > 0) {
        pin_put_measurement(pin, out);
    }
    aver_buf_append_text(out, "],\n  \"models\": [");
    for (size_t i = 0; i < pin->models_count; i++) {
        aver_buf_append_text(out, i > 0 ? ",\n    \"" : "\n    \"");
        aver_hex_append(out, aver_view_make(pin->models[i], 32));
        aver_buf_append_text(out, "\"");
    }
    aver_buf_append_format(
        out, "%s],\n%s  \"max_evidence_age_s\": %llu,\n  \"max_receipt_age_s\": %llu\n}\n",
        pin->models_count > 0 ? "\n  " : "",
        pin->verified_only ? "  \"profiles\": [\"verified\"],\n" : "", age, age);
}
