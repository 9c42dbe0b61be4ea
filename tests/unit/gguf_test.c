/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/gguf_make.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"
#include "model/gguf.h"
#include "model/gguf_type.h"

#include <ggml.h>
#include <stdlib.h>

static void assert_refused(const aver_buf *file, aver_err wanted, const char *words)
{
    aver_gguf *gguf = NULL;
    char why[160] = "";
    assert_int_equal(aver_gguf_open(aver_buf_view(file), &gguf, why), wanted);
    assert_null(gguf);
    if (strstr(why, words) == NULL) {
        print_error("said: %s, wanted: %s\n", why, words);
        fail();
    }
}

static void a_right_file_is_read(void **state)
{
    (void)state;
    aver_buf file;
    aver_gguf *gguf = NULL;
    aver_view text;
    uint64_t value = 0;
    make_small(&file);
    assert_int_equal(aver_gguf_open(aver_buf_view(&file), &gguf, NULL), AVER_OK);
    assert_int_equal(aver_gguf_item_count(gguf), 7);
    assert_int_equal(aver_gguf_tensor_count(gguf), 3);
    assert_int_equal(aver_gguf_text(gguf, "general.architecture", &text), AVER_OK);
    assert_true(aver_view_equal_text(text, "test"));
    assert_int_equal(aver_gguf_uint(gguf, "general.alignment", &value), AVER_OK);
    assert_int_equal(value, 64);
    assert_int_equal(aver_gguf_uint(gguf, "test.big", &value), AVER_OK);
    assert_true(value == (uint64_t)1 << 40);
    assert_int_equal(aver_gguf_uint(gguf, "test.signed", &value), AVER_E_FORMAT);
    assert_int_equal(aver_gguf_uint(gguf, "test.words", &value), AVER_E_FORMAT);
    assert_int_equal(aver_gguf_uint(gguf, "no.such", &value), AVER_E_ABSENT);
    assert_int_equal(aver_gguf_text(gguf, "general.alignment", &text), AVER_E_FORMAT);
    const aver_gguf_tensor *tensor = aver_gguf_tensor_at(gguf, 1);
    assert_true(aver_view_equal_text(tensor->name, "b.weight"));
    assert_int_equal(tensor->data.size, 136);
    assert_int_equal(tensor->dims[0], 64);
    assert_null(aver_gguf_tensor_at(gguf, 3));
    assert_null(aver_gguf_item_at(gguf, 7));
    aver_gguf_close(gguf);
    aver_buf_deinit(&file);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    aver_buf file;
    make_small(&file);
    for (size_t size = 0; size < file.size; size++) {
        aver_gguf *gguf = NULL;
        /* A copy of exactly that size, so that a sanitizer sees any read past it. */
        uint8_t *copy = malloc(size + 1);
        memcpy(copy, file.data, size);
        assert_int_not_equal(aver_gguf_open(aver_view_make(copy, size), &gguf, NULL), AVER_OK);
        free(copy);
    }
    aver_buf_append_byte(&file, 0);
    assert_refused(&file, AVER_E_FORMAT, "follow the last tensor");
    aver_buf_deinit(&file);
}

static void wrong_heads_are_refused(void **state)
{
    (void)state;
    aver_buf file;
    make_small(&file);
    file.data[0] = 'g';
    assert_refused(&file, AVER_E_FORMAT, "not a GGUF file");
    file.data[0] = 'G';
    file.data[4] = 2;
    assert_refused(&file, AVER_E_FORMAT, "version 2");
    file.data[4] = 3;
    memset(file.data + 8, 0xff, 8);
    assert_refused(&file, AVER_E_LIMIT, "more than allowed");
    memset(file.data + 8, 0, 8);
    memset(file.data + 16, 0xff, 8);
    assert_refused(&file, AVER_E_LIMIT, "more than allowed");
    aver_buf_deinit(&file);
}

static void item_only(aver_buf *file)
{
    aver_buf_init(file, 1 << 20);
    make_header(file, 0, 1);
    make_text(file, "k");
}

static void hostile_items_are_refused(void **state)
{
    (void)state;
    aver_buf file;
    item_only(&file);
    make_le(&file, 13, 4);
    assert_refused(&file, AVER_E_FORMAT, "unknown type 13");
    aver_buf_deinit(&file);
    item_only(&file);
    make_le(&file, 8, 4);
    make_le(&file, UINT64_MAX, 8);
    assert_refused(&file, AVER_E_FORMAT, "ends too early");
    aver_buf_deinit(&file);
    item_only(&file);
    make_le(&file, 9, 4);
    make_le(&file, 4, 4);
    make_le(&file, UINT64_MAX / 4 + 2, 8);
    assert_refused(&file, AVER_E_LIMIT, "an array of");
    aver_buf_deinit(&file);
    item_only(&file);
    make_le(&file, 9, 4);
    make_le(&file, 9, 4);
    make_le(&file, 1, 8);
    assert_refused(&file, AVER_E_FORMAT, "an array of type 9");
    aver_buf_deinit(&file);
    item_only(&file);
    make_le(&file, 7, 4);
    make_le(&file, 2, 1);
    assert_refused(&file, AVER_E_FORMAT, "neither 0 nor 1");
    aver_buf_deinit(&file);
}

