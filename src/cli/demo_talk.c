/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/demo.h"

#define DEMO_SEED            7
#define DEMO_TOKENS          56
#define DEMO_TOKENS_LONG     96 /* more than the 64 events of a signed head */
#define DEMO_TEMPERATURE_PPM 700000

aver_session_options aver_demo_options(const aver_demo *demo)
{
    return (aver_session_options){
        .policy = demo->policy, .platforms = demo->cli->platforms, .roots = demo->roots};
}

aver_question aver_demo_question(const aver_session *session, bool chat, bool lengthy)
{
    static const char *const prompts[2][2] = {
        {"Once upon a time, a small robot learned that a promise", "Once upon a time"},
        {"What is a receipt? Answer in one sentence.",
         "Tell a long story about a lighthouse keeper and the sea."},
    };
    return (aver_question){
        .endpoint = chat ? AVER_ENDPOINT_CHAT : AVER_ENDPOINT_COMPLETION,
        .model = session->model,
        .prompt = aver_view_text(prompts[chat ? 1 : 0][lengthy ? 1 : 0]),
        .max_tokens = lengthy ? DEMO_TOKENS_LONG : DEMO_TOKENS,
        .temperature_ppm = DEMO_TEMPERATURE_PPM,
        .seed = DEMO_SEED,
    };
}

aver_err aver_demo_capsule(const aver_demo *demo, const aver_demo_node *node, bool chat,
                           aver_buf *ret_capsule)
{
    aver_session_options options = aver_demo_options(demo);
    options.url = node->url;
    aver_session *session = NULL;
    aver_answered answered;
    aver_answered_init(&answered);
    aver_err err = aver_session_new(&options, &session);
    if (err == AVER_OK && !session->accepted) {
        err = AVER_E_PROOF;
    }
    if (err == AVER_OK) {
        aver_question question = aver_demo_question(session, chat, false);
        err = aver_session_ask(session, &question, NULL, NULL, &answered);
    }
    if (err == AVER_OK) {
        err = answered.accepted ? aver_answered_capsule(session, &answered, ret_capsule)
                                : AVER_E_PROOF;
    }
    aver_answered_deinit(&answered);
    aver_session_free(session);
    return err;
}
