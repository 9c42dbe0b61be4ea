/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine that breaks the protocol. It says that it is a sound one; the prompt of each job then
 * names what it does. The keeper must answer the job with an error receipt and start another
 * engine.
 */
#include "engine/link.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ROGUE_SECRET     "xyzzy-7401"
#define ROGUE_VOCABULARY 1000
#define ROGUE_CONTEXT    256

static void rogue_send(aver_view bytes)
{
    while (bytes.size > 0) {
        ssize_t sent = write(AVER_LINK_SOCKET_FD, bytes.data, bytes.size);
        if (sent <= 0) {
            return;
        }
        bytes = aver_view_slice(bytes, (size_t)sent, bytes.size - (size_t)sent);
    }
}

static void rogue_ready(void)
{
    aver_engine_info info = {.vocabulary_size = ROGUE_VOCABULARY,
                             .context_tokens = ROGUE_CONTEXT,
                             .slots = 4,
                             .profile = AVER_PROFILE_VERIFIED};
    aver_buf out;

    (void)snprintf(info.executor, sizeof(info.executor), "rogue/1");
    (void)snprintf(info.description, sizeof(info.description),
                   "an engine that breaks the protocol");
    (void)snprintf(info.kv_type, sizeof(info.kv_type), "q8_0");
    aver_buf_init(&out, 65536);
    aver_link_put_ready(&out, &info);
    rogue_send(aver_buf_view(&out));
    aver_buf_deinit(&out);
}

static void rogue_failed(const char *why)
{
    aver_buf out;

    aver_buf_init(&out, 65536);
    aver_link_put_failed(&out, why);
    rogue_send(aver_buf_view(&out));
    aver_buf_deinit(&out);
}

/* Tells the host a secret over every descriptor that is not the socket. */
static void rogue_talk(void)
{
    static const char words[] = "the prompt was: " ROGUE_SECRET "\n";

    for (int fd = 0; fd < 64; fd++) {
        if (fd != AVER_LINK_SOCKET_FD && write(fd, words, sizeof(words) - 1) < 0) {
            continue;
        }
    }
}

static void rogue_event(const aver_event *event)
{
    aver_buf events, out;

    aver_buf_init(&events, 1 << 20);
    aver_buf_init(&out, 1 << 20);
    aver_link_put_event(&events, event);
    aver_link_put_events(&out, 1, aver_buf_view(&events));
    rogue_send(aver_buf_view(&out));
    aver_buf_deinit(&events);
    aver_buf_deinit(&out);
}

static void rogue_nothing(void)
{
    aver_buf out;

    aver_buf_init(&out, 64);
    aver_link_put_events(&out, 0, (aver_view){NULL, 0});
    rogue_send(aver_buf_view(&out));
    aver_buf_deinit(&out);
}

static void rogue_started(uint64_t job_id, const int32_t *ids, size_t count)
{
    rogue_event(&(aver_event){
        .kind = AVER_EVENT_STARTED, .job_id = job_id, .prompt_ids = ids, .prompt_count = count});
}

static void rogue_token(uint64_t job_id, int32_t token, aver_view text)
{
    rogue_event(
        &(aver_event){.kind = AVER_EVENT_TOKEN, .job_id = job_id, .token = token, .text = text});
}

static void rogue_choice(uint64_t job_id, uint32_t choice, aver_finish finish, uint32_t count)
{
    rogue_event(&(aver_event){.kind = AVER_EVENT_CHOICE,
                              .job_id = job_id,
                              .choice = choice,
                              .finish = finish,
                              .generated_count = count});
}

static void rogue_done(uint64_t job_id, aver_finish finish, uint32_t count, bool digest)
{
    rogue_event(&(aver_event){.kind = AVER_EVENT_DONE,
                              .job_id = job_id,
                              .finish = finish,
                              .generated_count = count,
                              .has_step_digest = digest});
}

/* Ends of a choice that are none. */
static void rogue_ends(uint64_t job_id, const char *deed)
{
    rogue_token(job_id, 5, AVER_VIEW_LITERAL("x"));
    if (strcmp(deed, "done before its choice") == 0) {
        rogue_done(job_id, AVER_FINISH_STOP, 1, true);
    } else if (strcmp(deed, "choice never asked for") == 0) {
        rogue_choice(job_id, 1, AVER_FINISH_STOP, 0);
    } else if (strcmp(deed, "token of another choice") == 0) {
        rogue_event(
            &(aver_event){.kind = AVER_EVENT_TOKEN, .job_id = job_id, .choice = 1, .token = 5});
    } else if (strcmp(deed, "choice ended twice") == 0) {
        rogue_choice(job_id, 0, AVER_FINISH_STOP, 1);
        rogue_choice(job_id, 0, AVER_FINISH_STOP, 1);
    } else if (strcmp(deed, "token after its choice") == 0) {
        rogue_choice(job_id, 0, AVER_FINISH_STOP, 1);
        rogue_token(job_id, 5, AVER_VIEW_LITERAL("x"));
    } else if (strcmp(deed, "choice that was aborted") == 0) {
        rogue_choice(job_id, 0, AVER_FINISH_ABORTED, 1);
    } else if (strcmp(deed, "another end than its choice") == 0) {
        rogue_choice(job_id, 0, AVER_FINISH_STOP, 1);
        rogue_done(job_id, AVER_FINISH_LENGTH, 1, true);
    }
}

