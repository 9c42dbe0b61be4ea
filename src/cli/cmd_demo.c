/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sys.h"
#include "cli/demo.h"
#include "cli/inputs.h"
#include "cli/review.h"
#include "cli/show.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

double aver_demo_clock(void)
{
    static uint64_t start;
    uint64_t now = aver_time_monotonic_ns();
    if (start == 0) {
        start = now;
    }
    return (double)(now - start) / 1e9;
}

static void demo_heading(const aver_demo *demo, const char *text)
{
    aver_term_print(demo->term, AVER_STYLE_STRONG, "\n%s", text);
    aver_term_print(demo->term, AVER_STYLE_FAINT, "  %.1f s\n", aver_demo_clock());
    (void)fflush(demo->term->file);
}

static void demo_banner(const aver_demo *demo)
{
    aver_term_print(demo->term, AVER_STYLE_STRONG, "aver demo");
    aver_term_print(
        demo->term, AVER_STYLE_PLAIN,
        ": a model answers, and the answer is checked. Everything stays on this machine.\n");
    aver_term_print(
        demo->term, AVER_STYLE_WARN,
        "SIMULATED hardware: what you see is the protocol at work; it proves nothing about "
        "this machine.\n");
}

/* Why a node did not start: the last of its log. */
static void demo_show_log(const aver_demo *demo, const char *path)
{
    aver_buf text;
    aver_buf_init(&text, 1024 * 1024);
    if (aver_file_read(path, 1024 * 1024, &text) == AVER_OK) {
        size_t start = text.size > 1500 ? text.size - 1500 : 0;
        aver_term_text(&demo->cli->err, aver_view_make(text.data + start, text.size - start));
    }
    aver_buf_deinit(&text);
}

static bool demo_start(aver_demo *demo)
{
    (void)snprintf(demo->model_name, sizeof demo->model_name, "%s", demo->chat ? "chat" : "story");
    aver_demo_node_options options = {
        .program = demo->program,
        .model = demo->model,
        .model_name = demo->model_name,
        .profile = "verified",
        .key = demo->key,
        .dir = demo->dir,
        .tag = "node",
    };
    demo->verified = true;
    aver_err err = aver_demo_node_start(&options, &demo->node);
    if (err == AVER_E_PEER) {
        demo->verified = false;
        options.profile = "fast";
        err = aver_demo_node_start(&options, &demo->node);
    }
    if (err != AVER_OK) {
        demo_show_log(demo, demo->node.log);
        (void)aver_cli_fail_err(demo->cli, err, "the node did not start");
        return false;
    }
    aver_term_print(demo->term, AVER_STYLE_PLAIN, "  serves    %s, profile %s\n", demo->node.url,
                    options.profile);
    return true;
}

static bool demo_connect(aver_demo *demo)
{
    aver_session_options options = aver_demo_options(demo);
    options.url = demo->node.url;
    aver_err err = aver_session_new(&options, &demo->session);
    if (err != AVER_OK) {
        (void)aver_cli_fail(demo->cli, AVER_EXIT_IO, "the node cannot be judged: %s",
                            demo->session != NULL ? demo->session->remote.why : aver_err_text(err));
        return false;
    }
    aver_show_line(demo->term, &demo->session->verdict, demo->session->accepted, demo->session->why,
                   demo->session->model_root, demo->session->judged.bundle.platform);
    if (!demo->session->accepted) {
        aver_show_checks(demo->term, &demo->session->verdict);
    }
    return demo->session->accepted;
}

typedef struct demo_stream {
    const aver_term *term;
    unsigned column;
} demo_stream;

static void demo_on_text(aver_view text, void *context)
{
    demo_stream *stream = context;
    aver_term_wrap(stream->term, text, 4, AVER_SHOW_COLUMNS - 4, &stream->column);
    (void)fflush(stream->term->file);
}

