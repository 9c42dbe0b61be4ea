/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "cli/proxy_site.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static void hosts_of_this_machine_are_known(void **state)
{
    (void)state;
    static const char *const local[] = {"localhost",      "LocalHost:8008", "127.0.0.1",
                                        "127.0.0.1:8008", "127.9.8.7:1",    "[::1]",
                                        "[::1]:65535"};
    static const char *const others[] = {"",
                                         "elsewhere.example",
                                         "elsewhere.example:8008",
                                         "localhost.elsewhere.example",
                                         "127.0.0.1.elsewhere.example",
                                         "127.elsewhere.example:8008",
                                         "localhost:8008.elsewhere.example",
                                         "localhost:",
                                         "localhost:123456",
                                         "127.0.0.1:80:80",
                                         "127.1",
                                         "128.0.0.1",
                                         "0.0.0.0:8008",
                                         "[::1]x",
                                         "[::1]:x",
                                         "[::2]",
                                         "::1",
                                         "a@127.0.0.1",
                                         "127.0.0.1@elsewhere.example"};
    for (size_t i = 0; i < COUNT(local); i++) {
        assert_true(aver_proxy_host_local(local[i]));
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        if (aver_proxy_host_local(others[i])) {
            fail_msg("%s is taken for this machine", others[i]);
        }
    }
}

static void programs_pass_and_pages_of_others_do_not(void **state)
{
    (void)state;
    static const aver_proxy_site good[] = {
        {"127.0.0.1:8008", NULL, NULL},
        {"localhost:8008", "http://localhost:8008", "same-origin"},
        {"127.0.0.1:8008", NULL, "none"},
    };
    static const aver_proxy_site bad[] = {
        {NULL, NULL, NULL},
        {"elsewhere.example:8008", NULL, NULL},
        {"elsewhere.example:8008", "http://elsewhere.example:8008", "same-origin"},
        {"127.0.0.1:8008", "https://elsewhere.example", NULL},
        {"127.0.0.1:8008", "http://elsewhere.example", "cross-site"},
        {"127.0.0.1:8008", "http://127.0.0.1", NULL},
        {"127.0.0.1:8008", "http://127.0.0.1:9009", "same-site"},
        {"127.0.0.1:8008", "http://localhost:8008", NULL},
        {"127.0.0.1:8008", "https://127.0.0.1:8008", NULL},
        {"127.0.0.1:8008", "null", NULL},
        {"127.0.0.1:8008", "", NULL},
        {"127.0.0.1:8008", NULL, "cross-site"},
        {"127.0.0.1:8008", NULL, "same-site"},
        {"127.0.0.1:8008", NULL, ""},
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(aver_proxy_site_allowed(&good[i], false));
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (aver_proxy_site_allowed(&bad[i], false)) {
            fail_msg("number %zu is let through", i);
        }
    }
}

/* Behind a token any name may lead here; pages of others are still none. */
static void any_host_frees_only_the_host(void **state)
{
    (void)state;
    assert_true(aver_proxy_site_allowed(&(aver_proxy_site){"proxy.example", NULL, NULL}, true));
    assert_false(aver_proxy_site_allowed(
        &(aver_proxy_site){"proxy.example", "http://elsewhere.example", NULL}, true));
    assert_false(
        aver_proxy_site_allowed(&(aver_proxy_site){"proxy.example", NULL, "cross-site"}, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_of_this_machine_are_known),
        cmocka_unit_test(programs_pass_and_pages_of_others_do_not),
        cmocka_unit_test(any_host_frees_only_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
