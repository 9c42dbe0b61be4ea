/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/json.h"
#include "codec/text.h"
#include "engine/speech_plan.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define SPACES_MAX     64 /* held back before a call that may follow */
/* Native calls are parsed anew from their mark on, as more of them comes: for each byte of text so
 * many may be parsed, and some besides. */
#define PARSED_BYTE 16
#define PARSED_MORE ((size_t)256 * 1024)

typedef struct speech_call {
    aver_buf name;
    aver_buf arguments;
} speech_call;

struct aver_speech {
    const aver_speech_plan *plan;
    aver_buf plain;
    speech_call calls[AVER_SPEECH_CALLS_MAX]; /* of the last push or flush */
    aver_speech_call views[AVER_SPEECH_CALLS_MAX];
    size_t calls_count;
    size_t calls_total;
    aver_own_reader own;
    /* Native: */
    aver_buf held;    /* text not given out; in a section it begins with a mark */
    bool in_section;  /* a mark was found, or calls have none */
    bool plain_only;  /* no more calls may be made */
    size_t spaces;    /* white space that stood before the section, and is held too */
    size_t given;     /* calls of this section that were given out */
    size_t given_end; /* bytes of held that they are known to be, with what closes them */
    size_t budget;    /* bytes that may still be parsed */
};

aver_err aver_speech_new(const aver_speech_plan *plan, aver_speech **ret_speech)
{
    aver_speech *speech = calloc(1, sizeof(*speech));
    if (speech == NULL) {
        return AVER_E_NOMEM;
    }
    speech->plan = plan;
    speech->budget = PARSED_MORE;
    speech->in_section = plan->native != NULL && plan->marks_count == 0;
    aver_buf_init(&speech->plain, TEXT_BYTES_MAX);
    aver_buf_init(&speech->held, TEXT_BYTES_MAX);
    aver_own_init(&speech->own, plan->tools);
    *ret_speech = speech;
    return AVER_OK;
}

static void speech_forget_calls(aver_speech *speech)
{
    for (size_t i = 0; i < speech->calls_count; i++) {
        aver_buf_deinit(&speech->calls[i].name);
        aver_buf_deinit(&speech->calls[i].arguments);
    }
    speech->calls_count = 0;
}

void aver_speech_free(aver_speech *speech)
{
    if (speech != NULL) {
        speech_forget_calls(speech);
        aver_own_deinit(&speech->own);
        aver_buf_deinit(&speech->plain);
        aver_buf_deinit(&speech->held);
        free(speech);
    }
}

const aver_speech_call *aver_speech_calls(const aver_speech *speech, size_t *ret_count)
{
    *ret_count = speech->calls_count;
    return speech->views;
}

size_t aver_speech_calls_count(const aver_speech *speech)
{
    return speech->calls_total;
}

bool aver_speech_done(const aver_speech *speech)
{
    return !speech->plan->parallel && speech->calls_total != 0;
}

/* Nothing yet, or an object in which a bracket or a string is open. */
static bool arguments_open(aver_view arguments)
{
    size_t depth = 0;
    bool in_string = false;
    if (arguments.size != 0 && arguments.data[0] != '{') {
        return false;
    }
    for (size_t i = 0; i < arguments.size; i++) {
        uint8_t byte = arguments.data[i];
        if (in_string) {
            i += byte == '\\' ? 1 : 0;
            in_string = byte != '"';
        } else if (byte == '"') {
            in_string = true;
        } else if (byte == '{' || byte == '[') {
            depth++;
        } else if ((byte == '}' || byte == ']') && --depth == 0) {
            return false;
        }
    }
    return true;
}

bool aver_speech_arguments_valid(aver_view arguments, bool *ret_cut)
{
    json_t *json = NULL;
    *ret_cut = arguments_open(arguments);
    if (*ret_cut) {
        return arguments.size <= AVER_SPEECH_CALL_BYTES_MAX && aver_utf8_valid(arguments);
    }
    bool valid = aver_json_parse(arguments, AVER_SPEECH_CALL_BYTES_MAX, &json, NULL) == AVER_OK &&
                 json_is_object(json);
    json_decref(json);
    return valid;
}

static bool speech_may_call(const aver_speech *speech)
{
    return speech->calls_total < AVER_SPEECH_CALLS_MAX &&
           (speech->plan->parallel || speech->calls_total == 0);
}

