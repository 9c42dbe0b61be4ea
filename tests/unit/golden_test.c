/* SPDX-License-Identifier: Apache-2.0 */
/*
 * golden: saved answers that must be judged the same way for ever. tests/golden holds, for each
 * name, NAME.capsule and NAME.verdict: "accepted" or "refused", then one line "check STATUS" each;
 * policy.json and sim-root.hex are the reader's.
 *
 * With AVER_GOLDEN_WRITE=1 in the environment the program makes those files, and the seeds of the
 * fuzz harnesses, instead: only for names that are new. A format change that alters an old verdict
 * is a break, not a reason to write.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sys.h"
#include "codec/text.h"
#include "support/forge.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { GOLDEN_PATH_BYTES_MAX = 1024, GOLDEN_CAPSULES_MIN = 9 };

/* The reader of the golden set lives in 2027: old answers stay verifiable. */
#define GOLDEN_NOW_MS (FORGE_NOW_MS + 365ull * 24 * 3600 * 1000)

static const aver_platform *const golden_platforms[] = {&aver_platform_sim, NULL};

static void golden_path(char ret_path[GOLDEN_PATH_BYTES_MAX], const char *folder, const char *name,
                        const char *suffix)
{
    const char *source = getenv("AVER_SOURCE");
    int length = snprintf(ret_path, GOLDEN_PATH_BYTES_MAX, "%s/tests/%s/%s%s",
                          source ? source : ".", folder, name, suffix);
    assert_true(length > 0 && length < GOLDEN_PATH_BYTES_MAX);
}

static void golden_read(const char *name, const char *suffix, aver_buf *ret_bytes)
{
    char path[GOLDEN_PATH_BYTES_MAX];
    golden_path(path, "golden", name, suffix);
    aver_buf_init(ret_bytes, AVER_CAPSULE_BYTES_MAX);
    if (aver_file_read(path, AVER_CAPSULE_BYTES_MAX, ret_bytes) != AVER_OK) {
        fail_msg("%s cannot be read", path);
    }
}

/* The verdict as the .verdict files have it. */
static void golden_judge(aver_view capsule, const aver_policy *policy,
                         const uint8_t root[static 32], aver_buf *out)
{
    static aver_verdict verdict;
    aver_receipt receipt;
    char why[400];
    aver_verify_context context = {.use = AVER_USE_CAPSULE,
                                   .policy = policy,
                                   .platforms = golden_platforms,
                                   .roots = {.has_sim_root = true},
                                   .now_ms = GOLDEN_NOW_MS};
    memcpy(context.roots.sim_root, root, 32);
    aver_verdict_init(&verdict);
    assert_int_equal(aver_verify_capsule(capsule, &context, &verdict, &receipt), AVER_OK);
    bool accepted = aver_policy_accepts(policy, AVER_USE_CAPSULE, &verdict, why);
    aver_buf_append_text(out, accepted ? "accepted\n" : "refused\n");
    for (const aver_check_name *name = aver_check_names(); name->name; name++) {
        const aver_check *check = aver_verdict_find(&verdict, name->name);
        if (check) {
            aver_buf_append_format(out, "%s %s\n", check->name,
                                   aver_check_status_text(check->status));
        }
    }
    assert_int_equal(aver_buf_status(out), AVER_OK);
}

typedef struct golden_reader {
    aver_policy *policy;
    uint8_t root[32];
} golden_reader;

static void golden_reader_open(golden_reader *reader)
{
    aver_buf text;
    char why[200];
    golden_read("policy", ".json", &text);
    assert_int_equal(aver_policy_parse(aver_buf_view(&text), &reader->policy, why), AVER_OK);
    aver_buf_deinit(&text);
    golden_read("sim-root", ".hex", &text);
    assert_true(text.size >= 64);
    assert_int_equal(aver_hex_decode(aver_view_make(text.data, 64), reader->root, 32), AVER_OK);
    aver_buf_deinit(&text);
}