static void bad_names_are_refused(void **state)
{
    (void)state;
    /* Names are printed in words about a file: none may give a terminal an order. */
    static const char *const names[] = {"",          "a\nb", "a\x1b[2Jb",    "a\x7f",
                                        "a\xc2\x9b", "\x9b", "a\xe2\x80\xae"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        aver_buf file;
        aver_buf_init(&file, 1 << 20);
        make_header(&file, 0, 1);
        make_item_u32(&file, names[i], 1);
        assert_refused(&file, AVER_E_FORMAT, "name");
        aver_buf_deinit(&file);
    }
    aver_buf file;
    aver_buf_init(&file, 1 << 20);
    make_header(&file, 0, 2);
    make_item_u32(&file, "k", 1);
    make_item_u32(&file, "k", 1);
    assert_refused(&file, AVER_E_FORMAT, "key k twice");
    aver_buf_deinit(&file);
}

static void tensor_only(aver_buf *file, uint32_t type, uint64_t columns, uint64_t rows,
                        uint64_t offset)
{
    aver_buf_init(file, 1 << 20);
    make_header(file, 1, 0);
    make_tensor_2d(file, "t", type, columns, rows, offset);
    make_padding(file, 32);
    make_data(file, 128);
}

static void hostile_tensors_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t type;
        uint64_t columns;
        uint64_t rows;
        uint64_t offset;
        const char *words;
    } cases[] = {
        {4, 32, 1, 0, "unknown type"},
        {99, 32, 1, 0, "unknown type"},
        {UINT32_MAX, 32, 1, 0, "unknown type"},
        {8, 31, 1, 0, "whole number"},
        {0, 0, 1, 0, "dimension of 0"},
        {0, (uint64_t)1 << 40, (uint64_t)1 << 40, 0, "dimension"},
        {0, UINT64_MAX, UINT64_MAX, 0, "dimension"},
        {0, 32, 1, 32, "lies at 32"},
        {0, (uint64_t)1 << 30, 1, 0, "larger than the file"},
        {0, 33, 1, 0, "ends too early"},
        {0, 16, 1, 0, "padding"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        aver_buf file;
        tensor_only(&file, cases[i].type, cases[i].columns, cases[i].rows, cases[i].offset);
        if (i + 1 == sizeof(cases) / sizeof(cases[0])) {
            /* 64 bytes of data, 64 that nothing covers. */
            assert_refused(&file, AVER_E_FORMAT, "follow the last tensor");
        } else {
            assert_refused(&file, AVER_E_FORMAT, cases[i].words);
        }
        aver_buf_deinit(&file);
    }
}

static void overlapping_tensors_and_dirty_padding_are_refused(void **state)
{
    (void)state;
    aver_buf file;
    aver_buf_init(&file, 1 << 20);
    make_header(&file, 2, 0);
    make_tensor_2d(&file, "a", 0, 8, 1, 0);
    make_tensor_2d(&file, "b", 0, 8, 1, 0);
    make_padding(&file, 32);
    make_data(&file, 64);
    assert_refused(&file, AVER_E_FORMAT, "lies at 0 and not at 32");
    aver_buf_deinit(&file);
    aver_buf_init(&file, 1 << 20);
    make_header(&file, 1, 0);
    make_tensor_2d(&file, "a", 0, 7, 1, 0);
    make_padding(&file, 32);
    make_data(&file, 32);
    file.data[file.size - 1] = 1;
    assert_refused(&file, AVER_E_FORMAT, "padding");
    aver_buf_deinit(&file);
}

static void type_sizes_are_those_of_ggml(void **state)
{
    (void)state;
    unsigned known = 0;
    for (uint32_t type = 0; type < GGML_TYPE_COUNT; type++) {
        uint32_t elements = 0;
        uint32_t bytes = 0;
        if (aver_gguf_type_block(type, &elements, &bytes)) {
            assert_int_equal(elements, ggml_blck_size((enum ggml_type)type));
            assert_int_equal(bytes, ggml_type_size((enum ggml_type)type));
            known++;
        }
    }
    assert_true(known > 30);
    assert_string_equal(aver_gguf_type_name(8), "Q8_0");
    assert_string_equal(aver_gguf_type_name(4), "unknown");
}

/* The root as the header of gguf.h defines it, leaf by leaf, without threads. */
static void reference_leaf(aver_merkle *tree, aver_buf *leaf, aver_view bytes)
{
    aver_buf_append(leaf, bytes);
    aver_merkle_append(tree, aver_buf_view(leaf));
    aver_buf_clear(leaf);
}