/* One of the tools that may be called: a parser of the template's may take another name too. */
static bool speech_has_tool(const aver_speech *speech, aver_view name)
{
    for (size_t i = 0; i < json_array_size(speech->plan->tools); i++) {
        const json_t *tool = json_array_get(speech->plan->tools, i);
        const json_t *known = json_object_get(json_object_get(tool, "function"), "name");
        if (json_is_string(known) && aver_view_equal_text(name, json_string_value(known))) {
            return true;
        }
    }
    return false;
}

/* FORMAT if this cannot be a call of this answer, whole or cut. */
static aver_err speech_add_part(aver_view name, aver_view arguments, void *context)
{
    aver_speech *speech = context;
    bool cut = false;
    if (!speech_may_call(speech) || !speech_has_tool(speech, name) ||
        !aver_speech_arguments_valid(arguments, &cut)) {
        return AVER_E_FORMAT;
    }
    size_t at = speech->calls_count;
    speech_call *call = &speech->calls[at];
    aver_buf_init(&call->name, AVER_SPEECH_CALL_BYTES_MAX);
    aver_buf_init(&call->arguments, AVER_SPEECH_CALL_BYTES_MAX);
    speech->calls_count++;
    aver_buf_append(&call->name, name);
    aver_buf_append(&call->arguments, arguments);
    speech->views[at] =
        (aver_speech_call){aver_buf_view(&call->name), aver_buf_view(&call->arguments)};
    speech->calls_total++;
    aver_err err = aver_buf_status(&call->name);
    return err == AVER_OK ? aver_buf_status(&call->arguments) : err;
}

