/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/manifest.h"

#include "base/sys.h"
#include "cli/inputs.h"
#include "codec/text.h"
#include "crypto/hash.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MANIFEST_BYTES_MAX (64ul * 1024 * 1024)
#define MANIFEST_MARKS_MAX (4ul * 1024 * 1024)
#define MANIFEST_NONCE_MAX 4096u

/* A case while it is read. */
typedef struct manifest_reader {
    const aver_manifest *manifest;
    aver_manifest_case *loaded;
    char *why;
} manifest_reader;

static aver_err manifest_refuse(const manifest_reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static aver_err manifest_refuse(const manifest_reader *reader, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reader->why, AVER_MANIFEST_WHY_BYTES, format, args);
    va_end(args);
    return AVER_E_FORMAT;
}

/* The file's place, links followed; the caller frees. NULL if it is not below the folder. */
static char *manifest_place(const aver_manifest *manifest, const char *name)
{
    char joined[PATH_MAX];
    int size = snprintf(joined, sizeof joined, "%s/%s", manifest->folder, name);
    if (name[0] == '/' || size < 0 || (size_t)size >= sizeof joined) {
        return NULL;
    }
    char *place = realpath(joined, NULL);
    size_t folder_size = strlen(manifest->folder);
    if (place != NULL && (strncmp(place, manifest->folder, folder_size) != 0 ||
                          (place[folder_size] != '/' && strcmp(manifest->folder, "/") != 0))) {
        free(place);
        return NULL;
    }
    return place;
}

static aver_err manifest_digest_match(const manifest_reader *reader, const char *name,
                                      aver_view bytes)
{
    const json_t *listed = json_object_get(json_object_get(reader->manifest->json, "sha256"), name);
    uint8_t digest[32];
    char hex[65];
    if (listed == NULL) {
        return AVER_OK;
    }
    aver_sha256_of(bytes, digest);
    aver_hex_encode(AVER_VIEW_OF(digest), hex);
    if (!json_is_string(listed) || strcmp(json_string_value(listed), hex) != 0) {
        return manifest_refuse(reader, "file %s is not the one whose SHA-256 the manifest lists",
                               name);
    }
    return AVER_OK;
}

static aver_err manifest_file(const manifest_reader *reader, const json_t *name, size_t size_max,
                              aver_view *ret_bytes)
{
    aver_manifest_case *loaded = reader->loaded;
    const char *text = json_string_value(name);
    if (text == NULL || text[0] == '\0' || loaded->files_count == AVER_MANIFEST_FILES_MAX) {
        return manifest_refuse(reader, "a file's name is no text, or there are more than %d files",
                               AVER_MANIFEST_FILES_MAX);
    }
    char *place = manifest_place(reader->manifest, text);
    if (place == NULL) {
        return manifest_refuse(reader, "there is no file %s in the manifest's folder", text);
    }
    aver_buf *bytes = &loaded->files[loaded->files_count++];
    aver_buf_init(bytes, size_max);
    aver_err err = aver_file_read(place, size_max, bytes);
    free(place);
    if (err != AVER_OK) {
        return manifest_refuse(reader, "file %s cannot be read: %s", text, aver_err_text(err));
    }
    *ret_bytes = aver_buf_view(bytes);
    return manifest_digest_match(reader, text, *ret_bytes);
}

/* One file, or a list whose texts follow each other in one (PEM certificates). */
static aver_err manifest_joined(const manifest_reader *reader, const json_t *names,
                                aver_view *ret_bytes)
{
    aver_manifest_case *loaded = reader->loaded;
    aver_err err = AVER_OK;
    aver_view piece = {0};
    if (!json_is_array(names)) {
        return manifest_file(reader, names, AVER_ATTEST_COLLATERAL_BYTES_MAX, ret_bytes);
    }
    if (json_array_size(names) == 1) {
        return manifest_file(reader, json_array_get(names, 0), AVER_ATTEST_COLLATERAL_BYTES_MAX,
                             ret_bytes);
    }
    if (loaded->files_count == AVER_MANIFEST_FILES_MAX) {
        return manifest_refuse(reader, "there are more than %d files", AVER_MANIFEST_FILES_MAX);
    }
    aver_buf *all = &loaded->files[loaded->files_count++];
    aver_buf_init(all, AVER_ATTEST_COLLATERAL_BYTES_MAX);
    for (size_t i = 0; i < json_array_size(names) && err == AVER_OK; i++) {
        err = manifest_file(reader, json_array_get(names, i), AVER_ATTEST_COLLATERAL_BYTES_MAX,
                            &piece);
        if (err == AVER_OK) {
            aver_buf_append(all, piece);
            err = aver_buf_status(all);
        }
    }
    *ret_bytes = aver_buf_view(all);
    return err;
}

