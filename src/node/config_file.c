/* SPDX-License-Identifier: Apache-2.0 */
#include "node/config_file.h"

#include "base/sys.h"
#include "codec/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct config_reader {
    aver_node_config *config;
    char *at; /* the rest of the text, which ends in a zero byte */
    uint32_t line;
    char *why;
} config_reader;

static aver_err config_wrong(const config_reader *reader, aver_err err, const char *words)
{
    (void)snprintf(reader->why, AVER_NODE_CONFIG_WHY_BYTES, "line %u: %s", reader->line, words);
    return err;
}

static bool config_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool config_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* Cuts the next line out of the text: a terminator stands where its end was. */
static char *config_line(config_reader *reader)
{
    char *line = reader->at;
    size_t size = strcspn(line, "\n");

    reader->at = line + size + (line[size] == '\n' ? 1 : 0);
    line[size] = '\0';
    if (size > 0 && line[size - 1] == '\r') {
        line[size - 1] = '\0';
    }
    reader->line++;
    return line;
}

static aver_err config_line_check(const config_reader *reader, const char *line)
{
    for (const char *at = line; *at != '\0'; at++) {
        uint8_t byte = (uint8_t)*at;

        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            return config_wrong(reader, AVER_E_FORMAT, "a control character");
        }
    }
    return aver_utf8_valid(aver_view_text(line)) ? AVER_OK
                                                 : config_wrong(reader, AVER_E_FORMAT, "not UTF-8");
}

/* The value between its blanks, which are cut off. */
static aver_err config_value(const config_reader *reader, char *value, const char **ret_value)
{
    while (config_blank(*value)) {
        value++;
    }
    size_t size = strlen(value);
    while (size > 0 && config_blank(value[size - 1])) {
        size--;
    }
    value[size] = '\0';
    if (size == 0) {
        return config_wrong(reader, AVER_E_FORMAT, "a name without a value");
    }
    if (size > AVER_NODE_CONFIG_VALUE_MAX) {
        return config_wrong(reader, AVER_E_LIMIT, "a value of more than 4096 bytes");
    }
    if (value[0] == '"' || value[0] == '\'') {
        return config_wrong(reader, AVER_E_FORMAT, "values are not quoted");
    }
    *ret_value = value;
    return AVER_OK;
}

/* "name = value", with no blank before the name. */
static aver_err config_setting(const config_reader *reader, char *line)
{
    aver_node_config *config = reader->config;
    aver_node_setting setting = {.name = line, .line = reader->line};
    char *at = line;

    while (config_name_byte(*at)) {
        at++;
    }
    char *end = at;
    while (config_blank(*at)) {
        at++;
    }
    if (end == line || *at != '=') {
        return config_wrong(reader, AVER_E_FORMAT, "want: name = value");
    }
    if (end - line > AVER_NODE_CONFIG_NAME_MAX) {
        return config_wrong(reader, AVER_E_LIMIT, "a name of more than 32 bytes");
    }
    if (config->count == AVER_NODE_CONFIG_SETTINGS_MAX) {
        return config_wrong(reader, AVER_E_LIMIT, "more than 256 settings");
    }
    aver_err err = config_value(reader, at + 1, &setting.value);
    if (err == AVER_OK) {
        *end = '\0';
        config->settings[config->count++] = setting;
    }
    return err;
}

static aver_err config_fill(config_reader *reader)
{
    aver_err err = AVER_OK;

    while (err == AVER_OK && *reader->at != '\0') {
        char *line = config_line(reader);

        err = config_line_check(reader, line);
        while (config_blank(*line)) {
            line++;
        }
        if (err == AVER_OK && *line != '\0' && *line != '#') {
            err = config_setting(reader, line);
        }
    }
    return err;
}

aver_err aver_node_config_parse(aver_view text, aver_node_config *ret_config,
                                char ret_why[AVER_NODE_CONFIG_WHY_BYTES])
{
    aver_node_config config = {0};
    config_reader reader = {.config = &config, .why = ret_why};

    if (text.size > AVER_NODE_CONFIG_BYTES_MAX) {
        (void)snprintf(ret_why, AVER_NODE_CONFIG_WHY_BYTES, "more than %d bytes",
                       AVER_NODE_CONFIG_BYTES_MAX);
        return AVER_E_LIMIT;
    }
    if (text.size > 0 && memchr(text.data, '\0', text.size) != NULL) {
        (void)snprintf(ret_why, AVER_NODE_CONFIG_WHY_BYTES, "a zero byte: this is not text");
        return AVER_E_FORMAT;
    }
    config.text = malloc(text.size + 1);
    if (config.text == NULL) {
        (void)snprintf(ret_why, AVER_NODE_CONFIG_WHY_BYTES, "%s", aver_err_text(AVER_E_NOMEM));
        return AVER_E_NOMEM;
    }
    if (text.size > 0) {
        memcpy(config.text, text.data, text.size);
    }
    config.text[text.size] = '\0';
    reader.at = config.text;
    aver_err err = config_fill(&reader);
    if (err != AVER_OK) {
        aver_node_config_deinit(&config);
        return err;
    }
    *ret_config = config;
    return AVER_OK;
}

aver_err aver_node_config_open(const char *path, aver_node_config *ret_config,
                               char ret_why[AVER_NODE_CONFIG_WHY_BYTES])
{
    aver_buf text;

    aver_buf_init(&text, AVER_NODE_CONFIG_BYTES_MAX);
    aver_err err = aver_file_read(path, AVER_NODE_CONFIG_BYTES_MAX, &text);
    if (err != AVER_OK) {
        (void)snprintf(ret_why, AVER_NODE_CONFIG_WHY_BYTES, "%s", aver_err_text(err));
    } else {
        err = aver_node_config_parse(aver_buf_view(&text), ret_config, ret_why);
    }
    aver_buf_deinit(&text);
    return err;
}

void aver_node_config_deinit(aver_node_config *config)
{
    free(config->text);
    *config = (aver_node_config){0};
}
