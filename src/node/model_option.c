/* SPDX-License-Identifier: Apache-2.0 */
#include "node/model_option.h"

#include "aver/keyset.h"
#include "codec/text.h"
#include "engine/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL_CONTEXT_LEAST 32

typedef struct model_reader {
    aver_model_option option;
    bool has_context, has_slots;
    char *why;
} model_reader;

static aver_err model_wrong(const model_reader *reader, const char *words, const char *text)
{
    (void)snprintf(reader->why, AVER_MODEL_OPTION_WHY_BYTES, "%s, not \"%.80s\"", words, text);
    return AVER_E_FORMAT;
}

static aver_err model_number(const model_reader *reader, const char *text, const char *words,
                             uint32_t least, uint32_t most, uint32_t *ret_value)
{
    char *end;

    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || value < least || value > most) {
        return model_wrong(reader, words, text);
    }
    *ret_value = (uint32_t)value;
    return AVER_OK;
}

static aver_err model_name(model_reader *reader, const char *text)
{
    aver_view name = aver_view_text(text);

    if (name.size == 0 || name.size >= AVER_NAME_BYTES_MAX || !aver_utf8_valid(name)) {
        return model_wrong(reader, "name= wants 1 to 127 bytes of UTF-8", text);
    }
    if (reader->option.name != NULL) {
        return model_wrong(reader, "name= is to be given once", text);
    }
    reader->option.name = strdup(text);
    return reader->option.name != NULL ? AVER_OK : AVER_E_NOMEM;
}

static aver_err model_adapter(model_reader *reader, const char *text)
{
    aver_model_option *option = &reader->option;
    char path[AVER_ADAPTER_PATH_BYTES_MAX];
    uint32_t scale_ppm = 0;

    if (option->adapters_count == AVER_ADAPTERS_MAX) {
        return model_wrong(reader, "lora= can be given at most 8 times", text);
    }
    if (aver_adapter_spec_parse(text, path, &scale_ppm) != AVER_OK) {
        return model_wrong(reader, "lora= wants FILE[:SCALE], the scale above 0 and at most 100",
                           text);
    }
    aver_adapter_option *adapter = &option->adapters[option->adapters_count];
    adapter->path = strdup(path);
    if (adapter->path == NULL) {
        return AVER_E_NOMEM;
    }
    adapter->scale_ppm = scale_ppm;
    option->adapters_count++;
    return AVER_OK;
}

static const char *model_value(const char *piece, const char *name)
{
    size_t size = strlen(name);

    return strncmp(piece, name, size) == 0 ? piece + size : NULL;
}

static aver_err model_setting(model_reader *reader, const char *piece)
{
    const char *value;

    if ((value = model_value(piece, "name=")) != NULL) {
        return model_name(reader, value);
    }
    if ((value = model_value(piece, "lora=")) != NULL) {
        return model_adapter(reader, value);
    }
    if (!reader->has_context && (value = model_value(piece, "context=")) != NULL) {
        reader->has_context = true;
        return model_number(reader, value, "context= wants a number from 32 to 131072",
                            MODEL_CONTEXT_LEAST, AVER_JOB_TOKENS_MAX,
                            &reader->option.context_tokens);
    }
    if (!reader->has_slots && (value = model_value(piece, "slots=")) != NULL) {
        reader->has_slots = true;
        return model_number(reader, value, "slots= wants a number from 1 to 256", 1,
                            AVER_ENGINE_SLOTS_MAX, &reader->option.slots);
    }
    return model_wrong(reader,
                       "after the file come name=, context=, slots= (once each) and lora=", piece);
}

static aver_err model_read(model_reader *reader, char *text)
{
    char *rest = text;
    const char *path = aver_list_cut(&rest);
    aver_err err = AVER_OK;

    if (path[0] == '\0') {
        return model_wrong(reader, "the name of a file is wanted first", path);
    }
    reader->option.path = strdup(path);
    if (reader->option.path == NULL) {
        return AVER_E_NOMEM;
    }
    for (const char *piece = aver_list_cut(&rest); piece != NULL && err == AVER_OK;
         piece = aver_list_cut(&rest)) {
        err = model_setting(reader, piece);
    }
    return err;
}

aver_err aver_model_option_parse(const char *text, aver_model_option *ret_option,
                                 char ret_why[AVER_MODEL_OPTION_WHY_BYTES])
{
    model_reader reader = {.why = ret_why};
    char *copy = strdup(text);

    if (copy == NULL) {
        return AVER_E_NOMEM;
    }
    aver_err err = model_read(&reader, copy);
    free(copy);
    if (err != AVER_OK) {
        aver_model_option_deinit(&reader.option);
        return err;
    }
    *ret_option = reader.option;
    return AVER_OK;
}

void aver_model_option_deinit(aver_model_option *option)
{
    for (size_t i = 0; i < option->adapters_count; i++) {
        free(option->adapters[i].path);
    }
    free(option->path);
    free(option->name);
    *option = (aver_model_option){0};
}

aver_err aver_size_parse(const char *text, uint64_t *ret_bytes)
{
    static const char units[] = "KMGT";
    unsigned shift = 0;
    char *end;

    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || value == 0) {
        return AVER_E_FORMAT;
    }
    const char *unit = *end != '\0' ? strchr(units, *end) : NULL;
    if (unit != NULL) {
        shift = 10 * (unsigned)(unit - units + 1);
        end++;
    }
    if (*end != '\0' || value > UINT64_MAX >> shift) {
        return AVER_E_FORMAT;
    }
    *ret_bytes = (uint64_t)value << shift;
    return AVER_OK;
}
