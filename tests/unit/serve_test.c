/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/model.h"
#include "engine/link.h"
#include "model/weights.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define IDS_MAX 1024
#define WAIT_MS 60000

static aver_weights stories;

typedef struct peer {
    pid_t pid;
    int fd;
    aver_buf in;
    size_t consumed; /* of in, by the frame handed out last */
} peer;

static void peer_start(peer *self)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    self->pid = fork();
    assert_true(self->pid >= 0);
    if (self->pid == 0) {
        (void)close(fds[0]);
        const aver_engine_files files = {.weights_fd = stories.fd};
        _exit(aver_engine_serve(fds[1], &files, true));
    }
    (void)close(fds[1]);
    self->fd = fds[0];
    self->consumed = 0;
    aver_buf_init(&self->in, (size_t)AVER_LINK_FRAME_BYTES_MAX * 2);
}

static void peer_send(peer *self, aver_view bytes)
{
    size_t done = 0;
    while (done < bytes.size) {
        ssize_t put = write(self->fd, bytes.data + done, bytes.size - done);
        assert_true(put > 0);
        done += (size_t)put;
    }
}

/* The next message; its views live until the next call. False when the engine closed the socket. */
static bool peer_read(peer *self, aver_link_message *ret_message)
{
    aver_buf_consume(&self->in, self->consumed);
    self->consumed = 0;
    for (;;) {
        uint8_t bytes[4096];
        size_t size = 0;
        struct pollfd poll_fd = {.fd = self->fd, .events = POLLIN};
        assert_int_equal(aver_link_frame(aver_buf_view(&self->in), &size), AVER_OK);
        if (size != 0) {
            self->consumed = size;
            assert_int_equal(aver_link_parse(aver_view_make(self->in.data, size), ret_message),
                             AVER_OK);
            return true;
        }
        assert_int_equal(poll(&poll_fd, 1, WAIT_MS), 1);
        ssize_t got = read(self->fd, bytes, sizeof(bytes));
        if (got <= 0) {
            return false;
        }
        aver_buf_append(&self->in, aver_view_make(bytes, (size_t)got));
    }
}

