/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sys.h"
#include "cli/cli.h"
#include "cli/expect.h"
#include "cli/inputs.h"
#include "cli/manifest.h"

#include <stdlib.h>
#include <string.h>

#define VECTORS_FAMILIES_MAX    32
#define VECTORS_VALUE_BYTES_MAX (1024ul * 1024)
#define VECTORS_VALUE_COLUMNS   160

typedef struct vectors_family {
    const char *name;
    size_t passed, failed;
} vectors_family;

typedef struct vectors_run {
    aver_cli *cli;
    aver_manifest manifest;
    const char *family, *id; /* only these, or NULL */
    uint64_t now_s;
    json_t *told; /* every case, for --json; or NULL */
    vectors_family families[VECTORS_FAMILIES_MAX];
    size_t families_count;
    size_t passed, failed;
    aver_claims claims;
    aver_verdict verdict;
} vectors_run;

/* One case while it is judged. */
typedef struct vectors_case {
    aver_manifest_case loaded;
    bool judged;
    bool passed;
    aver_expect_found found;
    char why[AVER_MANIFEST_WHY_BYTES]; /* it could not be run */
    json_t *differences;
} vectors_case;

/* What speaks of the reference values, and of the measurements that they are compared with. */
static const char *const vectors_rim_checks[] = {"evidence.format", "nvidia.rim-signature",
                                                 "nvidia.rim-version", "nvidia.measurements", NULL};

/* Leaves in the verdict what can be judged without the device's certificates. */
static bool vectors_rim_holds(aver_verdict *verdict)
{
    size_t kept = 0;
    size_t passed = 0;
    size_t wanted = 0;
    for (size_t i = 0; i < verdict->count; i++) {
        for (size_t k = 0; vectors_rim_checks[k] != NULL; k++) {
            if (strcmp(verdict->checks[i].name, vectors_rim_checks[k]) == 0) {
                passed += verdict->checks[i].status == AVER_CHECK_PASS ? 1 : 0;
                verdict->checks[kept++] = verdict->checks[i];
                break;
            }
        }
    }
    while (vectors_rim_checks[wanted] != NULL) {
        wanted++;
    }
    verdict->count = kept;
    return passed == wanted;
}

static void vectors_judge(vectors_run *run, vectors_case *one)
{
    bool readable = false;
    const aver_manifest_case *loaded = &one->loaded;
    aver_verdict_init(&run->verdict);
    aver_err err =
        aver_attest_judge(loaded->family, &loaded->input, &run->verdict, &run->claims, &readable);
    if (err == AVER_OK) {
        one->found.holds =
            loaded->rim_alone
                ? vectors_rim_holds(&run->verdict)
                : aver_attest_holds(loaded->family, loaded->input.signature_only, &run->verdict);
        one->found.reason = aver_verdict_reason(&run->verdict);
        one->found.verdict = &run->verdict;
        one->found.claims = &run->claims;
        one->judged = true;
        err = aver_expect_compare(loaded->expect, &one->found, one->differences, &one->passed);
    }
    if (err != AVER_OK) {
        (void)snprintf(one->why, sizeof one->why, "%s",
                       err == AVER_E_FORMAT  ? "what the manifest expects cannot be read"
                       : err == AVER_E_USAGE ? "a root or another file of the reader's own cannot "
                                               "be read"
                                             : aver_err_text(err));
        one->passed = false;
    }
}

/* A value as one short line; the caller frees. */
static char *vectors_value(const json_t *value)
{
    aver_buf text;
    aver_buf_init(&text, VECTORS_VALUE_BYTES_MAX);
    if (value == NULL) {
        aver_buf_append_text(&text, "nothing");
    } else if (json_is_array(value) || json_is_object(value)) {
        aver_json_append(&text, value);
    } else {
        json_t *wrapped = json_pack("[O]", value);
        aver_buf whole;
        aver_buf_init(&whole, VECTORS_VALUE_BYTES_MAX);
        aver_json_append(&whole, wrapped);
        if (whole.size > 2) {
            aver_buf_append(&text, aver_view_make(whole.data + 1, whole.size - 2));
        }
        aver_buf_deinit(&whole);
        json_decref(wrapped);
    }
    size_t shown = text.size < VECTORS_VALUE_COLUMNS ? text.size : VECTORS_VALUE_COLUMNS;
    char *line = malloc(shown + 4);
    if (line != NULL) {
        memcpy(line, text.size > 0 ? (const char *)text.data : "", shown);
        memcpy(line + shown, shown < text.size ? "..." : "", shown < text.size ? 4 : 1);
    }
    aver_buf_deinit(&text);
    return line;
}

