/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "../support/bytes.h"

#include "base/log.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

/* Standard error goes into a file while a test logs. */
typedef struct log_capture {
    FILE *file;
    int saved;
    char text[8192];
} log_capture;

static void capture_begin(log_capture *capture)
{
    capture->file = tmpfile();
    assert_non_null(capture->file);
    capture->saved = dup(STDERR_FILENO);
    assert_true(capture->saved >= 0);
    assert_true(dup2(fileno(capture->file), STDERR_FILENO) >= 0);
}

static void capture_end(log_capture *capture)
{
    assert_true(dup2(capture->saved, STDERR_FILENO) >= 0);
    close(capture->saved);
    rewind(capture->file);
    size_t size = fread(capture->text, 1, sizeof capture->text - 1, capture->file);
    capture->text[size] = '\0';
    fclose(capture->file);
}

static void log_threshold_holds(void **state)
{
    (void)state;
    log_capture capture;
    capture_begin(&capture);
    aver_log_setup(AVER_LOG_WARN, false);
    aver_log(AVER_LOG_INFO, "test.low", "unseen");
    aver_log(AVER_LOG_WARN, "test.same", "seen %d", 7);
    aver_log_setup(AVER_LOG_SILENT, false);
    aver_log(AVER_LOG_ERROR, "test.high", "unseen");
    aver_log(AVER_LOG_SILENT, "test.silent", "unseen");
    capture_end(&capture);
    assert_non_null(strstr(capture.text, " warn test.same: seen 7\n"));
    assert_null(strstr(capture.text, "unseen"));
}

static void log_text_stays_one_line(void **state)
{
    (void)state;
    log_capture capture;
    capture_begin(&capture);
    aver_log_setup(AVER_LOG_INFO, false);
    aver_log(AVER_LOG_INFO, "test.evil", "a\nb\x1b[31m\xc2\x9b");
    capture_end(&capture);
    assert_non_null(strstr(capture.text, "a\\x0ab\\x1b[31m\\xc2\\x9b\n"));
    assert_ptr_equal(strchr(capture.text, '\n'), capture.text + strlen(capture.text) - 1);
}

static void log_json_is_json(void **state)
{
    (void)state;
    char every[256];
    for (int i = 1; i < 256; i++) {
        every[i - 1] = (char)i;
    }
    every[255] = '\0';
    log_capture capture;
    capture_begin(&capture);
    aver_log_setup(AVER_LOG_INFO, true);
    aver_log(AVER_LOG_ERROR, "test.json", "%s", every);
    capture_end(&capture);
    json_t *json = json_loads(capture.text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "level")), "error");
    assert_string_equal(json_string_value(json_object_get(json, "event")), "test.json");
    const char *detail = json_string_value(json_object_get(json, "detail"));
    assert_memory_equal(detail, every, 126);
    assert_int_equal(strlen(json_string_value(json_object_get(json, "ts"))), 24);
    json_decref(json);
}

static void log_cuts_long_details_and_keeps_errno(void **state)
{
    (void)state;
    char text[4000];
    memset(text, '\n', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_capture capture;
    capture_begin(&capture);
    aver_log_setup(AVER_LOG_INFO, true);
    errno = EDOM;
    aver_log(AVER_LOG_INFO, "test.long", "%s", text);
    assert_int_equal(errno, EDOM);
    capture_end(&capture);
    json_t *json = json_loads(capture.text, 0, NULL);
    assert_non_null(json);
    assert_int_equal(json_string_length(json_object_get(json, "detail")), 512);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_threshold_holds),
        cmocka_unit_test(log_text_stays_one_line),
        cmocka_unit_test(log_json_is_json),
        cmocka_unit_test(log_cuts_long_details_and_keeps_errno),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