/* One file or a list of files, each added to views. */
static aver_err manifest_list(const manifest_reader *reader, const json_t *names, aver_view *views,
                              size_t views_max, size_t *count)
{
    size_t names_count = json_is_array(names) ? json_array_size(names) : 1;
    aver_err err = AVER_OK;
    if (names_count > views_max - *count) {
        return manifest_refuse(reader, "a list has more than %zu files", views_max);
    }
    for (size_t i = 0; i < names_count && err == AVER_OK; i++) {
        const json_t *name = json_is_array(names) ? json_array_get(names, i) : names;
        err = manifest_file(reader, name, AVER_ATTEST_COLLATERAL_BYTES_MAX, &views[*count]);
        *count += err == AVER_OK ? 1 : 0;
    }
    return err;
}

static aver_err manifest_roots(const manifest_reader *reader, const json_t *names,
                               aver_attest_roots *roots)
{
    return manifest_list(reader, names, roots->given, AVER_ATTEST_ROOTS_MAX, &roots->given_count);
}

static aver_err manifest_named_file(const manifest_reader *reader, const char *key,
                                    const json_t *names)
{
    aver_attest_input *input = &reader->loaded->input;
    if (strcmp(key, "evidence") == 0) {
        return manifest_file(reader, names, AVER_ATTEST_EVIDENCE_BYTES_MAX, &input->evidence);
    }
    if (strcmp(key, "leaf") == 0) {
        return manifest_joined(reader, names, &input->leaf);
    }
    if (strcmp(key, "chain") == 0) {
        return manifest_joined(reader, names, &input->chain);
    }
    if (strcmp(key, "collateral") == 0) {
        return manifest_joined(reader, names, &input->collateral);
    }
    if (strcmp(key, "key") == 0) {
        return manifest_joined(reader, names, &input->key);
    }
    if (strcmp(key, "crl") == 0) {
        return manifest_list(reader, names, input->crls, AVER_ATTEST_CRLS_MAX, &input->crls_count);
    }
    if (strcmp(key, "rim") == 0) {
        return manifest_list(reader, names, input->rims, AVER_ATTEST_RIMS_MAX, &input->rims_count);
    }
    if (strcmp(key, "roots") == 0) {
        return manifest_roots(reader, names, &input->roots);
    }
    if (strcmp(key, "rim_roots") == 0) {
        return manifest_roots(reader, names, &input->rim_roots);
    }
    return manifest_refuse(reader, "files.%s is of no kind that this program knows", key);
}

static aver_err manifest_files(const manifest_reader *reader, json_t *files)
{
    aver_err err = AVER_OK;
    const char *key;
    json_t *names;
    if (!json_is_object(files)) {
        return manifest_refuse(reader, "it names no files");
    }
    json_object_foreach(files, key, names)
    {
        err = err == AVER_OK ? manifest_named_file(reader, key, names) : err;
    }
    aver_attest_input *input = &reader->loaded->input;
    if (err == AVER_OK && input->rims_count > 0 && input->rim_roots.given_count == 0) {
        input->rim_roots = input->roots;
    }
    if (err == AVER_OK && input->evidence.data == NULL &&
        json_object_get(files, "evidence") == NULL) {
        err = manifest_refuse(reader, "it names no evidence");
    }
    return err;
}

