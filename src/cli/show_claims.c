/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/show.h"
#include "codec/json.h"

#include <stdio.h>

#define CLAIMS_JSON_BYTES_MAX  (4u * 1024 * 1024)
#define CLAIMS_VALUE_COLUMN    28
#define CLAIMS_NAME_BYTES      128
#define CLAIMS_VALUE_BYTES_MAX (1024u * 1024)

static void claims_claim(const aver_term *term, const char *name, const json_t *value)
{
    aver_buf text;
    aver_buf_init(&text, CLAIMS_VALUE_BYTES_MAX);
    if (json_is_string(value)) {
        aver_buf_append(&text, aver_view_make(json_string_value(value), json_string_length(value)));
    } else if (json_is_object(value) || json_is_array(value)) {
        aver_json_append_ordered(&text, value);
    } else if (json_is_integer(value)) {
        aver_buf_append_format(&text, "%lld", (long long)json_integer_value(value));
    } else {
        aver_buf_append_text(&text, json_is_true(value)    ? "yes"
                                    : json_is_false(value) ? "no"
                                                           : "none");
    }
    unsigned column = CLAIMS_VALUE_COLUMN + 2;
    aver_term_print(term, AVER_STYLE_FAINT, "  %-*s", CLAIMS_VALUE_COLUMN, name);
    aver_term_wrap(term, aver_buf_view(&text), CLAIMS_VALUE_COLUMN + 2, AVER_SHOW_COLUMNS, &column);
    (void)fputc('\n', term->file);
    aver_buf_deinit(&text);
}

/* A map has a line for each member. */
static void claims_member(const aver_term *term, const char *name, json_t *value)
{
    const char *key;
    json_t *member;
    char whole[CLAIMS_NAME_BYTES];
    if (!json_is_object(value)) {
        claims_claim(term, name, value);
        return;
    }
    json_object_foreach(value, key, member)
    {
        (void)snprintf(whole, sizeof whole, "%s.%s", name, key);
        claims_claim(term, whole, member);
    }
}

/* Every claim on a line; lists, and maps in maps, as JSON. */
void aver_show_claims(const aver_term *term, const aver_claims *claims)
{
    aver_buf text;
    json_t *all = NULL;
    const char *name;
    json_t *value;
    aver_buf_init(&text, CLAIMS_JSON_BYTES_MAX);
    aver_claims_json(claims, &text);
    if (aver_buf_status(&text) == AVER_OK &&
        aver_json_parse(aver_buf_view(&text), CLAIMS_JSON_BYTES_MAX, &all, NULL) == AVER_OK) {
        json_object_foreach(all, name, value)
        {
            claims_member(term, name, value);
        }
    }
    json_decref(all);
    aver_buf_deinit(&text);
}
