/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/expect.h"

#include <stdio.h>
#include <string.h>

#define EXPECT_CLAIMS_BYTES_MAX (1024ul * 1024)
#define EXPECT_PATH_BYTES       512

/* One object of what is expected, and where the walk stands in it. */
typedef struct expect_level {
    json_t *expected;
    json_t *found;
    void *at;
    size_t path_size;
} expect_level;

typedef struct expect_walk {
    expect_level levels[AVER_JSON_DEPTH_MAX + 1];
    size_t count;
    char path[EXPECT_PATH_BYTES];
    json_t *differences;
    aver_err err;
} expect_walk;

static aver_err expect_differs(json_t *differences, const char *field, json_t *expected,
                               json_t *found)
{
    json_t *entry = json_pack("{s:s,s:O}", "field", field, "expected", expected);
    if (entry != NULL && found != NULL && json_object_set(entry, "found", found) != 0) {
        json_decref(entry);
        entry = NULL;
    }
    return json_array_append_new(differences, entry) == 0 ? AVER_OK : AVER_E_NOMEM;
}

static bool expect_by_number(json_t *map)
{
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value)
    {
        if (key[strspn(key, "0123456789")] != '\0' || key[0] == '\0') {
            return false;
        }
    }
    return json_object_size(map) > 0;
}

/* What was found in a map by number and is not expected there. */
static void expect_strangers(expect_walk *walk, const json_t *expected, json_t *found)
{
    const char *key;
    json_t *value;
    json_object_foreach(found, key, value)
    {
        char field[EXPECT_PATH_BYTES];
        if (json_object_get(expected, key) == NULL && walk->err == AVER_OK) {
            (void)snprintf(field, sizeof field, "%.300s.%.100s", walk->path, key);
            walk->err = expect_differs(walk->differences, field, json_null(), value);
        }
    }
}

static void expect_enter(expect_walk *walk, json_t *expected, json_t *found)
{
    if (walk->count == AVER_JSON_DEPTH_MAX + 1) {
        walk->err = AVER_E_LIMIT;
        return;
    }
    if (expect_by_number(expected)) {
        expect_strangers(walk, expected, found);
    }
    walk->levels[walk->count++] = (expect_level){.expected = expected,
                                                 .found = found,
                                                 .at = json_object_iter(expected),
                                                 .path_size = strlen(walk->path)};
}

static void expect_member(expect_walk *walk, const expect_level *level)
{
    const char *key = json_object_iter_key(level->at);
    json_t *expected = json_object_iter_value(level->at);
    json_t *found = json_object_get(level->found, key);
    (void)snprintf(walk->path + level->path_size, sizeof walk->path - level->path_size, "%s%s",
                   level->path_size > 0 ? "." : "", key);
    if (json_is_object(expected) && json_is_object(found)) {
        expect_enter(walk, expected, found);
    } else if (found == NULL || json_is_real(expected) || !json_equal(expected, found)) {
        walk->err = expect_differs(walk->differences, walk->path, expected, found);
    }
}

static aver_err expect_fields(json_t *expected, json_t *found, json_t *differences)
{
    expect_walk walk = {.differences = differences};
    expect_enter(&walk, expected, found);
    while (walk.count > 0 && walk.err == AVER_OK) {
        expect_level *level = &walk.levels[walk.count - 1];
        if (level->at == NULL) {
            walk.count--;
            continue;
        }
        expect_level now = *level;
        level->at = json_object_iter_next(level->expected, level->at);
        expect_member(&walk, &now);
    }
    return walk.err;
}

static aver_err expect_claims(const aver_claims *claims, json_t **ret_found)
{
    aver_buf text;
    aver_buf_init(&text, EXPECT_CLAIMS_BYTES_MAX);
    aver_claims_json(claims, &text);
    aver_err err = aver_buf_status(&text);
    err = err == AVER_OK
              ? aver_json_parse(aver_buf_view(&text), EXPECT_CLAIMS_BYTES_MAX, ret_found, NULL)
              : err;
    aver_buf_deinit(&text);
    return err;
}

static aver_err expect_said(const json_t *expect, const aver_expect_found *found,
                            json_t *differences)
{
    json_t *fields = json_object_get(expect, "fields");
    json_t *claims = NULL;
    if (fields == NULL) {
        return AVER_OK;
    }
    if (!json_is_object(fields)) {
        return AVER_E_FORMAT;
    }
    aver_err err = expect_claims(found->claims, &claims);
    err = err == AVER_OK ? expect_fields(fields, claims, differences) : err;
    json_decref(claims);
    return err;
}

static aver_err expect_text(const char *field, json_t *expected, const char *text, bool good,
                            json_t *differences)
{
    if (good) {
        return AVER_OK;
    }
    json_t *found = json_string(text);
    aver_err err =
        found != NULL ? expect_differs(differences, field, expected, found) : AVER_E_NOMEM;
    json_decref(found);
    return err;
}

static bool expect_names(const json_t *texts, const char *text)
{
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const char *one = json_string_value(json_array_get(texts, i));
        if (one != NULL && strcmp(one, text) == 0) {
            return true;
        }
    }
    const char *one = json_string_value(texts);
    return one != NULL && strcmp(one, text) == 0;
}

static aver_err expect_class(const json_t *expect, const aver_expect_found *found,
                             json_t *differences)
{
    json_t *one = json_object_get(expect, "reason");
    json_t *any = json_object_get(expect, "reason_any");
    const char *text = aver_reason_text(found->reason);
    bool good = (one == NULL && any == NULL) || expect_names(one, text) || expect_names(any, text);
    return expect_text("reason", any != NULL ? any : one, text, good, differences);
}

aver_err aver_expect_compare(const json_t *expect, const aver_expect_found *found,
                             json_t *differences, bool *ret_as_expected)
{
    json_t *verdict = json_object_get(expect, "verdict");
    json_t *status = json_object_get(expect, "tcb_status");
    bool valid = expect_names(verdict, "valid");
    size_t before = json_array_size(differences);
    if (!valid && !expect_names(verdict, "invalid")) {
        return AVER_E_FORMAT;
    }
    if (valid != found->holds) {
        bool optional = json_is_true(json_object_get(expect, "optional"));
        *ret_as_expected = optional;
        return optional ? AVER_OK
                        : expect_text("verdict", verdict, valid ? "invalid" : "valid", false,
                                      differences);
    }
    const char *text = aver_tcb_status_text(found->claims->tcb_status);
    aver_err err =
        valid ? expect_said(expect, found, differences) : expect_class(expect, found, differences);
    if (err == AVER_OK && status != NULL) {
        err = expect_text("tcb_status", status, text, expect_names(status, text), differences);
    }
    if (err == AVER_OK) {
        *ret_as_expected = json_array_size(differences) == before;
    }
    return err;
}
