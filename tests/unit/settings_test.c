/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aver/keyset.h"
#include "aver/receipt.h"
#include "cli/settings.h"
#include "codec/cbor.h"

#include <stdio.h>
#include <string.h>

#define DOCUMENT_BYTES_MAX 65536

static const uint8_t root_a[32] = {1};
static const uint8_t root_b[32] = {2};
static const uint8_t root_c[32] = {200};

/* How a document differs from the good one. */
typedef struct document_facts {
    unsigned version;
    unsigned models;
    unsigned members;  /* of a model */
    unsigned adapters; /* of the second model */
    unsigned upstreams;
    int64_t key_more;
    uint64_t context;  /* of the last model; 0: a good one */
    bool context_none; /* 0 there */
    bool without_models;
    bool same_root;
} document_facts;

static const document_facts good = {.version = 2, .models = 2, .members = 7, .adapters = 2};

static void put_model(aver_buf *out, const document_facts *facts, unsigned index)
{
    static const uint8_t digest[32] = {9};
    unsigned adapters = index == 1 ? facts->adapters : 0;

    aver_cbor_put_array(out, facts->members);
    uint8_t root[32] = {(uint8_t)(facts->same_root ? 1 : index + 1)};
    bool last = index + 1 == facts->models;
    aver_cbor_put_bytes(out, AVER_VIEW_OF(root));
    aver_cbor_put_uint(out, AVER_PROFILE_VERIFIED);
    aver_cbor_put_uint(out, last && (facts->context != 0 || facts->context_none) ? facts->context
                                                                                 : 512 + index);
    aver_cbor_put_bytes(out, AVER_VIEW_OF(digest));
    aver_cbor_put_text(out, "Q8_0");
    aver_cbor_put_array(out, adapters);
    for (unsigned i = 0; i < adapters; i++) {
        aver_cbor_put_array(out, 2);
        aver_cbor_put_bytes(out, AVER_VIEW_OF(root_c));
        aver_cbor_put_uint(out, 500000 + i);
    }
    if (facts->members > 6) {
        if (index == 0) {
            aver_cbor_put_null(out);
        } else {
            aver_cbor_put_bytes(out, AVER_VIEW_OF(digest));
        }
    }
}

static void put_document(aver_buf *out, const document_facts *facts)
{
    aver_cbor_put_map(out,
                      5u + (facts->key_more != 0 ? 1u : 0u) - (facts->without_models ? 1u : 0u));
    aver_cbor_put_uint(out, 0);
    aver_cbor_put_uint(out, facts->version);
    if (facts->key_more > 0 && facts->key_more < 4) {
        aver_cbor_put_int(out, facts->key_more);
        aver_cbor_put_uint(out, 1);
    }
    aver_cbor_put_uint(out, 4);
    aver_cbor_put_uint(out, 1);
    aver_cbor_put_uint(out, 5);
    aver_cbor_put_uint(out, 1);
    aver_cbor_put_uint(out, 8);
    aver_cbor_put_array(out, facts->upstreams);
    for (unsigned i = 0; i < facts->upstreams; i++) {
        aver_cbor_put_uint(out, 1);
    }
    if (!facts->without_models) {
        aver_cbor_put_uint(out, 9);
        aver_cbor_put_array(out, facts->models);
        for (unsigned i = 0; i < facts->models; i++) {
            put_model(out, facts, i);
        }
    }
    if (facts->key_more > 9 || facts->key_more < 0) {
        aver_cbor_put_int(out, facts->key_more);
        aver_cbor_put_uint(out, 1);
    }
}

static aver_err read_made(const document_facts *facts, const uint8_t *root,
                          aver_settings *ret_settings, char ret_why[AVER_SETTINGS_WHY_BYTES])
{
    aver_buf out;

    aver_buf_init(&out, DOCUMENT_BYTES_MAX);
    put_document(&out, facts);
    assert_int_equal(aver_buf_status(&out), AVER_OK);
    aver_err err = aver_settings_read(aver_buf_view(&out), root, ret_settings, ret_why);
    aver_buf_deinit(&out);
    return err;
}

