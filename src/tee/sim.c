/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/sim.h"

#include "attest/sim_verify.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/sys.h"
#include "codec/text.h"
#include "crypto/ed25519.h"
#include "crypto/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SIM_SEED_BYTES = 32,
    SIM_PATH_BYTES_MAX = 512,
    SIM_OPTIONS_BYTES_MAX = 2048,
    SIM_NUMBER_DIGITS_MAX = 18,
    SIM_HASH_CHUNK_BYTES = 64 * 1024,
};

struct aver_tee {
    aver_ed25519 *device_key;
    aver_sim_device device;
    uint8_t program[32];
    uint64_t tcb;
    bool debug;
};

typedef struct sim_options {
    char key_path[SIM_PATH_BYTES_MAX];
    char program_path[SIM_PATH_BYTES_MAX]; /* empty: the running program */
    char machine[64];
    uint64_t tcb;
    bool debug;
} sim_options;

static aver_err sim_option_number(const char *text, uint64_t *ret_number)
{
    size_t length = strlen(text);
    if (length == 0 || length > SIM_NUMBER_DIGITS_MAX || strspn(text, "0123456789") != length) {
        return AVER_E_USAGE;
    }
    *ret_number = strtoull(text, NULL, 10);
    return AVER_OK;
}

static aver_err sim_option_text(const char *text, char *ret_text, size_t size)
{
    if (text[0] == '\0' || strlen(text) >= size) {
        return AVER_E_USAGE;
    }
    memcpy(ret_text, text, strlen(text) + 1);
    return AVER_OK;
}

static aver_err sim_option(const char *name, const char *value, sim_options *options)
{
    if (strcmp(name, "key") == 0) {
        return sim_option_text(value, options->key_path, sizeof options->key_path);
    }
    if (strcmp(name, "program") == 0) {
        return sim_option_text(value, options->program_path, sizeof options->program_path);
    }
    if (strcmp(name, "machine") == 0) {
        return sim_option_text(value, options->machine, sizeof options->machine);
    }
    if (strcmp(name, "tcb") == 0) {
        return sim_option_number(value, &options->tcb);
    }
    if (strcmp(name, "debug") == 0 && (strcmp(value, "0") == 0 || strcmp(value, "1") == 0)) {
        options->debug = value[0] == '1';
        return AVER_OK;
    }
    return AVER_E_USAGE;
}

static aver_err sim_options_parse(const char *text, sim_options *ret_options)
{
    char copy[SIM_OPTIONS_BYTES_MAX];
    sim_options options = {.tcb = 1};
    if (!text || strlen(text) >= sizeof copy) {
        aver_log(AVER_LOG_ERROR, "sim.options",
                 "the simulator needs a key file: --platform sim:key=FILE");
        return AVER_E_USAGE;
    }
    memcpy(copy, text, strlen(text) + 1);
    char *rest = copy;
    for (char *option = strsep(&rest, ","); option; option = strsep(&rest, ",")) {
        char *value = strchr(option, '=');
        if (value) {
            *value++ = '\0';
        }
        if (!value || sim_option(option, value, &options) != AVER_OK) {
            aver_log(AVER_LOG_ERROR, "sim.options", "simulator option \"%.60s\" is not understood",
                     option);
            return AVER_E_USAGE;
        }
    }
    if (options.key_path[0] == '\0') {
        aver_log(AVER_LOG_ERROR, "sim.options",
                 "the simulator needs a key file: --platform sim:key=FILE");
        return AVER_E_USAGE;
    }
    *ret_options = options;
    return AVER_OK;
}

/* Makes the file with a fresh seed, unless another program makes it first: a link either is there
 * or is not. */
static aver_err sim_seed_make(const char *path)
{
    char temporary[SIM_PATH_BYTES_MAX + 24];
    (void)snprintf(temporary, sizeof temporary, "%s.%016llx", path,
                   (unsigned long long)aver_random_u64());
    uint8_t seed[SIM_SEED_BYTES];
    aver_random(seed, sizeof seed);
    aver_err err = aver_file_write(temporary, AVER_VIEW_OF(seed), 0600);
    aver_wipe(seed, sizeof seed);
    if (err == AVER_OK) {
        if (link(temporary, path) != 0 && errno != EEXIST) {
            aver_log(AVER_LOG_ERROR, "sim.key", "%s: %s", path, strerror(errno));
            err = AVER_E_IO;
        }
        (void)unlink(temporary);
    }
    return err;
}

static aver_err sim_root_open(const char *path, aver_ed25519 **ret_key)
{
    aver_buf seed;
    aver_buf_init(&seed, SIM_SEED_BYTES);
    aver_err err = aver_file_read(path, SIM_SEED_BYTES, &seed);
    if (err == AVER_E_ABSENT) {
        err = sim_seed_make(path);
        if (err == AVER_OK) {
            err = aver_file_read(path, SIM_SEED_BYTES, &seed);
        }
    }
    if (err == AVER_OK && seed.size != SIM_SEED_BYTES) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK) {
        err = aver_ed25519_from_seed(seed.data, ret_key);
    }
    if (err != AVER_OK) {
        aver_log(AVER_LOG_ERROR, "sim.key", "%s: %s", path, aver_err_text(err));
    }
    aver_buf_wipe(&seed);
    aver_buf_deinit(&seed);
    return err;
}

