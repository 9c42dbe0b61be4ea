/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_MODEL_ADAPTERS_H
#define AVER_MODEL_ADAPTERS_H

/*
 * adapters: the root of a model that is served with LoRA adapters, and how people name one.
 *
 *   root = SHA-256("aver/adapted/1" || base root || for each adapter, in order:
 *                  adapter root || u32be scale in millionths)
 *
 * An adapter is a GGUF file; its root is computed as a model's is. Without adapters the root is the
 * base's own.
 */

#include "aver/bytes.h"

#define AVER_ADAPTERS_MAX             8
#define AVER_ADAPTER_SCALE_PPM_MAX    100000000u /* 100 */
#define AVER_ADAPTER_SCALE_PPM_NORMAL 1000000u
#define AVER_ADAPTER_PATH_BYTES_MAX   4096

typedef struct aver_adapter_root {
    uint8_t root[32];
    uint32_t scale_ppm;
} aver_adapter_root;

void aver_adapted_root(const uint8_t base[static 32], const aver_adapter_root *adapters,
                       size_t count, uint8_t ret_root[static 32]);

/*
 * Reads FILE[:SCALE]: the scale is a decimal number above 0, at most 100, with at most six digits
 * after the point; without one it is 1. What follows the last colon and is no number belongs to the
 * name. FORMAT for a scale out of bounds or no name, LIMIT for a name of
 * AVER_ADAPTER_PATH_BYTES_MAX bytes or more.
 */
AVER_MUST_USE aver_err aver_adapter_spec_parse(const char *text,
                                               char ret_path[AVER_ADAPTER_PATH_BYTES_MAX],
                                               uint32_t *ret_scale_ppm);

#endif