/* The same for a whole one. */
static aver_err speech_add_call(aver_view name, aver_view arguments, void *context)
{
    return arguments_open(arguments) ? AVER_E_FORMAT : speech_add_part(name, arguments, context);
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

/* Gives out the first bytes of what is held as plain text. */
static void speech_release(aver_speech *speech, size_t size)
{
    aver_buf_append(&speech->plain, aver_view_make(speech->held.data, size));
    aver_buf_consume(&speech->held, size);
}

/* Where the first mark begins; the size if there is none. */
static size_t speech_find_mark(const aver_speech *speech)
{
    size_t first = speech->held.size;
    for (size_t i = 0; i < speech->plan->marks_count; i++) {
        aver_view mark = speech->plan->marks[i];
        const uint8_t *found =
            first == 0 ? NULL : memmem(speech->held.data, speech->held.size, mark.data, mark.size);
        size_t at = found == NULL ? first : (size_t)(found - speech->held.data);
        first = at < first ? at : first;
    }
    return first;
}

/* Bytes at the end that may be the beginning of a mark. */
static size_t speech_mark_tail(const aver_speech *speech)
{
    size_t longest = 0;
    for (size_t i = 0; i < speech->plan->marks_count; i++) {
        aver_view mark = speech->plan->marks[i];
        size_t size = mark.size - 1 < speech->held.size ? mark.size - 1 : speech->held.size;
        while (size > longest &&
               memcmp(speech->held.data + speech->held.size - size, mark.data, size) != 0) {
            size--;
        }
        longest = size > longest ? size : longest;
    }
    return longest;
}

static size_t speech_spaces_before(const aver_speech *speech, size_t end)
{
    size_t count = 0;
    while (count < end && count < SPACES_MAX && is_space(speech->held.data[end - 1 - count])) {
        count++;
    }
    return count;
}

/* Outside a section: plain text goes out, a mark begins a section. *ret_more: one began. */
static void speech_scan(aver_speech *speech, bool *ret_more)
{
    size_t mark = speech_find_mark(speech);
    *ret_more = false;
    if (mark < speech->held.size) {
        speech->spaces = speech_spaces_before(speech, mark);
        speech_release(speech, mark - speech->spaces);
        speech->in_section = true;
        speech->given = 0;
        speech->given_end = 0;
        *ret_more = true;
        return;
    }
    size_t tail = speech_mark_tail(speech);
    tail += speech_spaces_before(speech, speech->held.size - tail);
    speech_release(speech, speech->held.size - tail);
}

static bool speech_has_mark(const aver_speech *speech, size_t from)
{
    for (size_t i = 0; i < speech->plan->marks_count; i++) {
        aver_view mark = speech->plan->marks[i];
        if (memmem(speech->held.data + from, speech->held.size - from, mark.data, mark.size) !=
            NULL) {
            return true;
        }
    }
    return false;
}

typedef struct section_calls {
    aver_speech *speech;
    size_t seen;
    bool bad;
} section_calls;

static void section_on_call(aver_view name, aver_view arguments, void *context)
{
    section_calls *calls = context;
    if (calls->seen++ < calls->speech->given || calls->bad) {
        return;
    }
    if (speech_add_call(name, arguments, calls->speech) == AVER_OK) {
        calls->speech->given++;
    } else {
        calls->bad = true;
    }
}

/* What of a section is no call: all of it, or what came after its last call. It may hold other
 * marks behind its own. */
static void section_leave(aver_speech *speech)
{
    speech->in_section = false;
    if (speech->given != 0) {
        aver_buf_consume(&speech->held, speech->given_end);
        speech->plain_only = speech->plain_only || !speech_may_call(speech);
    } else if (speech->held.size != 0) {
        speech_release(speech, speech->spaces + 1);
    }
    speech->spaces = 0;
}

/* Parses the section so far, if the budget allows it. */
static void section_parse(aver_speech *speech, bool ended)
{
    aver_view text =
        aver_view_make(speech->held.data + speech->spaces, speech->held.size - speech->spaces);
    section_calls calls = {speech, 0, false};
    aver_native_outcome outcome = AVER_NATIVE_NONE;
    if (speech->budget < text.size) {
        if (ended) {
            speech->plain_only = true;
            section_leave(speech);
        }
        return;
    }
    speech->budget -= text.size;
    size_t given = speech->given;
    aver_buf rest;
    aver_buf_init(&rest, TEXT_BYTES_MAX);
    outcome =
        aver_native_parse(speech->plan->native, text, ended, section_on_call, &calls, &rest, NULL);
    bool closes = outcome == AVER_NATIVE_BETWEEN && speech->given != 0 &&
                  !speech_has_mark(speech, speech->given_end);
    if (speech->given > given || closes) {
        speech->given_end = speech->held.size;
    }
    if (outcome == AVER_NATIVE_NONE || calls.bad || (ended && speech->given == 0)) {
        section_leave(speech);
    } else if (ended) {
        aver_buf_clear(&speech->held);
        aver_buf_append(&speech->plain, aver_buf_view(&rest));
        speech->in_section = false;
    }
    aver_buf_deinit(&rest);
}

/* The bytes up to and with the first in which a call may end; all if there is none. */
static size_t call_end_at(aver_view text, bool *ret_found)
{
    *ret_found = false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte == '}' || byte == ']' || byte == '>' || byte == ')') {
            *ret_found = true;
            return i + 1;
        }
    }
    return text.size;
}

/* Text that ends where a call may end, or holds no such place. */
static aver_err native_push_part(aver_speech *speech, aver_view text, bool may_end)
{
    bool more = true;
    aver_buf_append(&speech->held, text);
    aver_err err = aver_buf_status(&speech->held);
    speech->budget += text.size * PARSED_BYTE;
    while (err == AVER_OK && more) {
        more = false;
        if (speech->plain_only) {
            speech_release(speech, speech->held.size);
        } else if (!speech->in_section) {
            speech_scan(speech, &more);
        } else if (speech->held.size > AVER_SPEECH_HELD_BYTES_MAX) {
            speech->plain_only = true;
            section_leave(speech);
            more = true;
        } else if (may_end && speech->plan->marks_count != 0) {
            section_parse(speech, false);
            more = !speech->in_section;
        }
        err = err == AVER_OK ? aver_buf_status(&speech->plain) : err;
    }
    return err;
}

/* Part by part, so that it does not matter in which pieces the text came. */
static aver_err native_push(aver_speech *speech, aver_view text)
{
    aver_err err = AVER_OK;
    while (text.size != 0 && err == AVER_OK) {
        bool may_end = false;
        size_t size = call_end_at(text, &may_end);
        err = native_push_part(speech, aver_view_make(text.data, size), may_end);
        text = aver_view_make(text.data + size, text.size - size);
    }
    return err;
}

static void section_pass_call(aver_view name, aver_view arguments, void *context)
{
    (void)name;
    (void)arguments;
    (void)context;
}