static void golden_compare(const golden_reader *reader, const char *name)
{
    aver_buf capsule;
    aver_buf wanted;
    aver_buf found;
    aver_buf_init(&found, 65536);
    golden_read(name, ".capsule", &capsule);
    golden_read(name, ".verdict", &wanted);
    golden_judge(aver_buf_view(&capsule), reader->policy, reader->root, &found);
    /* Checks may be added; those that were made then are judged as they were then. */
    aver_buf_append_byte(&wanted, 0);
    aver_buf_append_byte(&found, 0);
    char *rest = (char *)wanted.data;
    for (char *line = strsep(&rest, "\n"); line && *line; line = strsep(&rest, "\n")) {
        const char *at = strstr((const char *)found.data, line);
        if (!at || at[strlen(line)] != '\n' || (at != (const char *)found.data && at[-1] != '\n')) {
            fail_msg("%s: \"%s\" no longer holds; now: %s", name, line, (const char *)found.data);
        }
    }
    aver_buf_deinit(&capsule);
    aver_buf_deinit(&wanted);
    aver_buf_deinit(&found);
}

static void old_answers_are_judged_as_they_always_were(void **state)
{
    (void)state;
    char path[GOLDEN_PATH_BYTES_MAX];
    golden_reader reader = {.policy = NULL};
    golden_path(path, "golden", "", "");
    DIR *folder = opendir(path);
    assert_non_null(folder);
    golden_reader_open(&reader);
    size_t count = 0;
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        char name[64];
        const char *suffix = strstr(entry->d_name, ".capsule");
        if (suffix && strcmp(suffix, ".capsule") == 0 && strlen(entry->d_name) < sizeof name) {
            (void)snprintf(name, sizeof name, "%.*s", (int)(suffix - entry->d_name), entry->d_name);
            golden_compare(&reader, name);
            count++;
        }
    }
    (void)closedir(folder);
    aver_policy_free(reader.policy);
    assert_true(count >= GOLDEN_CAPSULES_MIN);
}

static void finish_aborted(aver_receipt *receipt)
{
    receipt->finish = AVER_FINISH_ABORTED;
}

static void finish_error(aver_receipt *receipt)
{
    receipt->finish = AVER_FINISH_ERROR;
    receipt->status = 500;
}

static void model_not_allowed(aver_receipt *receipt)
{
    forge_bytes("model not allowed", receipt->model_root);
}

static void evidence_hours_old(aver_sim_statement *statement)
{
    statement->time_ms -= 2ull * 3600 * 1000;
}

static void answer_changed(aver_capsule *capsule)
{
    static uint8_t copy[65536];
    memcpy(copy, capsule->response.data, capsule->response.size);
    copy[capsule->response.size / 2] ^= 1;
    capsule->response.data = copy;
}

typedef struct golden_case {
    const char *name;
    forge_edits edits;
} golden_case;

static const golden_case golden_cases[] = {
    {"whole", {.whole = true}},
    {"stream", {.whole = false}},
    {"unsealed", {.whole = true, .unsealed = true}},
    {"stripped", {.whole = true, .stripped = true}},
    {"aborted", {.edit_receipt = finish_aborted}},
    {"error", {.whole = true, .edit_receipt = finish_error}},
    {"cut", {.cut = true}},
    {"changed", {.edit_capsule = answer_changed}},
    {"model", {.whole = true, .edit_receipt = model_not_allowed}},
    {"named", {.named = true}},
    {"choices", {.whole = true, .choices = true}},
    {"old-evidence", {.whole = true, .edit_statement = evidence_hours_old}},
};

/* Writes a file that is not there yet. */
static void golden_write(const char *folder, const char *name, const char *suffix, aver_view bytes)
{
    char path[GOLDEN_PATH_BYTES_MAX];
    struct stat info;
    golden_path(path, folder, "", "");
    if (mkdir(path, 0755) != 0) {
        assert_int_equal(stat(path, &info), 0);
    }
    golden_path(path, folder, name, suffix);
    if (stat(path, &info) != 0) {
        assert_int_equal(aver_file_write(path, bytes, 0644), AVER_OK);
    }
}

static void golden_make_case(const golden_case *made_case, const golden_reader *reader)
{
    static forge_state made;
    aver_buf verdict;
    aver_buf_init(&verdict, 65536);
    forge_init(&made);
    made.edits = made_case->edits;
    forge_build(&made);
    golden_judge(aver_buf_view(&made.capsule), reader->policy, reader->root, &verdict);
    golden_write("golden", made_case->name, ".capsule", aver_buf_view(&made.capsule));
    golden_write("golden", made_case->name, ".verdict", aver_buf_view(&verdict));
    golden_write("fuzz/corpus/capsule", made_case->name, "", aver_buf_view(&made.capsule));
    golden_write("fuzz/corpus/receipt", made_case->name, "", aver_buf_view(&made.receipt_bytes));
    forge_deinit(&made);
    aver_buf_deinit(&verdict);
}

