/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/fields.h"
#include "attest/policy_state.h"
#include "codec/json.h"
#include "codec/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POLICY_WHY_BYTES = 200 };

/* A parse in progress: what is built, and where words about a fault go. */
typedef struct policy_parse {
    aver_policy *policy;
    char *why;
} policy_parse;

/* Platforms that a policy may name, whether or not this build can judge them. */
static const char *const policy_platforms[] = {"sim",    "nitro", "sgx", "tdx", "snp",
                                               "nvidia", "azure", "cca", "tpm"};

__attribute__((format(printf, 2, 3))) static aver_err policy_refuse(policy_parse *parse,
                                                                    const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(parse->why, POLICY_WHY_BYTES, format, args);
    va_end(args);
    return AVER_E_FORMAT;
}

static aver_err policy_read_list_size(policy_parse *parse, const char *name, const json_t *value,
                                      size_t max)
{
    if (!json_is_array(value)) {
        return policy_refuse(parse, "\"%s\" must be a list", name);
    }
    if (json_array_size(value) > max) {
        return policy_refuse(parse, "\"%s\" has more than %zu entries", name, max);
    }
    return AVER_OK;
}

static aver_err policy_read_text(policy_parse *parse, const char *name, const json_t *value,
                                 char *ret_text, size_t size)
{
    const char *text = json_string_value(value);
    if (!text || !aver_field_text_valid(text, size)) {
        return policy_refuse(parse, "\"%s\" must be 1 to %zu printable ASCII characters", name,
                             size - 1);
    }
    memcpy(ret_text, text, strlen(text) + 1);
    return AVER_OK;
}

static aver_err policy_read_hex(policy_parse *parse, const char *name, const json_t *value,
                                uint8_t *ret_bytes, size_t size)
{
    aver_view text = aver_view_text(json_string_value(value));
    if (!json_is_string(value) || aver_hex_decode(text, ret_bytes, size) != AVER_OK) {
        return policy_refuse(parse, "\"%s\" must be %zu hex digits", name, 2 * size);
    }
    return AVER_OK;
}

static aver_err policy_read_platform(policy_parse *parse, const json_t *value,
                                     char ret_name[AVER_PLATFORM_BYTES_MAX])
{
    const char *text = json_string_value(value);
    for (size_t i = 0; text && i < sizeof policy_platforms / sizeof policy_platforms[0]; i++) {
        if (strcmp(policy_platforms[i], text) == 0) {
            memcpy(ret_name, text, strlen(text) + 1);
            return AVER_OK;
        }
    }
    return policy_refuse(parse, "\"%.40s\" is no platform name", text ? text : "");
}

static aver_err policy_read_platforms(policy_parse *parse, const char *name, const json_t *value)
{
    aver_err err = policy_read_list_size(parse, name, value, AVER_POLICY_PLATFORMS_MAX);
    for (size_t i = 0; err == AVER_OK && i < json_array_size(value); i++) {
        err = policy_read_platform(parse, json_array_get(value, i), parse->policy->platforms[i]);
        parse->policy->platforms_count = i + 1;
    }
    return err;
}

static aver_err policy_read_kind(policy_parse *parse, const char *name, const json_t *value,
                                 aver_policy_entry *entry)
{
    const aver_policy_kind *kind = aver_policy_kind_find(entry->platform, name);
    if (kind == NULL) {
        return policy_refuse(parse, "unknown member \"%.40s\" in a measurement", name);
    }
    if (entry->values_count == AVER_POLICY_KINDS_MAX) {
        return policy_refuse(parse, "a measurement has more than %d values", AVER_POLICY_KINDS_MAX);
    }
    aver_measurement *place = &entry->values[entry->values_count++];
    place->kind = kind->name;
    place->size = (uint8_t)kind->bytes;
    if (kind->bytes_other != 0 && json_string_length(value) == 2 * kind->bytes_other &&
        strcmp(entry->platform, "nitro") != 0) {
        place->size = (uint8_t)kind->bytes_other;
    }
    return policy_read_hex(parse, name, value, place->bytes, place->size);
}