static bool demo_ask(aver_demo *demo)
{
    aver_question question = aver_demo_question(demo->session, demo->chat, false);
    demo_stream stream = {.term = demo->term};
    aver_term_print(demo->term, AVER_STYLE_ACCENT, "  > %.*s\n", (int)question.prompt.size,
                    (const char *)question.prompt.data);
    aver_err err =
        aver_session_ask(demo->session, &question, demo_on_text, &stream, &demo->answered);
    (void)fputc('\n', demo->term->file);
    if (err != AVER_OK) {
        (void)aver_cli_fail(demo->cli, AVER_EXIT_IO, "the node did not answer: %s",
                            aver_client_why(demo->session->remote.client));
        return false;
    }
    const aver_receipt *fields = &demo->answered.fields;
    aver_term_print(demo->term, AVER_STYLE_FAINT,
                    "    %llu tokens in %.1f s, at most %u asked for\n",
                    (unsigned long long)fields->generated_tokens, (double)fields->duration_us / 1e6,
                    question.max_tokens);
    return true;
}

static bool demo_verify(aver_demo *demo)
{
    char path[AVER_DEMO_PATH_MAX + 32];
    aver_show_checks(demo->term, &demo->answered.verdict);
    aver_show_line(demo->term, &demo->answered.verdict, demo->answered.accepted, demo->answered.why,
                   demo->session->model_root, demo->session->judged.bundle.platform);
    (void)snprintf(path, sizeof path, "%s/demo.capsule", demo->dir);
    aver_err err = aver_answered_capsule(demo->session, &demo->answered, &demo->capsule);
    if (err == AVER_OK) {
        err = aver_file_write(path, aver_buf_view(&demo->capsule), 0644);
    }
    if (err != AVER_OK) {
        (void)aver_cli_fail_err(demo->cli, err, "the answer cannot be saved");
    }
    return err == AVER_OK && demo->answered.accepted;
}

/* The good answer computed again; a model outside the deterministic class is said to be so. */
static bool demo_recheck(aver_demo *demo)
{
    if (!demo->verified) {
        aver_term_print(demo->term, AVER_STYLE_WARN,
                        "  left out: this model is outside the deterministic class\n");
        return true;
    }
    aver_review_options options = {.capsule = aver_buf_view(&demo->capsule),
                                   .model_path = demo->model};
    aver_review review = {0};
    aver_err err = aver_review_run(&options, &review);
    bool same = err == AVER_OK && review.judged && review.result.outcome == AVER_RECHECK_SAME;
    if (same) {
        aver_term_print(demo->term, AVER_STYLE_GOOD, "  same digest");
        aver_term_print(demo->term, AVER_STYLE_PLAIN,
                        ": %llu prompt and %llu generated tokens, computed again bit for bit\n",
                        (unsigned long long)review.prompt_tokens,
                        (unsigned long long)review.generated_tokens);
    } else {
        (void)aver_cli_fail(demo->cli, AVER_EXIT_REFUSED, "the good answer was not found again: %s",
                            err != AVER_OK  ? aver_err_text(err)
                            : review.judged ? review.result.detail
                                            : review.why);
    }
    return same;
}

static aver_exit demo_summary(const aver_demo *demo, bool good)
{
    size_t refused = 0;
    for (size_t i = 0; i < demo->rows_count; i++) {
        refused += demo->rows[i].refused ? 1 : 0;
    }
    bool all = good && refused == demo->rows_count;
    (void)fputc('\n', demo->term->file);
    aver_show_limits(demo->term);
    aver_term_print(demo->term, AVER_STYLE_WARN,
                    "  - SIMULATED: no hardware took part in any of this.\n\n");
    aver_term_print(demo->term, all ? AVER_STYLE_GOOD : AVER_STYLE_BAD, "%s",
                    all ? "As it should be" : "NOT as it should be");
    aver_term_print(
        demo->term, AVER_STYLE_PLAIN,
        ": 1 answer %s, %zu of %zu tricks refused by the check that should, in %.0f s.\n",
        good ? "verified" : "NOT verified", refused, demo->rows_count, aver_demo_clock());
    return all ? AVER_EXIT_DONE : AVER_EXIT_REFUSED;
}