static aver_err manifest_nonce(const manifest_reader *reader, const json_t *hex)
{
    aver_manifest_case *loaded = reader->loaded;
    size_t size = json_string_length(hex) / 2;
    if (!json_is_string(hex) || size > MANIFEST_NONCE_MAX) {
        return manifest_refuse(reader, "params.nonce is no text in hex");
    }
    loaded->nonce = malloc(size + 1);
    if (loaded->nonce == NULL) {
        return AVER_E_NOMEM;
    }
    if (aver_hex_decode(aver_view_text(json_string_value(hex)), loaded->nonce, size) != AVER_OK) {
        return manifest_refuse(reader, "params.nonce is no text in hex");
    }
    loaded->input.nonce = aver_view_make(loaded->nonce, size);
    return AVER_OK;
}

static aver_err manifest_statuses(const manifest_reader *reader, const json_t *list)
{
    if (!json_is_array(list) || json_array_size(list) == 0) {
        return manifest_refuse(reader, "params.accept_tcb is no list of statuses");
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        aver_tcb_status status = aver_tcb_status_find(aver_view_text(text));
        if (status == AVER_TCB_NONE) {
            return manifest_refuse(reader, "params.accept_tcb has an unknown status");
        }
        reader->loaded->input.accept_tcb |= AVER_TCB_SET(status);
    }
    return AVER_OK;
}

static aver_err manifest_number(const manifest_reader *reader, const char *key,
                                const json_t *number, uint64_t max, uint64_t *ret_number)
{
    if (!json_is_integer(number) || json_integer_value(number) < 0 ||
        (uint64_t)json_integer_value(number) > max) {
        return manifest_refuse(reader, "params.%s is no whole number in its range", key);
    }
    *ret_number = (uint64_t)json_integer_value(number);
    return AVER_OK;
}

static aver_err manifest_param(const manifest_reader *reader, const char *key, const json_t *value)
{
    aver_attest_input *input = &reader->loaded->input;
    uint64_t number = 0;
    aver_err err = AVER_OK;
    if (strcmp(key, "time") == 0) {
        return manifest_number(reader, key, value, INT64_MAX, &input->time_s);
    }
    if (strcmp(key, "vmpl") == 0) {
        err = manifest_number(reader, key, value, UINT32_MAX, &number);
        input->has_vmpl = true;
        input->vmpl = (uint32_t)number;
        return err;
    }
    if (strcmp(key, "allow_debug") == 0) {
        input->allow_debug = json_is_true(value);
        return json_is_boolean(value) ? AVER_OK
                                      : manifest_refuse(reader, "params.allow_debug is no boolean");
    }
    if (strcmp(key, "nonce") == 0) {
        return manifest_nonce(reader, value);
    }
    if (strcmp(key, "accept_tcb") == 0) {
        return manifest_statuses(reader, value);
    }
    if (strcmp(key, "crl") == 0) {
        return manifest_list(reader, value, input->crls, AVER_ATTEST_CRLS_MAX, &input->crls_count);
    }
    return manifest_refuse(reader, "params.%s is of no kind that this program knows", key);
}

static aver_err manifest_params(const manifest_reader *reader, json_t *params)
{
    aver_err err = AVER_OK;
    const char *key;
    json_t *value;
    json_object_foreach(params, key, value)
    {
        if (err == AVER_OK && !json_is_null(value)) {
            err = manifest_param(reader, key, value);
        }
    }
    return err;
}

static aver_err manifest_head(const manifest_reader *reader, const json_t *entry)
{
    aver_manifest_case *loaded = reader->loaded;
    const json_t *level = json_object_get(entry, "level");
    loaded->expect = json_object_get(entry, "expect");
    loaded->rim_alone = strcmp(loaded->family_name, "nvidia-rim") == 0;
    if (!aver_family_find(loaded->rim_alone ? "nvidia" : loaded->family_name, &loaded->family)) {
        return manifest_refuse(reader, "family %s is none that this program knows",
                               loaded->family_name);
    }
    if (level != NULL && !json_is_null(level)) {
        loaded->input.signature_only =
            json_is_string(level) && strcmp(json_string_value(level), "signature_only") == 0;
        return loaded->input.signature_only
                   ? AVER_OK
                   : manifest_refuse(reader, "its level is none that this program knows");
    }
    return AVER_OK;
}