static aver_err policy_read_entry(policy_parse *parse, json_t *value, aver_policy_entry *entry)
{
    if (!json_is_object(value)) {
        return policy_refuse(parse, "an entry of \"measurements\" must be an object");
    }
    aver_err err = policy_read_platform(parse, json_object_get(value, "platform"), entry->platform);
    for (void *at = json_object_iter(value); at && err == AVER_OK;
         at = json_object_iter_next(value, at)) {
        const char *name = json_object_iter_key(at);
        const json_t *member = json_object_iter_value(at);
        if (strcmp(name, "name") == 0) {
            err = policy_read_text(parse, name, member, entry->name, sizeof entry->name);
        } else if (strcmp(name, "platform") != 0) {
            err = policy_read_kind(parse, name, member, entry);
        }
    }
    if (err == AVER_OK && entry->values_count == 0) {
        return policy_refuse(parse, "a measurement for platform %s names no value",
                             entry->platform);
    }
    return err;
}

static aver_err policy_read_measurements(policy_parse *parse, const char *name, const json_t *value)
{
    aver_err err = policy_read_list_size(parse, name, value, AVER_POLICY_LIST_MAX);
    size_t count = json_array_size(value);
    if (err != AVER_OK || count == 0) {
        return err;
    }
    parse->policy->entries = calloc(count, sizeof *parse->policy->entries);
    if (!parse->policy->entries) {
        return AVER_E_NOMEM;
    }
    parse->policy->entries_count = count;
    for (size_t i = 0; i < count && err == AVER_OK; i++) {
        err = policy_read_entry(parse, json_array_get(value, i), &parse->policy->entries[i]);
    }
    return err;
}

static aver_err policy_read_digests(policy_parse *parse, const char *name, const json_t *value,
                                    uint8_t (*ret_list)[32], size_t *ret_count)
{
    aver_err err = policy_read_list_size(parse, name, value, AVER_POLICY_LIST_MAX);
    for (size_t i = 0; err == AVER_OK && i < json_array_size(value); i++) {
        err = policy_read_hex(parse, name, json_array_get(value, i), ret_list[i], 32);
        *ret_count = i + 1;
    }
    return err;
}

static aver_err policy_read_machines(policy_parse *parse, const char *name, const json_t *value)
{
    aver_err err = policy_read_list_size(parse, name, value, AVER_POLICY_LIST_MAX);
    parse->policy->has_machines = true;
    for (size_t i = 0; err == AVER_OK && i < json_array_size(value); i++) {
        const json_t *text = json_array_get(value, i);
        size_t size = json_string_length(text) / 2;
        aver_policy_machine *machine = &parse->policy->machines[i];
        if (!json_is_string(text) || size == 0 || size > sizeof machine->bytes) {
            return policy_refuse(parse, "\"%s\" must have 2 to %zu hex digits each", name,
                                 2 * sizeof machine->bytes);
        }
        machine->size = (uint8_t)size;
        err = policy_read_hex(parse, name, text, machine->bytes, size);
        parse->policy->machines_count = i + 1;
    }
    return err;
}

static aver_err policy_read_statuses(policy_parse *parse, const char *name, const json_t *value)
{
    aver_err err = policy_read_list_size(parse, name, value, AVER_TCB_STATUS_COUNT);
    parse->policy->tcb_statuses = 0;
    for (size_t i = 0; err == AVER_OK && i < json_array_size(value); i++) {
        const char *text = json_string_value(json_array_get(value, i));
        aver_tcb_status status = aver_tcb_status_find(aver_view_text(text));
        if (status == AVER_TCB_NONE) {
            return policy_refuse(parse, "\"%.60s\" is no TCB status", text ? text : "");
        }
        parse->policy->tcb_statuses |= AVER_TCB_SET(status);
    }
    return err;
}