static void vectors_print_value(const aver_term *term, const char *label, const json_t *value)
{
    char *line = vectors_value(value);
    aver_term_print(term, AVER_STYLE_FAINT, "%s", label);
    aver_term_print(term, AVER_STYLE_PLAIN, "%s\n", line != NULL ? line : "");
    free(line);
}

static void vectors_print_found(const aver_term *term, const vectors_case *one)
{
    const aver_verdict *verdict = one->found.verdict;
    aver_term_print(term, AVER_STYLE_FAINT, "    found    ");
    aver_term_print(term, AVER_STYLE_PLAIN, "%s", one->found.holds ? "valid" : "invalid");
    for (size_t i = 0; i < verdict->count && !one->found.holds; i++) {
        if (verdict->checks[i].status == AVER_CHECK_FAIL) {
            aver_term_print(term, AVER_STYLE_PLAIN, ": %s: %s: %s",
                            aver_reason_text(one->found.reason), verdict->checks[i].name,
                            verdict->checks[i].detail);
            break;
        }
    }
    if (!one->found.holds && !aver_verdict_failed(verdict)) {
        aver_term_print(term, AVER_STYLE_PLAIN, ": a check that must pass was not made");
    }
    (void)fputc('\n', term->file);
}

static void vectors_print_failure(const aver_term *term, const vectors_case *one)
{
    aver_term_print(term, AVER_STYLE_BAD, "FAIL ");
    aver_term_print(term, AVER_STYLE_STRONG, "%s\n", one->loaded.id);
    if (one->why[0] != '\0') {
        aver_term_print(term, AVER_STYLE_PLAIN, "    cannot be run: %s\n", one->why);
        return;
    }
    const json_t *expect = one->loaded.expect;
    const json_t *reason = json_object_get(expect, "reason_any");
    reason = reason != NULL ? reason : json_object_get(expect, "reason");
    vectors_print_value(term, "    expected ", json_object_get(expect, "verdict"));
    if (reason != NULL) {
        vectors_print_value(term, "      class  ", reason);
    }
    vectors_print_found(term, one);
    for (size_t i = 0; i < json_array_size(one->differences); i++) {
        const json_t *entry = json_array_get(one->differences, i);
        const char *field = json_string_value(json_object_get(entry, "field"));
        if (strcmp(field, "verdict") == 0 || strcmp(field, "reason") == 0) {
            continue; /* the lines above say it */
        }
        aver_term_print(term, AVER_STYLE_ACCENT, "    %s\n", field);
        vectors_print_value(term, "      expected ", json_object_get(entry, "expected"));
        vectors_print_value(term, "      found    ", json_object_get(entry, "found"));
    }
}

/* The case as a member of --json. */
static json_t *vectors_told(const vectors_case *one)
{
    json_t *told = json_pack("{s:s,s:s,s:b}", "id", one->loaded.id, "family",
                             one->loaded.family_name, "passed", (int)one->passed);
    if (told != NULL && one->why[0] != '\0') {
        (void)json_object_set_new(told, "cannot_be_run", json_string(one->why));
    }
    if (told == NULL || !one->judged) {
        return told;
    }
    json_t *checks = json_array();
    const aver_verdict *verdict = one->found.verdict;
    for (size_t i = 0; i < verdict->count; i++) {
        const aver_check *check = &verdict->checks[i];
        (void)json_array_append_new(
            checks, json_pack("{s:s,s:s,s:s,s:s}", "name", check->name, "status",
                              aver_check_status_text(check->status), "reason",
                              aver_reason_text(check->reason), "detail", check->detail));
    }
    (void)json_object_set_new(told, "verdict", json_string(one->found.holds ? "valid" : "invalid"));
    (void)json_object_set_new(told, "reason", json_string(aver_reason_text(one->found.reason)));
    (void)json_object_set_new(told, "checks", checks);
    (void)json_object_set(told, "differences", one->differences);
    return told;
}

static void vectors_count(vectors_run *run, const char *family, bool passed)
{
    size_t i = 0;
    while (i < run->families_count && strcmp(run->families[i].name, family) != 0) {
        i++;
    }
    if (i == run->families_count && i < VECTORS_FAMILIES_MAX) {
        run->families[run->families_count++] = (vectors_family){.name = family};
    }
    if (i < run->families_count) {
        run->families[i].passed += passed ? 1 : 0;
        run->families[i].failed += passed ? 0 : 1;
    }
    run->passed += passed ? 1 : 0;
    run->failed += passed ? 0 : 1;
}