static void reference_root(const aver_gguf *gguf, aver_view file, uint8_t root[static 32])
{
    aver_merkle tree;
    aver_buf leaf;
    aver_merkle_init(&tree);
    aver_buf_init(&leaf, 4 << 20);
    aver_buf_append_byte(&leaf, 'H');
    reference_leaf(&tree, &leaf, aver_view_slice(file, 0, 24));
    for (uint64_t i = 0; i < aver_gguf_item_count(gguf); i++) {
        aver_buf_append_byte(&leaf, 'M');
        reference_leaf(&tree, &leaf, aver_gguf_item_at(gguf, i)->entry);
    }
    for (uint32_t i = 0; i < aver_gguf_tensor_count(gguf); i++) {
        const aver_gguf_tensor *tensor = aver_gguf_tensor_at(gguf, i);
        aver_buf_append_byte(&leaf, 'T');
        reference_leaf(&tree, &leaf, tensor->info);
        for (uint32_t piece = 0; (size_t)piece << 20 < tensor->data.size; piece++) {
            size_t left = tensor->data.size - ((size_t)piece << 20);
            aver_buf_append_byte(&leaf, 'D');
            aver_buf_append_be32(&leaf, i);
            aver_buf_append_be32(&leaf, piece);
            reference_leaf(&tree, &leaf,
                           aver_view_slice(tensor->data, (size_t)piece << 20,
                                           left < 1 << 20 ? left : 1 << 20));
        }
    }
    aver_merkle_root(&tree, root);
    aver_buf_deinit(&leaf);
}

static void the_root_is_the_reference_root(void **state)
{
    (void)state;
    aver_buf file;
    aver_gguf *gguf = NULL;
    uint8_t expected[32];
    uint8_t root[32];
    make_small(&file);
    assert_int_equal(aver_gguf_open(aver_buf_view(&file), &gguf, NULL), AVER_OK);
    reference_root(gguf, aver_buf_view(&file), expected);
    for (unsigned threads = 0; threads < 6; threads++) {
        assert_int_equal(aver_gguf_root(gguf, threads, root), AVER_OK);
        assert_memory_equal(root, expected, 32);
    }
    aver_gguf_close(gguf);
    aver_buf_deinit(&file);
}

static void large_tensors_are_cut_into_pieces(void **state)
{
    (void)state;
    aver_buf file;
    aver_gguf *gguf = NULL;
    uint8_t expected[32];
    uint8_t root[32];
    aver_buf_init(&file, (size_t)16 << 20);
    make_header(&file, 2, 0);
    make_tensor_2d(&file, "exact", 24, 1 << 20, 2, 0);
    make_tensor_2d(&file, "more", 24, (1 << 20) + 1, 1, 2 << 20);
    make_padding(&file, 32);
    make_data(&file, (2 << 20) + (1 << 20) + 1);
    make_padding(&file, 32);
    assert_int_equal(aver_gguf_open(aver_buf_view(&file), &gguf, NULL), AVER_OK);
    reference_root(gguf, aver_buf_view(&file), expected);
    assert_int_equal(aver_gguf_root(gguf, 3, root), AVER_OK);
    assert_memory_equal(root, expected, 32);
    aver_gguf_close(gguf);
    aver_buf_deinit(&file);
}

static void every_flipped_bit_changes_the_root_or_is_refused(void **state)
{
    (void)state;
    aver_buf file;
    aver_gguf *gguf = NULL;
    uint8_t expected[32];
    uint8_t root[32];
    unsigned refused = 0;
    unsigned changed = 0;
    make_small(&file);
    assert_int_equal(aver_gguf_open(aver_buf_view(&file), &gguf, NULL), AVER_OK);
    assert_int_equal(aver_gguf_root(gguf, 1, expected), AVER_OK);
    aver_gguf_close(gguf);
    for (size_t bit = 0; bit < file.size * 8; bit++) {
        file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (aver_gguf_open(aver_buf_view(&file), &gguf, NULL) == AVER_OK) {
            assert_int_equal(aver_gguf_root(gguf, 1, root), AVER_OK);
            assert_memory_not_equal(root, expected, 32);
            aver_gguf_close(gguf);
            changed++;
        } else {
            refused++;
        }
        file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(changed > 1000);
    assert_true(refused > 1000);
    aver_buf_deinit(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_file_is_read),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(wrong_heads_are_refused),
        cmocka_unit_test(hostile_items_are_refused),
        cmocka_unit_test(bad_names_are_refused),
        cmocka_unit_test(hostile_tensors_are_refused),
        cmocka_unit_test(overlapping_tensors_and_dirty_padding_are_refused),
        cmocka_unit_test(type_sizes_are_those_of_ggml),
        cmocka_unit_test(the_root_is_the_reference_root),
        cmocka_unit_test(large_tensors_are_cut_into_pieces),
        cmocka_unit_test(every_flipped_bit_changes_the_root_or_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