static aver_err policy_read_models(policy_parse *parse, const char *name, const json_t *value)
{
    return policy_read_digests(parse, name, value, parse->policy->models,
                               &parse->policy->models_count);
}

static aver_err policy_read_configs(policy_parse *parse, const char *name, const json_t *value)
{
    parse->policy->has_configs = true;
    return policy_read_digests(parse, name, value, parse->policy->configs,
                               &parse->policy->configs_count);
}

static aver_err policy_read_profiles(policy_parse *parse, const char *name, const json_t *value)
{
    aver_err err = policy_read_list_size(parse, name, value, AVER_POLICY_PROFILES_MAX);
    parse->policy->has_profiles = true;
    for (size_t i = 0; err == AVER_OK && i < json_array_size(value); i++) {
        const char *text = json_string_value(json_array_get(value, i));
        size_t profile = 1;
        while (text && profile <= AVER_POLICY_PROFILES_MAX &&
               strcmp(aver_policy_profile_name(profile), text) != 0) {
            profile++;
        }
        if (!text || profile > AVER_POLICY_PROFILES_MAX) {
            return policy_refuse(parse, "\"%.40s\" is no profile: verified or fast",
                                 text ? text : "");
        }
        parse->policy->profiles[profile] = true;
    }
    return err;
}

static aver_err policy_read_check(policy_parse *parse, const json_t *value, aver_policy_any *any)
{
    const char *text = json_string_value(value);
    for (const aver_check_name *entry = aver_check_names(); text && entry->name; entry++) {
        if (strcmp(entry->name, text) == 0) {
            any->names[any->names_count++] = entry->name;
            return AVER_OK;
        }
    }
    return policy_refuse(parse, "\"require\": \"%.40s\" is no check", text ? text : "");
}

static aver_err policy_read_require(policy_parse *parse, const char *name, const json_t *value)
{
    aver_err err = policy_read_list_size(parse, name, value, AVER_POLICY_REQUIRE_MAX);
    for (size_t i = 0; err == AVER_OK && i < json_array_size(value); i++) {
        const json_t *entry = json_array_get(value, i);
        aver_policy_any *any = &parse->policy->require[parse->policy->require_count++];
        if (!json_is_array(entry)) {
            err = policy_read_check(parse, entry, any);
            continue;
        }
        err = policy_read_list_size(parse, name, entry, AVER_POLICY_ANY_MAX);
        if (err == AVER_OK && json_array_size(entry) == 0) {
            err = policy_refuse(parse, "\"require\" has an empty list, which nothing can satisfy");
        }
        for (size_t j = 0; err == AVER_OK && j < json_array_size(entry); j++) {
            err = policy_read_check(parse, json_array_get(entry, j), any);
        }
    }
    return err;
}

static aver_err policy_read_number(policy_parse *parse, const char *name, const json_t *value,
                                   uint64_t max, uint64_t *ret_number)
{
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || (uint64_t)number > max) {
        return policy_refuse(parse, "\"%s\" must be a whole number from 0 to %llu", name,
                             (unsigned long long)max);
    }
    *ret_number = (uint64_t)number;
    return AVER_OK;
}

static aver_err policy_read_bool(policy_parse *parse, const char *name, const json_t *value,
                                 bool *ret_value)
{
    if (!json_is_boolean(value)) {
        return policy_refuse(parse, "\"%s\" must be true or false", name);
    }
    *ret_value = json_is_true(value);
    return AVER_OK;
}