/* Everything between the banner and the summary; *ret_good: the good answer was found good. */
static aver_exit demo_play(aver_demo *demo, const aver_args *args)
{
    demo_heading(demo, "1. Measure the program and the model here, and write the policy");
    if (!aver_demo_choose(demo, aver_args_get(args, "model"), aver_args_get(args, "node")) ||
        !aver_demo_prepare(demo, aver_args_get(args, "keep"))) {
        return AVER_EXIT_IO;
    }
    demo_heading(demo, "2. Start the node");
    if (!demo_start(demo)) {
        return AVER_EXIT_IO;
    }
    demo_heading(demo, "3. Judge the node before it learns anything");
    if (!demo_connect(demo)) {
        return AVER_EXIT_REFUSED;
    }
    demo_heading(demo, "4. Ask, sealed to the verified key");
    if (!demo_ask(demo)) {
        return AVER_EXIT_IO;
    }
    demo_heading(demo, "5. Verify the receipt, check by check");
    bool good = demo_verify(demo);
    demo_heading(demo, "6. Compute the answer again");
    good = good && demo_recheck(demo);
    if (!good) {
        return demo_summary(demo, false);
    }
    demo_heading(demo, "7. Try what should be refused");
    aver_demo_board(demo);
    return demo_summary(demo, true);
}

/* Waits for Ctrl-C: nodes end with this process, the folder is removed. */
static void *demo_wait_signal(void *context)
{
    aver_demo *demo = context;
    sigset_t signals;
    int number = 0;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    if (sigwait(&signals, &number) == 0) {
        aver_demo_clean(demo, demo->keep);
        _exit(128 + number);
    }
    return NULL;
}

static void demo_watch_signals(aver_demo *demo)
{
    pthread_t thread;
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    if (pthread_sigmask(SIG_BLOCK, &signals, NULL) == 0 &&
        pthread_create(&thread, NULL, demo_wait_signal, demo) == 0) {
        (void)pthread_detach(thread);
    }
}

static aver_exit demo_run(aver_cli *cli, const aver_args *args)
{
    /* The thread that waits for signals borrows it to the end of the process. */
    static aver_demo storage;
    aver_demo *demo = &storage;
    if (aver_args_has(args, "no-colour")) {
        cli->out.colour = false;
        cli->err.colour = false;
    }
    demo->cli = cli;
    demo->term = &cli->out;
    aver_buf_init(&demo->capsule, AVER_CAPSULE_BYTES_MAX);
    aver_answered_init(&demo->answered);
    (void)aver_demo_clock();
    demo->keep = aver_args_has(args, "keep");
    demo_watch_signals(demo);
    demo_banner(demo);
    aver_exit code = demo_play(demo, args);
    aver_demo_node_stop(&demo->node);
    aver_demo_clean(demo, demo->keep);
    if (demo->keep) {
        aver_term_print(demo->term, AVER_STYLE_PLAIN, "Kept in %s: policy, key, capsule, logs.\n",
                        demo->dir);
    }
    aver_session_free(demo->session);
    aver_answered_deinit(&demo->answered);
    aver_policy_free(demo->policy);
    aver_buf_deinit(&demo->capsule);
    return code;
}

static const aver_option demo_options[] = {
    {"model", 'm', "FILE", "the model (default: AVER_MODEL, else the best that set-up made)"},
    {"node", 0, "PROGRAM", "the node's program (default: aver-node-sim beside this one)"},
    {"keep", 0, "DIR", "work in DIR and leave everything there"},
    {"no-colour", 0, NULL, "no colour, also on a terminal"},
    {NULL, 0, NULL, NULL},
};

const aver_command aver_command_demo = {
    .name = "demo",
    .operands = "",
    .summary = "see it all once: a node, an answer, its checks, and what is refused",
    .options = demo_options,
    .notes = "Exit 0 only if the good answer was accepted and every trick was refused by exactly "
             "the check\n"
             "that should refuse it. The hardware is SIMULATED and proves nothing.\n",
    .run = demo_run,
};
