/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_TEMPLATE_H
#define AVER_ENGINE_TEMPLATE_H

/*
 * template: a model's Jinja chat template, run by llama.cpp's own Jinja engine behind a C face. No
 * exception leaves it.
 *
 * Deterministic: the template sees messages (role, content, name), bos_token, eos_token and
 * add_generation_prompt (true), and its clock stands still at AVER_TEMPLATE_CLOCK, so that node and
 * re-checker render the same bytes. The result tells which bytes came from the messages (input) and
 * which from the template, so that text of a message can never act as a control token. Role
 * developer is given as system.
 */

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

typedef struct aver_template_message {
    const char *role; /* text and size: may be any valid UTF-8 */
    const char *content;
    size_t content_size;
    const char *name; /* NULL: none */
} aver_template_message;

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
/* False with words in ret_why if the template itself refuses or fails. */
bool aver_template_render(const aver_template *chat, const aver_template_message *messages,
                          size_t count, aver_template_part_fn *on_part, void *context,
                          char ret_why[AVER_TEMPLATE_WHY_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