aver_err aver_manifest_load(const aver_manifest *manifest, size_t index, uint64_t now_s,
                            aver_manifest_case *ret_case, char ret_why[AVER_MANIFEST_WHY_BYTES])
{
    const json_t *entry = json_array_get(manifest->cases, index);
    manifest_reader reader = {.manifest = manifest, .loaded = ret_case};
    reader.why = ret_why;
    memset(ret_case, 0, sizeof *ret_case);
    ret_case->id = aver_manifest_id(manifest, index);
    ret_case->family_name = aver_manifest_family(manifest, index);
    ret_case->input.time_s = now_s;
    aver_err err = manifest_head(&reader, entry);
    err = err == AVER_OK ? manifest_files(&reader, json_object_get(entry, "files")) : err;
    err = err == AVER_OK ? manifest_params(&reader, json_object_get(entry, "params")) : err;
    /* Cases of Azure name no level; a quote of TDX inside that comes without collateral has one. */
    if (ret_case->family == AVER_FAMILY_AZURE && ret_case->input.collateral.size == 0) {
        ret_case->input.signature_only = true;
    }
    if (err != AVER_OK) {
        aver_manifest_unload(ret_case);
    }
    if (err != AVER_OK && err != AVER_E_FORMAT) {
        (void)manifest_refuse(&reader, "%s", aver_err_text(err));
    }
    return err;
}

void aver_manifest_unload(aver_manifest_case *loaded)
{
    for (size_t i = 0; i < loaded->files_count; i++) {
        aver_buf_deinit(&loaded->files[i]);
    }
    free(loaded->nonce);
    loaded->files_count = 0;
    loaded->nonce = NULL;
}

static const char *manifest_text(const aver_manifest *manifest, size_t index, const char *key)
{
    const char *text =
        json_string_value(json_object_get(json_array_get(manifest->cases, index), key));
    return text != NULL ? text : "";
}

const char *aver_manifest_id(const aver_manifest *manifest, size_t index)
{
    return manifest_text(manifest, index, "id");
}

const char *aver_manifest_family(const aver_manifest *manifest, size_t index)
{
    return manifest_text(manifest, index, "family");
}

size_t aver_manifest_count(const aver_manifest *manifest)
{
    return json_array_size(manifest->cases);
}

/* The folder in which the manifest is, links followed; the caller frees. */
static char *manifest_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t size = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    char *name = strndup(size > 0 ? path : ".", size > 0 ? size : 1);
    char *place = name != NULL ? realpath(name, NULL) : NULL;
    free(name);
    return place;
}

aver_exit aver_manifest_open(const aver_cli *cli, const char *path, aver_manifest *ret_manifest)
{
    aver_manifest manifest = {0};
    char why[AVER_JSON_WHY_BYTES] = "";
    aver_buf text;
    aver_buf_init(&text, MANIFEST_BYTES_MAX);
    aver_exit code = aver_inputs_file(cli, path, MANIFEST_BYTES_MAX, &text);
    if (code == AVER_EXIT_DONE &&
        aver_json_parse_large(aver_buf_view(&text), MANIFEST_BYTES_MAX, MANIFEST_MARKS_MAX,
                              &manifest.json, why) != AVER_OK) {
        code = aver_cli_fail(cli, AVER_EXIT_USAGE, "%s is no manifest: %s", path, why);
    }
    aver_buf_deinit(&text);
    manifest.cases = json_object_get(manifest.json, "vectors");
    if (code == AVER_EXIT_DONE && !json_is_array(manifest.cases)) {
        code = aver_cli_fail(cli, AVER_EXIT_USAGE, "%s is no manifest: it has no list \"vectors\"",
                             path);
    }
    if (code == AVER_EXIT_DONE) {
        manifest.folder = manifest_folder(path);
        code = manifest.folder != NULL
                   ? AVER_EXIT_DONE
                   : aver_cli_fail(cli, AVER_EXIT_IO, "%s: its folder cannot be found", path);
    }
    if (code == AVER_EXIT_DONE) {
        *ret_manifest = manifest;
    } else {
        aver_manifest_close(&manifest);
    }
    return code;
}

void aver_manifest_close(aver_manifest *manifest)
{
    json_decref(manifest->json);
    free(manifest->folder);
    *manifest = (aver_manifest){0};
}
