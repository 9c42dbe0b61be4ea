/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One exchange as the npm client ehbp 0.1.7 makes it (its own key, request and response functions;
 * generated once for this test): our server side opens the request, and our reader the response.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "net/seal.h"
#include "support/bytes.h"

static const char ehbp_private[] =
    "8173737b38f9364ca60589778d8f652ebe8a1465de340dd02bba8e6f7e52fa81";
static const char ehbp_config[] =
    "000020ce47e72eaa5f68458ab6bbb9c32150a7d2562032097b751138d22d9987deba150004000100"
    "02";
static const char ehbp_enc[] = "360e32a7d476ce24443710011e196bb856c1ab2990e6fa59b1e95bcc1c303a73";
static const char ehbp_request[] =
    "00000022f55d588db58f35d1b8e752bda5ee91f7dc1bd57c779fae996714a0be1306070624a9";
static const char ehbp_nonce[] = "01080f161d242b323940474e555c636a71787f868d949ba2a9b0b7bec5ccd3da";
static const char ehbp_response[] =
    "0000001b322f464424ef57a3e474c5b657ba633cec75767c260aeceded47dd0000001b5b110d58f7"
    "598772305f05ae74f94235f49dbfe706c19141df81dc";

static aver_hpke_key *ehbp_key(void)
{
    aver_hpke_key *key = NULL;
    test_bytes scalar = test_hex(ehbp_private);
    assert_int_equal(scalar.size, 32);
    assert_ok(aver_hpke_key_from_scalar(scalar.data, &key));
    return key;
}

static void test_ehbp_key_config(void **state)
{
    (void)state;
    uint8_t parsed[32];
    aver_buf config;
    aver_hpke_key *key = ehbp_key();
    aver_buf_init(&config, 1024);
    aver_seal_key_config(aver_hpke_key_public(key), &config);
    test_assert_hex(aver_buf_view(&config), ehbp_config);
    assert_ok(aver_seal_key_config_parse(aver_buf_view(&config), parsed));
    assert_memory_equal(parsed, aver_hpke_key_public(key), 32);
    aver_buf_deinit(&config);
    aver_hpke_key_free(key);
}

static void test_ehbp_exchange(void **state)
{
    (void)state;
    aver_hpke_key *key = ehbp_key();
    aver_seal *seal = NULL;
    aver_buf plain;
    test_bytes request = test_hex(ehbp_request);
    test_bytes response = test_hex(ehbp_response);
    aver_buf_init(&plain, 1024);
    assert_ok(aver_seal_accept(key, ehbp_enc, test_view(&request), 1024, &plain, &seal));
    assert_true(aver_view_equal_text(aver_buf_view(&plain), "{\"prompt\":\"hello\"}"));
    aver_buf_clear(&plain);
    assert_ok(aver_seal_expect(seal, ehbp_nonce));
    assert_ok(aver_seal_feed(seal, test_view(&response), &plain));
    assert_ok(aver_seal_feed_end(seal));
    assert_true(aver_view_equal_text(aver_buf_view(&plain), "data: one\n\ndata: two\n\n"));
    aver_seal_free(seal);
    aver_buf_deinit(&plain);
    aver_hpke_key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ehbp_key_config),
        cmocka_unit_test(test_ehbp_exchange),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