/* The order and the bounds that the keeper must insist on. */
static void rogue_after_start(uint64_t job_id, const char *deed)
{
    const int32_t ids[] = {1, 2, 3};

    rogue_started(job_id, ids, 3);
    if (strcmp(deed, "events of nothing") == 0) {
        rogue_nothing();
    } else if (strcmp(deed, "token beyond the vocabulary") == 0) {
        rogue_token(job_id, ROGUE_VOCABULARY, AVER_VIEW_LITERAL("x"));
    } else if (strcmp(deed, "negative token") == 0) {
        rogue_token(job_id, -1, AVER_VIEW_LITERAL("x"));
    } else if (strcmp(deed, "text that is no UTF-8") == 0) {
        rogue_token(job_id, 5, AVER_VIEW_LITERAL("\xff\xfe"));
    } else if (strcmp(deed, "started twice") == 0) {
        rogue_started(job_id, ids, 3);
    } else if (strcmp(deed, "wrong count") == 0) {
        rogue_token(job_id, 5, AVER_VIEW_LITERAL("x"));
        rogue_choice(job_id, 0, AVER_FINISH_STOP, 7);
    } else if (strcmp(deed, "aborted unasked") == 0) {
        rogue_done(job_id, AVER_FINISH_ABORTED, 0, true);
    } else if (strcmp(deed, "more tokens than context") == 0) {
        for (unsigned i = 0; i <= ROGUE_CONTEXT; i++) {
            rogue_token(job_id, 5, AVER_VIEW_LITERAL("x"));
        }
    } else if (strcmp(deed, "no step digest") == 0) {
        rogue_token(job_id, 5, AVER_VIEW_LITERAL("x"));
        rogue_choice(job_id, 0, AVER_FINISH_STOP, 1);
        rogue_done(job_id, AVER_FINISH_STOP, 1, false);
    } else if (strcmp(deed, "good") == 0) {
        rogue_token(job_id, 5, AVER_VIEW_LITERAL("fine"));
        rogue_choice(job_id, 0, AVER_FINISH_STOP, 1);
        rogue_done(job_id, AVER_FINISH_STOP, 1, true);
    } else {
        rogue_ends(job_id, deed);
    }
}

static void rogue_job(uint64_t job_id, const char *deed)
{
    const int32_t ids[ROGUE_CONTEXT + 1] = {1};

    if (strcmp(deed, "exit") == 0) {
        _exit(0);
    } else if (strcmp(deed, "garbage") == 0) {
        rogue_send(AVER_VIEW_LITERAL("\0\0\0\5hello"));
    } else if (strcmp(deed, "huge frame") == 0) {
        rogue_send(AVER_VIEW_LITERAL("\xff\xff\xff\xff"));
    } else if (strcmp(deed, "unknown job") == 0) {
        rogue_started(job_id + 1000, ids, 1);
    } else if (strcmp(deed, "token before start") == 0) {
        rogue_token(job_id, 5, AVER_VIEW_LITERAL("x"));
    } else if (strcmp(deed, "ready twice") == 0) {
        rogue_ready();
    } else if (strcmp(deed, "failed after ready, with words") == 0) {
        rogue_failed("the prompt was: " ROGUE_SECRET);
    } else if (strcmp(deed, "talks") == 0) {
        rogue_talk();
        rogue_after_start(job_id, "good");
    } else if (strcmp(deed, "prompt beyond the context") == 0) {
        rogue_started(job_id, ids, ROGUE_CONTEXT + 1);
    } else {
        rogue_after_start(job_id, deed);
    }
}

static void rogue_frame(aver_view frame)
{
    aver_link_message message;
    char deed[128];

    if (aver_link_parse(frame, &message) != AVER_OK) {
        _exit(3);
    }
    if (message.kind == AVER_LINK_LOAD) {
        rogue_ready();
    } else if (message.kind == AVER_LINK_SUBMIT) {
        (void)snprintf(deed, sizeof(deed), "%.*s", (int)message.job.prompt.size,
                       (const char *)message.job.prompt.data);
        rogue_job(message.job_id, deed);
    }
    aver_link_message_deinit(&message);
}

int main(void)
{
    aver_buf in;
    size_t size;
    ssize_t got;

    (void)signal(SIGPIPE, SIG_IGN);
    aver_buf_init(&in, AVER_LINK_FRAME_BYTES_MAX);
    do {
        while (aver_link_frame(aver_buf_view(&in), &size) == AVER_OK && size > 0) {
            rogue_frame(aver_view_slice(aver_buf_view(&in), 0, size));
            aver_buf_consume(&in, size);
        }
        uint8_t bytes[4096];
        got = read(AVER_LINK_SOCKET_FD, bytes, sizeof(bytes));
        if (got > 0) {
            aver_buf_append(&in, aver_view_make(bytes, (size_t)got));
        }
    } while (got > 0);
    return 0;
}