/* Whether the calls of a section may end here. */
static bool section_may_end(aver_speech *speech, aver_view text)
{
    return aver_native_parse(speech->plan->native, text, true, section_pass_call, NULL, NULL,
                             NULL) != AVER_NATIVE_NONE;
}

/* Where the answer was cut: whether the section ends in part of a call, which is given out then if
 * its name is whole. */
static bool section_cut(aver_speech *speech)
{
    aver_view text =
        aver_view_make(speech->held.data + speech->spaces, speech->held.size - speech->spaces);
    section_calls calls = {speech, 0, false};
    size_t given = speech->given;
    aver_buf name;
    aver_buf arguments;
    if (speech->budget < text.size) {
        return false;
    }
    speech->budget -= text.size;
    aver_buf_init(&name, AVER_SPEECH_CALL_BYTES_MAX);
    aver_buf_init(&arguments, AVER_SPEECH_CALL_BYTES_MAX);
    aver_native_part part = {&name, &arguments, false};
    aver_native_outcome outcome =
        aver_native_parse(speech->plan->native, text, false, section_on_call, &calls, NULL, &part);
    bool only_mark = speech->plan->marks_count != 0 && calls.seen == 0;
    bool open = part.open && !calls.bad &&
                (outcome == AVER_NATIVE_IN_CALL || (outcome == AVER_NATIVE_BETWEEN && only_mark));
    if (open && name.size != 0 && aver_buf_status(&name) == AVER_OK &&
        aver_buf_status(&arguments) == AVER_OK) {
        open = speech_add_part(aver_buf_view(&name), aver_buf_view(&arguments), speech) == AVER_OK;
    }
    if (outcome == AVER_NATIVE_BETWEEN && calls.seen != 0 && !calls.bad) {
        open = !section_may_end(speech, text);
    }
    if (!open && speech->given > given) {
        speech->given_end = speech->held.size;
    }
    aver_buf_deinit(&name);
    aver_buf_deinit(&arguments);
    return open;
}

/* What is left when no section is open, and may be the beginning of a mark. */
static void native_drop_tail(aver_speech *speech)
{
    if (!speech->plain_only && !speech->in_section) {
        speech_release(speech, speech->held.size - speech_mark_tail(speech));
        aver_buf_clear(&speech->held);
    }
}

static aver_err native_flush(aver_speech *speech, bool cut)
{
    bool more = true;
    speech->budget += speech->held.size * PARSED_BYTE;
    while (more && !speech->plain_only) {
        if (speech->in_section && cut && section_cut(speech)) {
            aver_buf_clear(&speech->held);
            return aver_buf_status(&speech->plain);
        }
        if (speech->in_section) {
            section_parse(speech, true);
        }
        speech_scan(speech, &more);
    }
    if (cut) {
        native_drop_tail(speech);
    }
    speech_release(speech, speech->held.size);
    return aver_buf_status(&speech->plain);
}

static aver_err own_flush(aver_speech *speech, bool cut)
{
    return cut ? aver_own_cut(&speech->own, &speech->plain, speech_add_part, speech)
               : aver_own_flush(&speech->own, &speech->plain);
}

static aver_err speech_take(aver_speech *speech, aver_view text)
{
    if (text.size == 0) {
        return AVER_OK;
    }
    return speech->plan->native != NULL
               ? native_push(speech, text)
               : aver_own_push(&speech->own, text, &speech->plain, speech_add_call, speech);
}

aver_err aver_speech_push(aver_speech *speech, aver_view text, aver_view *ret_plain)
{
    speech_forget_calls(speech);
    aver_buf_clear(&speech->plain);
    if (speech->plan->tools == NULL) {
        *ret_plain = text;
        return AVER_OK;
    }
    aver_err err = speech_take(speech, text);
    *ret_plain = aver_buf_view(&speech->plain);
    return err;
}

aver_err aver_speech_flush(aver_speech *speech, aver_view text, bool cut, aver_view *ret_plain)
{
    aver_err err = aver_speech_push(speech, text, ret_plain);
    if (err != AVER_OK || speech->plan->tools == NULL) {
        return err;
    }
    err = speech->plan->native != NULL ? native_flush(speech, cut) : own_flush(speech, cut);
    *ret_plain = aver_buf_view(&speech->plain);
    return err;
}
