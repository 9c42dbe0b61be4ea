/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/forge.h"

#include <stdlib.h>
#include <string.h>

static aver_keyset keyset;
static aver_keyset decoded;

static void make_keyset(forge_state *made, aver_buf *bytes)
{
    forge_init(made);
    forge_build(made);
    keyset = made->keyset;
    aver_buf_init(bytes, AVER_KEYSET_BYTES_MAX);
    assert_int_equal(aver_keyset_encode(&keyset, bytes), AVER_OK);
}

static void a_keyset_comes_back_as_it_was(void **state)
{
    (void)state;
    static forge_state made;
    aver_buf bytes;
    make_keyset(&made, &bytes);
    assert_int_equal(aver_keyset_decode(aver_buf_view(&bytes), &decoded), AVER_OK);
    assert_string_equal(decoded.platform, "sim");
    assert_string_equal(decoded.software, keyset.software);
    assert_memory_equal(decoded.node_id, keyset.node_id, 32);
    assert_memory_equal(decoded.incarnation, keyset.incarnation, 32);
    assert_memory_equal(decoded.config_digest, keyset.config_digest, 32);
    assert_int_equal(decoded.models_count, 2);
    assert_string_equal(decoded.models[1].name, "other");
    assert_true(decoded.keys[AVER_ROLE_SEAL].present);
    assert_false(decoded.keys[AVER_ROLE_WALLET].present);
    assert_ptr_equal(aver_keyset_find(&decoded, keyset.models[1].root), &decoded.models[1]);
    assert_null(aver_keyset_find(&decoded, keyset.node_id));
    aver_buf again;
    aver_buf_init(&again, AVER_KEYSET_BYTES_MAX);
    assert_int_equal(aver_keyset_encode(&decoded, &again), AVER_OK);
    assert_true(aver_view_equal(aver_buf_view(&bytes), aver_buf_view(&again)));
    aver_buf_deinit(&again);
    aver_buf_deinit(&bytes);
    forge_deinit(&made);
}

static void required_parts_must_be_there(void **state)
{
    (void)state;
    static forge_state made;
    aver_buf bytes;
    make_keyset(&made, &bytes);
    size_t size = bytes.size;
    keyset.keys[AVER_ROLE_SEAL].present = false;
    assert_int_equal(aver_keyset_encode(&keyset, &bytes), AVER_E_USAGE);
    keyset.keys[AVER_ROLE_SEAL].present = true;
    keyset.keys[AVER_ROLE_RECEIPT].size = 31;
    assert_int_equal(aver_keyset_encode(&keyset, &bytes), AVER_E_USAGE);
    keyset.keys[AVER_ROLE_RECEIPT].size = 32;
    keyset.platform[0] = '\0';
    assert_int_equal(aver_keyset_encode(&keyset, &bytes), AVER_E_USAGE);
    memcpy(keyset.platform, "s\nm", 4);
    assert_int_equal(aver_keyset_encode(&keyset, &bytes), AVER_E_USAGE);
    /* A refusal leaves the buffer as it was. */
    assert_int_equal(bytes.size, size);
    aver_buf_deinit(&bytes);
    forge_deinit(&made);
}

static void damaged_bytes_are_refused(void **state)
{
    (void)state;
    static forge_state made;
    aver_buf bytes;
    make_keyset(&made, &bytes);
    for (size_t size = 0; size < bytes.size; size++) {
        assert_int_not_equal(aver_keyset_decode(aver_view_make(bytes.data, size), &decoded),
                             AVER_OK);
    }
    bytes.data[2] = 2; /* the version */
    assert_int_equal(aver_keyset_decode(aver_buf_view(&bytes), &decoded), AVER_E_UNSUPPORTED);
    bytes.data[2] = 1;
    bytes.data[0] = 0xa8; /* one pair less than follows */
    assert_int_not_equal(aver_keyset_decode(aver_buf_view(&bytes), &decoded), AVER_OK);
    bytes.data[0] = 0xa9;
    aver_buf_append_byte(&bytes, 0);
    assert_int_equal(aver_keyset_decode(aver_buf_view(&bytes), &decoded), AVER_E_FORMAT);
    aver_buf_deinit(&bytes);
    forge_deinit(&made);
}

