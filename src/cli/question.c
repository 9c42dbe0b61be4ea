/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/question.h"

#include "cli/answer.h"
#include "codec/json.h"
#include "codec/text.h"

static void question_put_member(aver_buf *out, const char *name, aver_view text)
{
    aver_buf_append_format(out, ",\"%s\":", name);
    aver_json_append_string(out, text);
}

static void question_put_message(aver_buf *out, const char *role, aver_view content)
{
    aver_buf_append_format(out, "{\"role\":\"%s\"", role);
    question_put_member(out, "content", content);
    aver_buf_append_text(out, "}");
}

static void question_put_text(aver_buf *out, const aver_question *question)
{
    if (question->endpoint == AVER_ENDPOINT_COMPLETION) {
        question_put_member(out, "prompt", question->prompt);
        return;
    }
    aver_buf_append_text(out, ",\"messages\":[");
    if (question->system != NULL) {
        question_put_message(out, "system", aver_view_text(question->system));
        aver_buf_append_text(out, ",");
    }
    question_put_message(out, "user", question->prompt);
    aver_buf_append_text(out, "]");
}

static void question_put_hex(aver_buf *out, const char *name, const uint8_t bytes[32])
{
    aver_buf_append_format(out, ",\"%s\":\"", name);
    aver_hex_append(out, aver_view_make(bytes, 32));
    aver_buf_append_text(out, "\"");
}

aver_err aver_question_encode(const aver_question *question, const aver_question_claims *claims,
                              aver_buf *ret_body)
{
    aver_view system = aver_view_text(question->system);
    if (!aver_utf8_valid(question->prompt) || !aver_utf8_valid(system) ||
        !aver_utf8_valid(aver_view_text(question->model))) {
        return AVER_E_FORMAT;
    }
    aver_buf body;
    aver_buf_init(&body, AVER_QUESTION_BODY_BYTES_MAX);
    aver_buf_append_text(&body, "{\"model\":");
    aver_json_append_string(&body, aver_view_text(question->model));
    question_put_text(&body, question);
    aver_buf_append_format(&body, ",\"max_tokens\":%u,\"temperature\":%u.%06u,\"seed\":%llu",
                           question->max_tokens, question->temperature_ppm / 1000000,
                           question->temperature_ppm % 1000000, (unsigned long long)question->seed);
    aver_buf_append_text(&body, ",\"stream\":true,\"stream_options\":{\"include_usage\":true}");
    aver_buf_append_format(&body, ",\"aver\":{\"method\":\"POST\",\"path\":\"%s\"",
                           aver_answer_path(question->endpoint));
    question_put_hex(&body, "keyset", claims->keyset_digest);
    question_put_hex(&body, "evidence", claims->evidence_digest);
    question_put_hex(&body, "nonce", claims->nonce);
    aver_buf_append_format(&body, ",\"deadline_ms\":%llu}}",
                           (unsigned long long)claims->deadline_ms);
    aver_err err = aver_buf_status(&body);
    if (err == AVER_OK) {
        aver_buf_append(ret_body, aver_buf_view(&body));
        err = aver_buf_status(ret_body);
    }
    aver_buf_wipe(&body);
    aver_buf_deinit(&body);
    return err;
}