/* The reader names the simulator's root by hand; here it can be read. */
static aver_err sim_root_publish(const char *path, const aver_ed25519 *root)
{
    char public_path[SIM_PATH_BYTES_MAX + 8];
    char text[2 * 32 + 2];
    (void)snprintf(public_path, sizeof public_path, "%s.pub", path);
    aver_hex_encode(aver_view_make(aver_ed25519_public(root), 32), text);
    memcpy(text + sizeof text - 2, "\n", 2);
    return aver_file_write(public_path, aver_view_text(text), 0644);
}

static aver_err sim_program_hash(int fd, uint8_t ret_digest[static 32])
{
    uint8_t *chunk = malloc(SIM_HASH_CHUNK_BYTES);
    if (!chunk) {
        return AVER_E_NOMEM;
    }
    aver_sha256 hash;
    aver_sha256_init(&hash);
    aver_err err = AVER_OK;
    for (;;) {
        ssize_t count = read(fd, chunk, SIM_HASH_CHUNK_BYTES);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            err = AVER_E_IO;
        }
        if (count <= 0) {
            break;
        }
        aver_sha256_update(&hash, aver_view_make(chunk, (size_t)count));
    }
    free(chunk);
    if (err == AVER_OK) {
        aver_sha256_final(&hash, ret_digest);
    }
    return err;
}

static aver_err sim_program_measure(const char *path, uint8_t ret_digest[static 32])
{
    int fd = -1;
    aver_err err = AVER_OK;
    if (path[0]) {
        fd = open(path, O_RDONLY | O_CLOEXEC);
        err = fd >= 0 ? AVER_OK : AVER_E_IO;
    } else {
        err = aver_self_open(&fd);
    }
    if (err == AVER_OK) {
        err = sim_program_hash(fd, ret_digest);
        (void)close(fd);
    }
    if (err != AVER_OK) {
        aver_log(AVER_LOG_ERROR, "sim.program", "the program cannot be measured: %s",
                 aver_err_text(err));
    }
    return err;
}

/* Signature over tag || a || b. */
static aver_err sim_sign(const aver_ed25519 *key, const char *tag, aver_view a, aver_view b,
                         uint8_t ret_signature[static 64])
{
    aver_buf message;
    aver_buf_init(&message, 4096);
    aver_buf_append_text(&message, tag);
    aver_buf_append(&message, a);
    aver_buf_append(&message, b);
    aver_err err = aver_buf_status(&message);
    if (err == AVER_OK) {
        err = aver_ed25519_sign(key, aver_buf_view(&message), ret_signature);
    }
    aver_buf_deinit(&message);
    return err;
}

static aver_err sim_certify(const aver_ed25519 *root, const char *machine, aver_tee *tee)
{
    aver_err err = aver_ed25519_new(&tee->device_key);
    if (err != AVER_OK) {
        return err;
    }
    memcpy(tee->device.key, aver_ed25519_public(tee->device_key), sizeof tee->device.key);
    aver_sha256_tagged("aver/sim/machine/1", aver_view_make(aver_ed25519_public(root), 32),
                       aver_view_text(machine), tee->device.machine_id);
    return sim_sign(root, AVER_SIM_DEVICE_TAG, AVER_VIEW_OF(tee->device.key),
                    AVER_VIEW_OF(tee->device.machine_id), tee->device.signature);
}

static void sim_close(aver_tee *tee)
{
    if (tee) {
        aver_ed25519_free(tee->device_key);
        free(tee);
    }
}

static aver_err sim_open(const char *options_text, aver_tee **ret_tee)
{
    sim_options options;
    aver_err err = sim_options_parse(options_text, &options);
    if (err != AVER_OK) {
        return err;
    }
    aver_ed25519 *root = NULL;
    aver_tee *tee = calloc(1, sizeof *tee);
    if (!tee) {
        return AVER_E_NOMEM;
    }
    tee->tcb = options.tcb;
    tee->debug = options.debug;
    err = sim_root_open(options.key_path, &root);
    if (err == AVER_OK) {
        err = sim_root_publish(options.key_path, root);
    }
    if (err == AVER_OK) {
        err = sim_certify(root, options.machine, tee);
    }
    if (err == AVER_OK) {
        err = sim_program_measure(options.program_path, tee->program);
    }
    aver_ed25519_free(root);
    if (err != AVER_OK) {
        sim_close(tee);
        return err;
    }
    aver_log(AVER_LOG_WARN, "sim.open", "this platform is simulated: its evidence proves nothing");
    *ret_tee = tee;
    return AVER_OK;
}

static aver_err sim_quote(aver_tee *tee, const uint8_t report_data[static 64],
                          aver_buf *ret_evidence)
{
    aver_sim_statement statement = {
        .time_ms = aver_time_wall_ms(), .tcb = tee->tcb, .debug = tee->debug};
    memcpy(statement.program, tee->program, sizeof statement.program);
    memcpy(statement.report_data, report_data, sizeof statement.report_data);
    aver_buf bytes;
    aver_buf_init(&bytes, 512);
    uint8_t signature[64];
    aver_err err = aver_sim_statement_encode(&statement, &bytes);
    if (err == AVER_OK) {
        err = sim_sign(tee->device_key, AVER_SIM_STATEMENT_TAG, aver_buf_view(&bytes),
                       (aver_view){0}, signature);
    }
    if (err == AVER_OK) {
        err =
            aver_sim_evidence_encode(&tee->device, aver_buf_view(&bytes), signature, ret_evidence);
    }
    aver_buf_deinit(&bytes);
    return err;
}

const aver_tee_platform aver_tee_sim = {
    .name = "sim", .simulated = true, .open = sim_open, .close = sim_close, .quote = sim_quote};
