/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attest/dcap.h"

#include <stdlib.h>

static bool tcb_reads(const char *text)
{
    static aver_dcap_tcb tcb;
    char why[AVER_DCAP_WHY_BYTES] = "";
    tcb = (aver_dcap_tcb){0};
    aver_err err = aver_dcap_tcb_read(aver_view_text(text), &tcb, why);
    assert_true(err == AVER_OK || (err == AVER_E_FORMAT && why[0] != '\0'));
    free(tcb.text);
    return err == AVER_OK;
}

#define TCB_HEAD                                                                                   \
    "\"version\":2,\"issueDate\":\"2025-01-01T00:00:00Z\","                                        \
    "\"nextUpdate\":\"2025-02-01T00:00:00Z\",\"fmspc\":\"00906EA10000\",\"pceId\":\"0000\","       \
    "\"tcbType\":0,\"tcbEvaluationDataNumber\":7,"
#define TCB_SVNS                                                                                   \
    "\"sgxtcbcomp01svn\":1,\"sgxtcbcomp02svn\":1,\"sgxtcbcomp03svn\":1,\"sgxtcbcomp04svn\":1,"     \
    "\"sgxtcbcomp05svn\":1,\"sgxtcbcomp06svn\":1,\"sgxtcbcomp07svn\":1,\"sgxtcbcomp08svn\":1,"     \
    "\"sgxtcbcomp09svn\":1,\"sgxtcbcomp10svn\":1,\"sgxtcbcomp11svn\":1,\"sgxtcbcomp12svn\":1,"     \
    "\"sgxtcbcomp13svn\":1,\"sgxtcbcomp14svn\":1,\"sgxtcbcomp15svn\":1,"
#define TCB_LEVEL(svn, more)                                                                       \
    "{\"tcb\":{" TCB_SVNS "\"sgxtcbcomp16svn\":" svn ",\"pcesvn\":7" more "},"                     \
    "\"tcbDate\":\"2025-01-01T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}"

/* What was signed is read strictly all the same. */
static void signed_texts_are_read_strictly(void **state)
{
    (void)state;
    assert_true(tcb_reads("{" TCB_HEAD "\"tcbLevels\":[" TCB_LEVEL("255", "") "]}"));
    assert_true(tcb_reads(" { \"new\" : [{\"a\":[1,-2.5e3,null,\"\\\"]\"]},{}], " TCB_HEAD
                          "\"tcbLevels\" : [ " TCB_LEVEL("0", "") " ] } \n"));
    static const char *const texts[] = {
        "",
        "{}",
        "[]",
        "{" TCB_HEAD "\"tcbLevels\":[]}",
        "{" TCB_HEAD "\"tcbLevels\":[" TCB_LEVEL("256", "") "]}",
        "{" TCB_HEAD "\"tcbLevels\":[" TCB_LEVEL("01", "") "]}",
        "{" TCB_HEAD "\"tcbLevels\":[" TCB_LEVEL("-1", "") "]}",
        "{" TCB_HEAD "\"tcbLevels\":[" TCB_LEVEL("1.0", "") "]}",
        "{" TCB_HEAD "\"tcbLevels\":[" TCB_LEVEL("\"1\"", "") "]}",
        "{" TCB_HEAD "\"tcbLevels\":[" TCB_LEVEL("1", ",\"pcesvn\":7") "]}",
        "{" TCB_HEAD "\"tcbLevels\":[" TCB_LEVEL("1", ",\"tdxtcbcomponents\":[]") "]}",
        "{" TCB_HEAD "\"tcbLevels\":[" TCB_LEVEL("1", "") "],}",
        "{" TCB_HEAD "\"tcbLevels\":[" TCB_LEVEL("1", "") ","
                                                          "]}",
        "{" TCB_HEAD "\"tcbLevels\":[" TCB_LEVEL("1", "") "]} {}",
        "{" TCB_HEAD "\"tcbLevels\":[" TCB_LEVEL("1", "") "]",
        "{" TCB_HEAD "\"id\":\"SGX\",\"tcbLevels\":[" TCB_LEVEL("1", "") "]}",
        "{" TCB_HEAD TCB_HEAD "\"tcbLevels\":[" TCB_LEVEL("1", "") "]}",
        "{" TCB_HEAD
        "\"new\":[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]],\"tcbLevels\":[" TCB_LEVEL("1", "") "]}",
        "{" TCB_HEAD "\"new\":[},\"tcbLevels\":[" TCB_LEVEL("1", "") "]}",
        "{" TCB_HEAD "\"new\":\"\xff\",\"tcbLevels\":[" TCB_LEVEL("1", "") "]}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_false(tcb_reads(texts[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(signed_texts_are_read_strictly)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
