/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine whose model says what the prompt tells it to: the last message of role user that begins
 * with "say:" is a script, its parts are divided by lines of "---", and the part that is said is
 * the one after as many as there are answers behind that message. So a client's whole turn of
 * calling a tool and hearing its result is one script. Everything behind the choice of tokens is
 * the real thing: prompt, speech, grammar, events. The linker puts these functions in the place of
 * those that begin an answer and draw (--wrap); a re-check finds that the tokens are not the
 * model's.
 */
#include "codec/json.h"
#include "engine/link.h"
#include "engine/work.h"

#include <stdlib.h>
#include <string.h>

#define SCRIPTS_MAX    1024
#define MESSAGES_BYTES ((size_t)64 * 1024 * 1024)
#define BEGIN          "say:"
#define DIVIDE         "\n---\n"

typedef struct script {
    const aver_work *work; /* NULL: free place */
    aver_ids ids;
} script;

static script scripts[SCRIPTS_MAX];

aver_err __real_aver_work_new(const aver_host *host, uint64_t job_id, const aver_job *job,
                              aver_work **ret_work, char ret_why[160]);
aver_err __wrap_aver_work_new(const aver_host *host, uint64_t job_id, const aver_job *job,
                              aver_work **ret_work, char ret_why[160]);
void __real_aver_work_free(aver_work *work);
void __wrap_aver_work_free(aver_work *work);
aver_err __real_aver_answer_draw(aver_answer *answer, const float *logits, int32_t *ret_token);
aver_err __wrap_aver_answer_draw(aver_answer *answer, const float *logits, int32_t *ret_token);

static script *script_of(const aver_work *work)
{
    for (size_t i = 0; i < SCRIPTS_MAX; i++) {
        if (scripts[i].work == work) {
            return &scripts[i];
        }
    }
    return NULL;
}

static const script *script_of_answer(const aver_answer *answer)
{
    for (size_t i = 0; i < SCRIPTS_MAX; i++) {
        const aver_work *work = scripts[i].work;
        if (work != NULL && work->answers != NULL && answer >= work->answers &&
            answer < work->answers + work->choices_count) {
            return &scripts[i];
        }
    }
    return NULL;
}

/* The part of a script after so many others; empty if there are not as many. */
static aver_view script_part(const char *text, size_t number)
{
    while (number > 0) {
        const char *divide = strstr(text, DIVIDE);
        if (divide == NULL) {
            return aver_view_text("");
        }
        text = divide + strlen(DIVIDE);
        number--;
    }
    const char *end = strstr(text, DIVIDE);
    return end == NULL ? aver_view_text(text) : aver_view_make(text, (size_t)(end - text));
}

/* What the messages tell the model to say; false if no message is a script. */
static bool script_find(const json_t *messages, aver_view *ret_part)
{
    size_t answers = 0;
    for (size_t i = json_array_size(messages); i > 0; i--) {
        const json_t *message = json_array_get(messages, i - 1);
        const char *role = json_string_value(json_object_get(message, "role"));
        const char *content = json_string_value(json_object_get(message, "content"));
        if (role != NULL && strcmp(role, "assistant") == 0) {
            answers++;
        } else if (role != NULL && strcmp(role, "user") == 0 && content != NULL &&
                   strncmp(content, BEGIN, strlen(BEGIN)) == 0) {
            *ret_part = script_part(content + strlen(BEGIN), answers);
            return true;
        }
    }
    return false;
}

/* The tokens that spell exactly this text, each the longest that fits. */
static bool script_tokens(const aver_host *host, aver_view text, aver_ids *ret_ids)
{
    const aver_grammar_words *words = aver_prompt_words(aver_host_prompt(host));
    int32_t count = (int32_t)aver_host_info(host)->vocabulary_size;
    int32_t *ids = calloc(text.size + 1, sizeof(*ids));
    size_t ids_count = 0;
    size_t at = 0;
    while (words != NULL && ids != NULL && at < text.size) {
        size_t longest = 0;
        for (int32_t i = 0; i < count; i++) {
            aver_view word = aver_grammar_word(words, i);
            if (word.size > longest && word.size <= text.size - at &&
                memcmp(word.data, text.data + at, word.size) == 0) {
                longest = word.size;
                ids[ids_count] = i;
            }
        }
        if (longest == 0) {
            break;
        }
        ids_count++;
        at += longest;
    }
    if (ids == NULL || at < text.size) {
        free(ids);
        return false;
    }
    *ret_ids = (aver_ids){ids, ids_count};
    return true;
}

static void script_begin(const aver_work *work, const aver_host *host, const aver_job *job)
{
    json_t *messages = NULL;
    aver_view part;
    script *place = script_of(NULL);
    if (place == NULL ||
        aver_json_parse(aver_buf_view(&job->prompt), MESSAGES_BYTES, &messages, NULL) != AVER_OK) {
        return;
    }
    if (script_find(messages, &part) && script_tokens(host, part, &place->ids)) {
        place->work = work;
    }
    json_decref(messages);
}

aver_err __wrap_aver_work_new(const aver_host *host, uint64_t job_id, const aver_job *job,
                              aver_work **ret_work, char ret_why[160])
{
    aver_err err = __real_aver_work_new(host, job_id, job, ret_work, ret_why);
    if (err == AVER_OK) {
        script_begin(*ret_work, host, job);
    }
    return err;
}

void __wrap_aver_work_free(aver_work *work)
{
    script *found = work == NULL ? NULL : script_of(work);
    if (found != NULL) {
        free(found->ids.ids);
        *found = (script){NULL, {NULL, 0}};
    }
    __real_aver_work_free(work);
}

aver_err __wrap_aver_answer_draw(aver_answer *answer, const float *logits, int32_t *ret_token)
{
    const script *found = script_of_answer(answer);
    aver_err err = __real_aver_answer_draw(answer, logits, ret_token);
    if (err == AVER_OK && found != NULL) {
        bool more = answer->generated_count < found->ids.count;
        *ret_token = more ? found->ids.ids[answer->generated_count]
                          : aver_prompt_end(aver_host_prompt(answer->host));
    }
    return err;
}

int main(void)
{
    aver_engine_files files = aver_link_files();

    return aver_engine_serve(AVER_LINK_SOCKET_FD, &files, true);
}