static int peer_end(peer *self)
{
    int status = 0;
    (void)close(self->fd);
    assert_int_equal(waitpid(self->pid, &status, 0), self->pid);
    aver_buf_deinit(&self->in);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void send_load(peer *self, uint32_t slots, uint32_t batch_tokens)
{
    aver_buf frame;
    const aver_engine_options options = {.profile = AVER_PROFILE_VERIFIED,
                                         .slots = slots,
                                         .batch_tokens = batch_tokens,
                                         .threads = 1};
    aver_buf_init(&frame, 4096);
    aver_link_put_load(&frame, &options);
    peer_send(self, aver_buf_view(&frame));
    aver_buf_deinit(&frame);
}

static void send_job(peer *self, uint64_t id, const char *body)
{
    aver_job job;
    aver_job_refusal refusal;
    aver_buf frame;
    aver_buf_init(&frame, 1 << 22);
    assert_int_equal(aver_job_parse(aver_view_text(body), AVER_ENDPOINT_COMPLETION, &job, &refusal),
                     AVER_OK);
    aver_link_put_submit(&frame, id, &job);
    peer_send(self, aver_buf_view(&frame));
    aver_job_deinit(&job);
    aver_buf_deinit(&frame);
}

static void peer_ready(peer *self, uint32_t slots)
{
    aver_link_message message;
    peer_start(self);
    send_load(self, slots, 0);
    assert_true(peer_read(self, &message));
    assert_int_equal(message.kind, AVER_LINK_READY);
    assert_int_equal(message.info.profile, AVER_PROFILE_VERIFIED);
    assert_int_equal(message.info.slots, slots);
}

typedef struct seen {
    unsigned started, tokens, done, refused;
    aver_finish finish;
} seen;

/* Reads events until this many jobs have ended. */
static void peer_follow(peer *self, seen *jobs, unsigned ends)
{
    while (ends > 0) {
        aver_link_message message;
        bool more = true;
        assert_true(peer_read(self, &message));
        assert_int_equal(message.kind, AVER_LINK_EVENTS);
        while (more) {
            int32_t ids[IDS_MAX];
            aver_link_room room = {.ids = ids, .ids_max = IDS_MAX};
            aver_event event;
            assert_int_equal(aver_link_event_next(&message.events, &more, &event, &room), AVER_OK);
            if (!more) {
                break;
            }
            seen *job = &jobs[event.job_id];
            job->started += event.kind == AVER_EVENT_STARTED;
            job->tokens += event.kind == AVER_EVENT_TOKEN;
            job->refused += event.kind == AVER_EVENT_REFUSED;
            job->done += event.kind == AVER_EVENT_DONE;
            job->finish = event.kind == AVER_EVENT_DONE ? event.finish : job->finish;
            ends -= event.kind == AVER_EVENT_DONE || event.kind == AVER_EVENT_REFUSED;
        }
    }
}

static void a_confined_engine_answers_several_jobs(void **state)
{
    (void)state;
    peer engine;
    seen jobs[4] = {0};
    peer_ready(&engine, 2);
    for (uint64_t i = 0; i < 4; i++) {
        send_job(&engine, i,
                 "{\"model\":\"m\",\"prompt\":\"Once upon a time\",\"max_tokens\":9,\"seed\":3}");
    }
    peer_follow(&engine, jobs, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(jobs[i].started, 1);
        assert_int_equal(jobs[i].tokens, 9);
        assert_int_equal(jobs[i].done, 1);
        assert_int_equal(jobs[i].finish, AVER_FINISH_LENGTH);
    }
    assert_int_equal(peer_end(&engine), 0);
}

static void a_cancelled_job_ends_aborted(void **state)
{
    (void)state;
    peer engine;
    seen jobs[2] = {0};
    aver_buf frame;
    aver_buf_init(&frame, 64);
    peer_ready(&engine, 1);
    send_job(&engine, 0, "{\"model\":\"m\",\"prompt\":\"Once\",\"max_tokens\":250,\"seed\":3}");
    send_job(&engine, 1, "{\"model\":\"m\",\"prompt\":\"Once\",\"max_tokens\":250,\"seed\":3}");
    aver_link_put_cancel(&frame, 1);
    aver_link_put_cancel(&frame, 0);
    aver_link_put_cancel(&frame, 77);
    peer_send(&engine, aver_buf_view(&frame));
    peer_follow(&engine, jobs, 2);
    assert_int_equal(jobs[1].finish, AVER_FINISH_ABORTED);
    assert_int_equal(jobs[1].done, 1);
    assert_int_equal(jobs[0].done, 1);
    aver_buf_deinit(&frame);
    assert_int_equal(peer_end(&engine), 0);
}

/* Ten steps read the prompt before the first token: the keeper hears of each. */
static void a_long_prompt_is_no_silence(void **state)
{
    (void)state;
    peer engine;
    aver_link_message message;
    unsigned steps = 0, tokens = 0;
    uint32_t read = 0;
    char body[1024] = "{\"model\":\"m\",\"max_tokens\":1,\"prompt\":\"";
    size_t size = strlen(body);
    for (int i = 0; i < 158; i++, size += 4) {
        memcpy(body + size, " dog", 4);
    }
    memcpy(body + size, "\"}", 3);
    peer_start(&engine);
    send_load(&engine, 1, 16);
    assert_true(peer_read(&engine, &message));
    assert_int_equal(message.kind, AVER_LINK_READY);
    send_job(&engine, 0, body);
    while (tokens == 0) {
        bool more = true;
        assert_true(peer_read(&engine, &message));
        while (more) {
            int32_t ids[IDS_MAX];
            aver_link_room room = {.ids = ids, .ids_max = IDS_MAX};
            aver_event event = {0};
            assert_int_equal(aver_link_event_next(&message.events, &more, &event, &room), AVER_OK);
            tokens += more && event.kind == AVER_EVENT_TOKEN;
            if (more && event.kind == AVER_EVENT_READ) {
                assert_in_range(event.read_count, read + 1, 160);
                read = event.read_count;
                steps++;
            }
        }
    }
    assert_in_range(steps, 8, 10);
    assert_int_equal(peer_end(&engine), 0);
}

static void a_prompt_too_long_is_refused_and_the_engine_goes_on(void **state)
{
    (void)state;
    peer engine;
    seen jobs[2] = {0};
    char body[4096] = "{\"model\":\"m\",\"prompt\":\"";
    size_t size = strlen(body);
    for (int i = 0; i < 400; i++, size += 4) {
        memcpy(body + size, " dog", 4);
    }
    memcpy(body + size, "\"}", 3);
    peer_ready(&engine, 1);
    send_job(&engine, 0, body);
    send_job(&engine, 1, "{\"model\":\"m\",\"prompt\":\"Once\",\"max_tokens\":2}");
    peer_follow(&engine, jobs, 2);
    assert_int_equal(jobs[0].refused, 1);
    assert_int_equal(jobs[1].tokens, 2);
    assert_int_equal(peer_end(&engine), 0);
}

/* A prompt that is refused; what its frame cost is paid for by steps all the same. */
static void send_long_prompt(peer *self, uint64_t id, size_t size)
{
    static const char head[] = "{\"model\":\"m\",\"prompt\":\"";
    char *body = malloc(size + sizeof(head) + 2);
    assert_non_null(body);
    memcpy(body, head, sizeof(head) - 1);
    memset(body + sizeof(head) - 1, 'x', size);
    memcpy(body + sizeof(head) - 1 + size, "\"}", 3);
    send_job(self, id, body);
    free(body);
}

/* Prompts of one step's worth each are all there while an answer is under way: it has a token more
 * before each of them is read. */
static void long_prompts_do_not_hold_answers_up(void **state)
{
    (void)state;
    enum { PROMPTS = 4, BUFFER_BYTES = 1 << 20 };
    peer engine;
    unsigned tokens = 0, refused = 0, between = 0;
    const int buffer_bytes = BUFFER_BYTES;
    seen answer = {0};
    aver_link_message message;
    peer_ready(&engine, 2);
    assert_int_equal(
        setsockopt(engine.fd, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof(buffer_bytes)), 0);
    send_job(&engine, 0,
             "{\"model\":\"m\",\"prompt\":\"Once\",\"max_tokens\":200,\"temperature\":0}");
    while (tokens == 0) {
        assert_true(peer_read(&engine, &message));
        tokens += message.events.size != 0;
    }
    assert_int_equal(kill(engine.pid, SIGSTOP), 0);
    for (uint64_t i = 1; i <= PROMPTS; i++) {
        send_long_prompt(&engine, i, 65536);
    }
    assert_int_equal(kill(engine.pid, SIGCONT), 0);
    while (refused < PROMPTS) {
        bool more = true;
        assert_true(peer_read(&engine, &message));
        while (more) {
            int32_t ids[IDS_MAX];
            aver_link_room room = {.ids = ids, .ids_max = IDS_MAX};
            aver_event event = {0};
            assert_int_equal(aver_link_event_next(&message.events, &more, &event, &room), AVER_OK);
            assert_int_not_equal(event.kind, AVER_EVENT_DONE);
            between += more && event.kind == AVER_EVENT_TOKEN && refused > 0;
            refused += more && event.kind == AVER_EVENT_REFUSED;
        }
    }
    assert_in_range(between, PROMPTS - 1, 200);
    peer_follow(&engine, &answer, 1);
    assert_int_equal(answer.done, 1);
    assert_int_equal(peer_end(&engine), 0);
}

static void a_keeper_that_breaks_the_protocol_is_left(void **state)
{
    (void)state;
    static const uint8_t bad[][8] = {
        {0, 0, 0, 0},                   /* an empty frame */
        {0xff, 0xff, 0xff, 0xff},       /* one too large */
        {0, 0, 0, 2, 0x81, 0x18},       /* not deterministic CBOR */
        {0, 0, 0, 3, 0x82, 0x03, 0x05}, /* CANCEL before LOAD */
        {0, 0, 0, 3, 0x82, 0x07, 0x05}, /* BUSY is the engine's */
    };
    static const size_t sizes[] = {4, 4, 6, 7, 7};
    for (size_t i = 0; i < 5; i++) {
        peer engine;
        aver_link_message message;
        peer_start(&engine);
        peer_send(&engine, aver_view_make(bad[i], sizes[i]));
        assert_false(peer_read(&engine, &message));
        assert_int_equal(peer_end(&engine), 2);
    }
}

static void a_second_load_is_refused(void **state)
{
    (void)state;
    peer engine;
    aver_link_message message;
    peer_ready(&engine, 1);
    send_load(&engine, 1, 0);
    assert_false(peer_read(&engine, &message));
    assert_int_equal(peer_end(&engine), 2);
}

static void weights_that_are_no_model_are_reported(void **state)
{
    (void)state;
    peer engine;
    aver_link_message message;
    int kept = stories.fd;
    char path[] = "/tmp/aver-serve-XXXXXX";
    stories.fd = mkstemp(path);
    assert_int_equal(write(stories.fd, "GGUF\3\0\0\0", 8), 8);
    peer_start(&engine);
    (void)close(stories.fd);
    stories.fd = kept;
    send_load(&engine, 1, 0);
    assert_true(peer_read(&engine, &message));
    assert_int_equal(message.kind, AVER_LINK_FAILED);
    assert_non_null(memmem(message.text.data, message.text.size, "ends too early", 14));
    assert_int_equal(peer_end(&engine), 1);
    (void)unlink(path);
}

static int stories_open(void **state)
{
    (void)state;
    char why[160];
    /* An engine that left must not end the test by a signal. */
    (void)signal(SIGPIPE, SIG_IGN);
    return aver_weights_open(model_find(MODEL_STORIES), 0, 0, &stories, why) == AVER_OK ? 0 : -1;
}

static int stories_close(void **state)
{
    (void)state;
    aver_weights_close(&stories);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_confined_engine_answers_several_jobs),
        cmocka_unit_test(a_cancelled_job_ends_aborted),
        cmocka_unit_test(a_long_prompt_is_no_silence),
        cmocka_unit_test(a_prompt_too_long_is_refused_and_the_engine_goes_on),
        cmocka_unit_test(long_prompts_do_not_hold_answers_up),
        cmocka_unit_test(a_keeper_that_breaks_the_protocol_is_left),
        cmocka_unit_test(a_second_load_is_refused),
        cmocka_unit_test(weights_that_are_no_model_are_reported),
    };
    if (model_find(MODEL_STORIES) == NULL) {
        return MODEL_SKIP_STATUS;
    }
    return cmocka_run_group_tests(tests, stories_open, stories_close);
}
