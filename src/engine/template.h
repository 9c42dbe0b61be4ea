/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_TEMPLATE_H
#define AVER_ENGINE_TEMPLATE_H

/*
 * template: a model's Jinja chat template, run by llama.cpp's own Jinja engine behind a C face. No
 * exception leaves it.
 *
 * Deterministic: the template sees messages, tools (where there are any), bos_token, eos_token and
 * add_generation_prompt (true), and its clock stands still at AVER_TEMPLATE_CLOCK, so that node and
 * re-checker render the same bytes. The result tells which bytes came from the callers (input) and
 * which from the template, so that text of a message can never act as a control token; values that
 * a template writes as JSON lose that mark (prompt.c finds them by other means).
 */

#include <jansson.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AVER_TEMPLATE_WHY_BYTES 160
/* 26 July 2024, 00:00 UTC: what strftime_now tells every template, in seconds since 1970. */
#define AVER_TEMPLATE_CLOCK 1721952000

typedef struct aver_template aver_template;

/* What a template was seen to make of messages and tools. */
typedef struct aver_template_abilities {
    bool tools;            /* it shows tools to the model, and the calls of former turns */
    bool object_arguments; /* arguments of calls as an object, not as JSON text */
    bool system;           /* it knows the role system */
    bool typed_content;    /* contents as parts only, not as a string */
} aver_template_abilities;

typedef struct aver_template_part {
    const char *text;
    size_t size;
    bool input;
} aver_template_part;

/* Receives the parts in order; they live until it returns. */
typedef void aver_template_part_fn(const aver_template_part *part, void *context);

/* NULL with words in ret_why if the source is no valid template. */
aver_template *aver_template_new(const char *source, size_t size, const char *bos, const char *eos,
                                 char ret_why[AVER_TEMPLATE_WHY_BYTES]);
void aver_template_free(aver_template *chat);
void aver_template_able(const aver_template *chat, aver_template_abilities *ret_abilities);
/*
 * messages: an array of objects as OpenAI has them, fit for the template's abilities; tools: an
 * array, or NULL. All strings in them are input but the values of role and type. False with words
 * in ret_why if the template itself refuses or fails.
 */
bool aver_template_render(const aver_template *chat, const json_t *messages, const json_t *tools,
                          aver_template_part_fn *on_part, void *context,
                          char ret_why[AVER_TEMPLATE_WHY_BYTES]);
/* Every template's range() is ours from the first call on, whoever renders it. */
void aver_template_bound(void);
/* The steps that templates run by others on this thread may take from now on. */
void aver_template_allow(size_t steps);

#ifdef __cplusplus
}
#endif

#endif
