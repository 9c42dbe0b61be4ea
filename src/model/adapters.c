/* SPDX-License-Identifier: Apache-2.0 */
#include "model/adapters.h"

#include "crypto/hash.h"

#include <string.h>

#define SCALE_DIGITS_MAX   3 /* before the point */
#define SCALE_FRACTION_MAX 6

void aver_adapted_root(const uint8_t base[static 32], const aver_adapter_root *adapters,
                       size_t count, uint8_t ret_root[static 32])
{
    uint8_t scale[4];
    uint8_t root[32];
    aver_sha256 hash;
    if (count == 0) {
        memmove(ret_root, base, 32);
        return;
    }
    aver_sha256_init(&hash);
    aver_sha256_update(&hash, AVER_VIEW_LITERAL("aver/adapted/1"));
    aver_sha256_update(&hash, aver_view_make(base, 32));
    for (size_t i = 0; i < count; i++) {
        aver_be32_write(scale, adapters[i].scale_ppm);
        aver_sha256_update(&hash, AVER_VIEW_OF(adapters[i].root));
        aver_sha256_update(&hash, AVER_VIEW_OF(scale));
    }
    aver_sha256_final(&hash, root);
    memcpy(ret_root, root, sizeof(root));
}

/* Digits with at most one point: a number and no part of a file's name. */
static bool scale_is_number(const char *text)
{
    size_t size = strlen(text);
    size_t digits = strspn(text, "0123456789");
    if (text[digits] == '.') {
        digits += 1 + strspn(text + digits + 1, "0123456789");
    }
    return size > 0 && digits == size && strcmp(text, ".") != 0;
}

static aver_err scale_read(const char *text, uint32_t *ret_scale_ppm)
{
    const char *point = strchr(text, '.');
    size_t whole = point == NULL ? strlen(text) : (size_t)(point - text);
    size_t fraction = point == NULL ? 0 : strlen(point + 1);
    uint64_t value = 0;
    if (whole > SCALE_DIGITS_MAX || fraction > SCALE_FRACTION_MAX) {
        return AVER_E_FORMAT;
    }
    for (size_t i = 0; i < whole; i++) {
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    for (size_t i = 0; i < SCALE_FRACTION_MAX; i++) {
        value = value * 10 + (i < fraction ? (uint64_t)(point[1 + i] - '0') : 0);
    }
    if (value == 0 || value > AVER_ADAPTER_SCALE_PPM_MAX) {
        return AVER_E_FORMAT;
    }
    *ret_scale_ppm = (uint32_t)value;
    return AVER_OK;
}

aver_err aver_adapter_spec_parse(const char *text, char ret_path[AVER_ADAPTER_PATH_BYTES_MAX],
                                 uint32_t *ret_scale_ppm)
{
    const char *colon = strrchr(text, ':');
    bool scaled = colon != NULL && scale_is_number(colon + 1);
    size_t size = scaled ? (size_t)(colon - text) : strlen(text);
    uint32_t scale_ppm = AVER_ADAPTER_SCALE_PPM_NORMAL;
    if (size == 0) {
        return AVER_E_FORMAT;
    }
    if (size >= AVER_ADAPTER_PATH_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    aver_err err = scaled ? scale_read(colon + 1, &scale_ppm) : AVER_OK;
    if (err != AVER_OK) {
        return err;
    }
    memcpy(ret_path, text, size);
    ret_path[size] = '\0';
    *ret_scale_ppm = scale_ppm;
    return AVER_OK;
}