static void golden_make_seeds(forge_state *made)
{
    aver_buf bytes;
    aver_buf_init(&bytes, AVER_CAPSULE_BYTES_MAX);
    golden_write("fuzz/corpus/keyset", "good", "", aver_buf_view(&made->keyset_bytes));
    golden_write("fuzz/corpus/bundle", "good", "", aver_buf_view(&made->bundle));
    assert_int_equal(aver_cmw_wrap_json(aver_buf_view(&made->bundle), &bytes), AVER_OK);
    golden_write("fuzz/corpus/bundle", "cmw-json", "", aver_buf_view(&bytes));
    aver_buf_clear(&bytes);
    assert_int_equal(aver_cmw_wrap_cbor(aver_buf_view(&made->bundle), &bytes), AVER_OK);
    golden_write("fuzz/corpus/bundle", "cmw-cbor", "", aver_buf_view(&bytes));
    golden_write("fuzz/corpus/receipt", "opening", "", aver_buf_view(&made->opening_bytes));
    golden_write("fuzz/corpus/receipt", "head", "", aver_buf_view(&made->head_bytes));
    golden_write("fuzz/corpus/receipt", "tokens", "", aver_buf_view(&made->tokens));
    aver_buf_clear(&bytes);
    aver_stream_put_comment(&bytes, AVER_STREAM_COMMENT_OPENING,
                            aver_buf_view(&made->opening_bytes));
    aver_buf_append_text(&bytes, "data: {\"a\":1}\n\n: ping\n\ndata: {\"b\":2}\n\n");
    aver_stream_put_comment(&bytes, AVER_STREAM_COMMENT_HEAD, aver_buf_view(&made->head_bytes));
    aver_stream_put_comment(&bytes, AVER_STREAM_COMMENT_TOKENS, aver_buf_view(&made->tokens));
    aver_stream_put_comment(&bytes, AVER_STREAM_COMMENT_RECEIPT,
                            aver_buf_view(&made->receipt_bytes));
    aver_buf_append_text(&bytes, "data: [DONE]\n\n");
    golden_write("fuzz/corpus/stream", "good", "", aver_buf_view(&bytes));
    aver_buf_clear(&bytes);
    forge_policy_text(&bytes);
    golden_write("fuzz/corpus/policy", "good", "", aver_buf_view(&bytes));
    golden_write(
        "fuzz/corpus/policy", "all", "",
        AVER_VIEW_LITERAL(
            "{\"version\":1,\"platforms\":[\"sim\",\"nitro\"],\"measurements\":[],\"models\":[],"
            "\"accept_debug\":true,\"allow_stripped\":true,\"require\":[\"nonce\","
            "[\"channel.seal\",\"channel.tls\"]],\"min_tcb\":1,\"max_receipt_age_s\":9}"));
    aver_buf_deinit(&bytes);
}

static void the_missing_files_are_made(void **state)
{
    (void)state;
    static forge_state made;
    golden_reader reader = {.policy = NULL};
    aver_buf text;
    uint8_t root[32];
    aver_buf_init(&text, 65536);
    forge_policy_text(&text);
    golden_write("golden", "policy", ".json", aver_buf_view(&text));
    aver_buf_clear(&text);
    forge_sim_root(root);
    aver_hex_append(&text, AVER_VIEW_OF(root));
    aver_buf_append_text(&text, "\n");
    golden_write("golden", "sim-root", ".hex", aver_buf_view(&text));
    aver_buf_deinit(&text);
    golden_reader_open(&reader);
    for (size_t i = 0; i < sizeof golden_cases / sizeof golden_cases[0]; i++) {
        golden_make_case(&golden_cases[i], &reader);
    }
    aver_policy_free(reader.policy);
    forge_init(&made);
    forge_build(&made);
    golden_make_seeds(&made);
    forge_deinit(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_answers_are_judged_as_they_always_were)};
    const struct CMUnitTest makers[] = {cmocka_unit_test(the_missing_files_are_made)};
    return getenv("AVER_GOLDEN_WRITE") ? cmocka_run_group_tests(makers, NULL, NULL)
                                       : cmocka_run_group_tests(tests, NULL, NULL);
}