static aver_exit vectors_case_run(vectors_run *run, size_t index)
{
    vectors_case one = {.differences = json_array()};
    if (one.differences == NULL) {
        return aver_cli_fail_err(run->cli, AVER_E_NOMEM, "vectors");
    }
    aver_err err = aver_manifest_load(&run->manifest, index, run->now_s, &one.loaded, one.why);
    if (err == AVER_OK) {
        vectors_judge(run, &one);
    }
    vectors_count(run, one.loaded.family_name, one.passed);
    if (run->told != NULL) {
        (void)json_array_append_new(run->told, vectors_told(&one));
    } else if (!one.passed) {
        vectors_print_failure(&run->cli->out, &one);
    }
    if (err == AVER_OK) {
        aver_manifest_unload(&one.loaded);
    }
    json_decref(one.differences);
    return AVER_EXIT_DONE;
}

static bool vectors_chosen(const vectors_run *run, size_t index)
{
    return (run->family == NULL ||
            strcmp(aver_manifest_family(&run->manifest, index), run->family) == 0) &&
           (run->id == NULL || strcmp(aver_manifest_id(&run->manifest, index), run->id) == 0);
}

static aver_exit vectors_summary_json(const vectors_run *run)
{
    aver_buf out;
    aver_buf_init(&out, 256ul * 1024 * 1024);
    json_t *all = json_pack("{s:O,s:I,s:I}", "cases", run->told, "passed", (json_int_t)run->passed,
                            "failed", (json_int_t)run->failed);
    aver_json_append_ordered(&out, all);
    aver_buf_append_byte(&out, '\n');
    json_decref(all);
    aver_exit code = aver_buf_status(&out) == AVER_OK && all != NULL
                         ? aver_inputs_write(run->cli, "-", aver_buf_view(&out))
                         : aver_cli_fail_err(run->cli, AVER_E_NOMEM, "vectors");
    aver_buf_deinit(&out);
    return code;
}

static void vectors_summary(const vectors_run *run)
{
    for (size_t i = 0; i < run->families_count; i++) {
        const vectors_family *family = &run->families[i];
        aver_term_print(&run->cli->out, AVER_STYLE_FAINT, "%-12s %zu of %zu\n", family->name,
                        family->passed, family->passed + family->failed);
    }
    aver_term_print(&run->cli->out, run->failed == 0 ? AVER_STYLE_GOOD : AVER_STYLE_BAD,
                    "%zu passed, %zu failed", run->passed, run->failed);
    (void)fputc('\n', run->cli->out.file);
}

static aver_exit vectors_all(vectors_run *run)
{
    aver_exit code = AVER_EXIT_DONE;
    for (size_t i = 0; i < aver_manifest_count(&run->manifest) && code == AVER_EXIT_DONE; i++) {
        if (vectors_chosen(run, i)) {
            code = vectors_case_run(run, i);
        }
    }
    if (code == AVER_EXIT_DONE && run->passed + run->failed == 0) {
        return aver_cli_fail(run->cli, AVER_EXIT_USAGE, "the manifest has no such case");
    }
    if (code == AVER_EXIT_DONE && run->told != NULL) {
        code = vectors_summary_json(run);
    } else if (code == AVER_EXIT_DONE) {
        vectors_summary(run);
    }
    return code == AVER_EXIT_DONE && run->failed > 0 ? AVER_EXIT_REFUSED : code;
}

static aver_exit vectors_command(aver_cli *cli, const aver_args *args)
{
    vectors_run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return aver_cli_fail_err(cli, AVER_E_NOMEM, "vectors");
    }
    run->cli = cli;
    run->family = aver_args_get(args, "family");
    run->id = aver_args_get(args, "case");
    run->now_s = aver_time_wall_ms() / 1000;
    run->told = aver_args_has(args, "json") ? json_array() : NULL;
    aver_exit code = aver_manifest_open(cli, args->operands[0], &run->manifest);
    if (code == AVER_EXIT_DONE) {
        code = vectors_all(run);
        aver_manifest_close(&run->manifest);
    }
    json_decref(run->told);
    free(run);
    return code;
}

static const aver_option vectors_options[] = {
    {"family", 0, "NAME",
     "only cases of this family: nitro, sgx, tdx, snp, nvidia, azure, cca ..."},
    {"case", 0, "ID", "only the case of this id"},
    {"json", 0, NULL, "one JSON document: every case with its checks and differences"},
    {NULL, 0, NULL, NULL},
};

const aver_command aver_command_vectors = {
    .name = "vectors",
    .operands = "MANIFEST.json",
    .summary = "judge a folder of evidence and compare with what each piece must give",
    .options = vectors_options,
    .notes =
        "A case passes if verdict, class and every expected field are as the manifest says; one\n"
        "with \"optional\" may have either verdict. Files lie in the manifest's folder. What this\n"
        "program does not know in a case makes it fail. The last line is N passed, M failed.\n",
    .operands_min = 1,
    .operands_max = 1,
    .run = vectors_command,
};