static void each_model_has_its_own_settings(void **state)
{
    char why[AVER_SETTINGS_WHY_BYTES] = "";
    aver_settings settings;

    (void)state;
    assert_int_equal(read_made(&good, root_a, &settings, why), AVER_OK);
    assert_int_equal(settings.profile, AVER_PROFILE_VERIFIED);
    assert_int_equal(settings.context_tokens, 512);
    assert_string_equal(settings.kv_type, "Q8_0");
    assert_int_equal(settings.template_digest[0], 9);
    assert_int_equal(settings.adapters_count, 0);
    assert_false(settings.has_prefixes);
    assert_int_equal(read_made(&good, root_b, &settings, why), AVER_OK);
    assert_int_equal(settings.context_tokens, 513);
    assert_int_equal(settings.adapters_count, 2);
    assert_memory_equal(settings.adapters[1].root, root_c, 32);
    assert_int_equal(settings.adapters[1].scale_ppm, 500001);
    assert_true(settings.has_prefixes);
    assert_int_equal(settings.prefixes_digest[0], 9);
}

static void documents_that_are_not_known_are_not_judged(void **state)
{
    static const struct {
        document_facts facts;
        aver_err err;
        const char *why;
    } cases[] = {
        {{.version = 3, .models = 2, .members = 7}, AVER_E_UNSUPPORTED, "another version"},
        {{.version = 0, .models = 2, .members = 7}, AVER_E_UNSUPPORTED, "another version"},
        {{.version = 1, .models = 2, .members = 7}, AVER_E_UNSUPPORTED, "does not know"},
        {{.version = 2, .models = 2, .members = 7, .key_more = 10},
         AVER_E_UNSUPPORTED,
         "does not know"},
        {{.version = 2, .models = 2, .members = 7, .key_more = 40},
         AVER_E_UNSUPPORTED,
         "does not know"},
        {{.version = 2, .models = 2, .members = 7, .key_more = -1},
         AVER_E_UNSUPPORTED,
         "does not know"},
        {{.version = 2, .models = 2, .members = 7, .key_more = 2},
         AVER_E_UNSUPPORTED,
         "does not know"},
        {{.version = 2, .models = 2, .members = 7, .upstreams = 1},
         AVER_E_UNSUPPORTED,
         "upstreams"},
        {{.version = 2, .models = 0, .members = 7}, AVER_E_FORMAT, ""},
        {{.version = 2, .models = 2, .members = 6}, AVER_E_FORMAT, ""},
        {{.version = 2, .models = 2, .members = 7, .adapters = 9}, AVER_E_FORMAT, ""},
        {{.version = 2, .models = 65, .members = 7}, AVER_E_FORMAT, ""},
        {{.version = 2, .models = 2, .members = 7, .context_none = true}, AVER_E_FORMAT, ""},
        {{.version = 2, .models = 2, .members = 7, .context = 1ull << 32}, AVER_E_FORMAT, ""},
        {{.version = 2, .models = 2, .members = 7, .without_models = true}, AVER_E_FORMAT, ""},
        {{.version = 2, .models = 2, .members = 7, .same_root = true}, AVER_E_FORMAT, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char why[AVER_SETTINGS_WHY_BYTES] = "";
        aver_settings settings;
        aver_err err = read_made(&cases[i].facts, root_a, &settings, why);

        if (err != cases[i].err || strstr(why, cases[i].why) == NULL) {
            fail_msg("case %zu: %s, \"%s\"", i, aver_err_text(err), why);
        }
    }
}

static void documents_at_the_bounds_are_read(void **state)
{
    static const document_facts cases[] = {
        {.version = 2, .models = 1, .members = 7},
        {.version = 2, .models = AVER_KEYSET_MODELS_MAX, .members = 7},
        {.version = 2, .models = 2, .members = 7, .adapters = 8},
        {.version = 2, .models = 1, .members = 7, .context = UINT32_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char why[AVER_SETTINGS_WHY_BYTES] = "";
        aver_settings settings;

        assert_int_equal(read_made(&cases[i], root_a, &settings, why), AVER_OK);
    }
}

/* Keys 0 to 8; the adapters and upstreams that it may not have. */
static aver_err read_first_version(unsigned adapters, unsigned upstreams, unsigned keys,
                                   aver_settings *ret_settings,
                                   char ret_why[AVER_SETTINGS_WHY_BYTES])
{
    static const uint8_t digest[32] = {9};
    aver_buf out;

    aver_buf_init(&out, DOCUMENT_BYTES_MAX);
    aver_cbor_put_map(&out, keys);
    for (unsigned key = 0; key < keys; key++) {
        aver_cbor_put_uint(&out, key);
        if (key == 3) {
            aver_cbor_put_bytes(&out, AVER_VIEW_OF(digest));
        } else if (key == 6) {
            aver_cbor_put_text(&out, "F16");
        } else if (key >= 7) {
            unsigned count = key == 7 ? adapters : upstreams;
            aver_cbor_put_array(&out, count);
            for (unsigned i = 0; i < count; i++) {
                aver_cbor_put_uint(&out, 1);
            }
        } else {
            aver_cbor_put_uint(&out, key == 2 ? 700 : 1);
        }
    }
    assert_int_equal(aver_buf_status(&out), AVER_OK);
    aver_err err = aver_settings_read(aver_buf_view(&out), root_c, ret_settings, ret_why);
    aver_buf_deinit(&out);
    return err;
}

static void the_first_version_is_of_one_model(void **state)
{
    char why[AVER_SETTINGS_WHY_BYTES] = "";
    aver_settings settings;

    (void)state;
    assert_int_equal(read_first_version(0, 0, 9, &settings, why), AVER_OK);
    assert_int_equal(settings.context_tokens, 700);
    assert_string_equal(settings.kv_type, "F16");
    assert_int_equal(read_first_version(0, 0, 8, &settings, why), AVER_E_FORMAT);
    assert_int_equal(read_first_version(1, 0, 9, &settings, why), AVER_E_UNSUPPORTED);
    assert_non_null(strstr(why, "adapters"));
    assert_int_equal(read_first_version(0, 1, 9, &settings, why), AVER_E_UNSUPPORTED);
    assert_non_null(strstr(why, "upstreams"));
}

static void a_model_that_is_not_there_is_not_judged(void **state)
{
    char why[AVER_SETTINGS_WHY_BYTES] = "";
    aver_settings settings;

    (void)state;
    assert_int_equal(read_made(&good, root_c, &settings, why), AVER_E_UNSUPPORTED);
    assert_non_null(strstr(why, "model"));
}

static void cut_documents_are_refused(void **state)
{
    aver_settings settings;
    aver_buf out;

    (void)state;
    aver_buf_init(&out, DOCUMENT_BYTES_MAX);
    put_document(&out, &good);
    for (size_t size = 0; size < out.size; size++) {
        char why[AVER_SETTINGS_WHY_BYTES] = "";

        assert_int_not_equal(
            aver_settings_read(aver_view_make(out.data, size), root_a, &settings, why), AVER_OK);
    }
    aver_buf_append_byte(&out, 0);
    char why[AVER_SETTINGS_WHY_BYTES] = "";
    assert_int_not_equal(aver_settings_read(aver_buf_view(&out), root_a, &settings, why), AVER_OK);
    aver_buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_model_has_its_own_settings),
        cmocka_unit_test(documents_that_are_not_known_are_not_judged),
        cmocka_unit_test(documents_at_the_bounds_are_read),
        cmocka_unit_test(the_first_version_is_of_one_model),
        cmocka_unit_test(a_model_that_is_not_there_is_not_judged),
        cmocka_unit_test(cut_documents_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