static aver_err policy_read_plain(policy_parse *parse, const char *name, const json_t *value)
{
    aver_policy *policy = parse->policy;
    uint64_t number = 0;
    aver_err err;
    if (strcmp(name, "version") == 0) {
        return json_integer_value(value) == 1 ? AVER_OK
                                              : policy_refuse(parse, "\"version\" must be 1");
    }
    if (strcmp(name, "name") == 0) {
        return policy_read_text(parse, name, value, policy->name, sizeof policy->name);
    }
    if (strcmp(name, "max_evidence_age_s") == 0) {
        err = policy_read_number(parse, name, value, AVER_POLICY_AGE_MAX_S, &number);
        policy->evidence_age_max_ms = number * 1000;
        return err;
    }
    if (strcmp(name, "max_receipt_age_s") == 0) {
        err = policy_read_number(parse, name, value, AVER_POLICY_AGE_MAX_S, &number);
        policy->receipt_age_max_ms = number * 1000;
        return err;
    }
    if (strcmp(name, "min_tcb") == 0) {
        return policy_read_number(parse, name, value, INT64_MAX, &policy->tcb_min);
    }
    if (strcmp(name, "min_evaluation") == 0) {
        err = policy_read_number(parse, name, value, UINT32_MAX, &number);
        policy->evaluation_min = (uint32_t)number;
        return err;
    }
    if (strcmp(name, "accept_debug") == 0) {
        return policy_read_bool(parse, name, value, &policy->accept_debug);
    }
    if (strcmp(name, "allow_stripped") == 0) {
        return policy_read_bool(parse, name, value, &policy->allow_stripped);
    }
    return policy_refuse(parse, "unknown member \"%.40s\"", name);
}

static aver_err policy_read_member(policy_parse *parse, const char *name, const json_t *value)
{
    static const struct {
        const char *name;
        aver_err (*read)(policy_parse *parse, const char *name, const json_t *value);
    } lists[] = {
        {"platforms", policy_read_platforms}, {"measurements", policy_read_measurements},
        {"models", policy_read_models},       {"configs", policy_read_configs},
        {"require", policy_read_require},     {"profiles", policy_read_profiles},
        {"machines", policy_read_machines},   {"accept_tcb", policy_read_statuses},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (strcmp(lists[i].name, name) == 0) {
            return lists[i].read(parse, name, value);
        }
    }
    return policy_read_plain(parse, name, value);
}

static aver_err policy_read(policy_parse *parse, json_t *json)
{
    if (!json_is_object(json)) {
        return policy_refuse(parse, "a policy is a JSON object");
    }
    if (!json_object_get(json, "version")) {
        return policy_refuse(parse, "\"version\" is missing");
    }
    aver_err err = AVER_OK;
    for (void *at = json_object_iter(json); at && err == AVER_OK;
         at = json_object_iter_next(json, at)) {
        err = policy_read_member(parse, json_object_iter_key(at), json_object_iter_value(at));
    }
    return err;
}

aver_err aver_policy_parse(aver_view json, aver_policy **ret_policy, char ret_why[200])
{
    json_t *document = NULL;
    char why_json[128] = "";
    aver_policy *policy = calloc(1, sizeof *policy);
    policy_parse parse = {policy, ret_why};
    (void)snprintf(ret_why, POLICY_WHY_BYTES, "out of memory");
    if (!policy) {
        return AVER_E_NOMEM;
    }
    policy->tcb_statuses = AVER_TCB_SET(AVER_TCB_UP_TO_DATE);
    policy->evidence_age_max_ms = AVER_POLICY_AGE_DEFAULT_S * 1000;
    policy->receipt_age_max_ms = AVER_POLICY_AGE_DEFAULT_S * 1000;
    aver_err err = aver_json_parse(json, AVER_POLICY_BYTES_MAX, &document, why_json);
    if (err != AVER_OK) {
        (void)snprintf(ret_why, POLICY_WHY_BYTES, "not JSON as it must be: %s", why_json);
    } else {
        err = policy_read(&parse, document);
        json_decref(document);
    }
    if (err != AVER_OK) {
        aver_policy_free(policy);
        return err;
    }
    ret_why[0] = '\0';
    *ret_policy = policy;
    return AVER_OK;
}