static void one_model_root_stands_there_once(void **state)
{
    (void)state;
    static forge_state made;
    aver_buf bytes;
    make_keyset(&made, &bytes);
    keyset.models[1] = keyset.models[0];
    aver_buf_clear(&bytes);
    assert_int_equal(aver_keyset_encode(&keyset, &bytes), AVER_OK);
    assert_int_equal(aver_keyset_decode(aver_buf_view(&bytes), &decoded), AVER_E_FORMAT);
    aver_buf_deinit(&bytes);
    forge_deinit(&made);
}

static void a_profile_is_verified_or_fast(void **state)
{
    (void)state;
    static forge_state made;
    aver_buf bytes;
    make_keyset(&made, &bytes);
    /* The last number of the models stands before key 8 and its 32 bytes. */
    uint8_t *profile = bytes.data + bytes.size - 32 - 3 - 1;
    assert_int_equal(*profile, AVER_PROFILE_VERIFIED);
    *profile = AVER_PROFILE_FAST;
    assert_int_equal(aver_keyset_decode(aver_buf_view(&bytes), &decoded), AVER_OK);
    *profile = AVER_PROFILE_FAST + 1;
    assert_int_equal(aver_keyset_decode(aver_buf_view(&bytes), &decoded), AVER_E_FORMAT);
    *profile = 0;
    assert_int_equal(aver_keyset_decode(aver_buf_view(&bytes), &decoded), AVER_E_FORMAT);
    keyset.models[0].profile = AVER_PROFILE_FAST + 1;
    assert_int_equal(aver_keyset_encode(&keyset, &bytes), AVER_E_USAGE);
    aver_buf_deinit(&bytes);
    forge_deinit(&made);
}

/* A signature of one role must never serve as that of another. */
static void one_key_serves_one_role(void **state)
{
    (void)state;
    static forge_state made;
    aver_buf bytes;
    make_keyset(&made, &bytes);
    keyset.keys[AVER_ROLE_STATEMENT] = (aver_key){.present = true, .bytes = {2, 1}, .size = 33};
    keyset.keys[AVER_ROLE_VRF] = (aver_key){.present = true, .bytes = {2, 2}, .size = 33};
    aver_buf_clear(&bytes);
    assert_int_equal(aver_keyset_encode(&keyset, &bytes), AVER_OK);
    assert_int_equal(aver_keyset_decode(aver_buf_view(&bytes), &decoded), AVER_OK);
    keyset.keys[AVER_ROLE_VRF] = keyset.keys[AVER_ROLE_STATEMENT];
    aver_buf_clear(&bytes);
    assert_int_equal(aver_keyset_encode(&keyset, &bytes), AVER_OK);
    assert_int_equal(aver_keyset_decode(aver_buf_view(&bytes), &decoded), AVER_E_FORMAT);
    keyset.keys[AVER_ROLE_VRF].present = false;
    keyset.keys[AVER_ROLE_SEAL] = keyset.keys[AVER_ROLE_RECEIPT];
    aver_buf_clear(&bytes);
    assert_int_equal(aver_keyset_encode(&keyset, &bytes), AVER_OK);
    assert_int_equal(aver_keyset_decode(aver_buf_view(&bytes), &decoded), AVER_E_FORMAT);
    aver_buf_deinit(&bytes);
    forge_deinit(&made);
}

static void ids_depend_on_operator_and_name(void **state)
{
    (void)state;
    static const uint8_t one[20] = {1};
    static const uint8_t two[20] = {2};
    uint8_t ids[3][32];
    aver_node_id(one, "a", ids[0]);
    aver_node_id(two, "a", ids[1]);
    aver_node_id(one, "b", ids[2]);
    assert_memory_not_equal(ids[0], ids[1], 32);
    assert_memory_not_equal(ids[0], ids[2], 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_keyset_comes_back_as_it_was),
        cmocka_unit_test(required_parts_must_be_there),
        cmocka_unit_test(damaged_bytes_are_refused),
        cmocka_unit_test(one_model_root_stands_there_once),
        cmocka_unit_test(a_profile_is_verified_or_fast),
        cmocka_unit_test(one_key_serves_one_role),
        cmocka_unit_test(ids_depend_on_operator_and_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
