/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/forge.h"

#include "crypto/merkle.h"

#include <stdlib.h>
#include <string.h>

/* Kinds and values seen, laid one after the other. */
typedef struct seen {
    aver_buf text;
    aver_buf events;
    size_t stop_after; /* items; 0: never */
    size_t count;
} seen;

static aver_err see(const aver_stream_item *item, void *context)
{
    seen *all = context;
    aver_buf_append_format(&all->text, "%d:", (int)item->kind);
    aver_buf_append(&all->text, item->value);
    aver_buf_append_text(&all->text, ";");
    if (item->kind == AVER_STREAM_EVENT) {
        aver_buf_append(&all->events, item->raw);
    }
    return ++all->count == all->stop_after ? AVER_E_PROOF : AVER_OK;
}

static void seen_init(seen *all)
{
    *all = (seen){.stop_after = 0};
    aver_buf_init(&all->text, 1 << 20);
    aver_buf_init(&all->events, 1 << 20);
}

static void seen_deinit(seen *all)
{
    aver_buf_deinit(&all->text);
    aver_buf_deinit(&all->events);
}

static void put_stream(aver_buf *out)
{
    aver_stream_put_comment(out, AVER_STREAM_COMMENT_OPENING, AVER_VIEW_LITERAL("open"));
    aver_buf_append_text(out, "data: {\"a\":1}\n\n: ping\n\ndata: {\"b\":2}\n\n");
    aver_stream_put_comment(out, AVER_STREAM_COMMENT_HEAD, AVER_VIEW_LITERAL("head"));
    aver_stream_put_comment(out, AVER_STREAM_COMMENT_TOKENS, AVER_VIEW_LITERAL("ids"));
    aver_stream_put_comment(out, AVER_STREAM_COMMENT_RECEIPT, AVER_VIEW_LITERAL("receipt"));
    aver_buf_append_text(out, "data: [DONE]\n\n");
    assert_int_equal(aver_buf_status(out), AVER_OK);
}

static void items_are_the_same_however_the_bytes_arrive(void **state)
{
    (void)state;
    aver_buf bytes;
    aver_buf_init(&bytes, 4096);
    put_stream(&bytes);
    for (size_t piece = 1; piece <= bytes.size; piece++) {
        seen all;
        aver_stream_reader *reader = NULL;
        seen_init(&all);
        assert_int_equal(aver_stream_reader_new(see, &all, &reader), AVER_OK);
        for (size_t at = 0; at < bytes.size; at += piece) {
            size_t size = bytes.size - at < piece ? bytes.size - at : piece;
            assert_int_equal(aver_stream_reader_feed(reader, aver_view_make(bytes.data + at, size)),
                             AVER_OK);
        }
        assert_int_equal(aver_stream_reader_end(reader), AVER_OK);
        assert_true(aver_view_equal_text(
            aver_buf_view(&all.text),
            "3:open;1:{\"a\":1};7:: ping;1:{\"b\":2};4:head;5:ids;6:receipt;2:[DONE];"));
        assert_true(aver_view_equal_text(aver_buf_view(&all.events),
                                         "data: {\"a\":1}\n\ndata: {\"b\":2}\n\n"));
        aver_stream_reader_free(reader);
        seen_deinit(&all);
    }
    aver_buf_deinit(&bytes);
}

static void what_is_no_stream_of_ours_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "event: x\n\n",
        "data:{}\n\n",
        "data: a\ndata: b\n\n",
        "\n\n",
        "data: a\r\n\n",
        ": aver-head !!!\n\n",
        ": aver-receipt YQ==\n\n",
        "data: [DONE]\n\ndata: {}\n\n",
        "data: [DONE]\n\n: ping\n\n",
        "id: 1\ndata: a\n\n",
        "event: \ndata: {}\n\n",
        "event: A\ndata: {}\n\n",
        "event:a\ndata: {}\n\n",
        "event: a\nevent: b\ndata: {}\n\n",
        "event: a\n: ping\n\n",
        "event: a\ndata: b\ndata: c\n\n",
        "event: a\ndata: [DONE]\n\n",
        "event: a\r\ndata: {}\n\n",
        "data: {}\nevent: a\n\n",
        "event: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\ndata: {}\n\n",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        seen all;
        aver_stream_reader *reader = NULL;
        seen_init(&all);
        assert_int_equal(aver_stream_reader_new(see, &all, &reader), AVER_OK);
        assert_int_equal(aver_stream_reader_feed(reader, aver_view_text(cases[i])), AVER_E_FORMAT);
        aver_stream_reader_free(reader);
        seen_deinit(&all);
    }
}

static aver_err see_names(const aver_stream_item *item, void *context)
{
    aver_buf *all = context;
    aver_buf_append(all, item->name);
    aver_buf_append_text(all, "=");
    aver_buf_append(all, item->value);
    aver_buf_append_format(all, "/%zu;", item->raw.size);
    return AVER_OK;
}

static void events_may_have_a_name(void **state)
{
    (void)state;
    aver_view bytes = AVER_VIEW_LITERAL(
        "event: response.output_text.delta\ndata: {\"a\":1}\n\ndata: {}\n\nevent: "
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl\ndata: 2\n\n");
    for (size_t piece = 1; piece <= bytes.size; piece++) {
        aver_buf all;
        aver_stream_reader *reader = NULL;
        aver_buf_init(&all, 4096);
        assert_int_equal(aver_stream_reader_new(see_names, &all, &reader), AVER_OK);
        for (size_t at = 0; at < bytes.size; at += piece) {
            size_t size = bytes.size - at < piece ? bytes.size - at : piece;
            assert_int_equal(aver_stream_reader_feed(reader, aver_view_slice(bytes, at, size)),
                             AVER_OK);
        }
        assert_true(aver_view_equal_text(
            aver_buf_view(&all),
            "response.output_text.delta={\"a\":1}/49;={}/10;"
            "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl=2/81;"));
        aver_stream_reader_free(reader);
        aver_buf_deinit(&all);
    }
    uint64_t count = 0;
    uint8_t root[32];
    assert_int_equal(aver_stream_tree(bytes, UINT64_MAX, &count, root), AVER_OK);
    assert_int_equal(count, 3);
}

static void an_unfinished_item_is_noticed_at_the_end(void **state)
{
    (void)state;
    seen all;
    aver_stream_reader *reader = NULL;
    seen_init(&all);
    assert_int_equal(aver_stream_reader_new(see, &all, &reader), AVER_OK);
    assert_int_equal(aver_stream_reader_feed(reader, AVER_VIEW_LITERAL("data: {}\n")), AVER_OK);
    assert_int_equal(aver_stream_reader_end(reader), AVER_E_FORMAT);
    assert_int_equal(aver_stream_reader_feed(reader, AVER_VIEW_LITERAL("\n")), AVER_OK);
    assert_int_equal(aver_stream_reader_end(reader), AVER_OK);
    aver_stream_reader_free(reader);
    seen_deinit(&all);
}

static void a_line_without_end_is_bounded(void **state)
{
    (void)state;
    enum { PIECE = 65536 };
    seen all;
    aver_stream_reader *reader = NULL;
    uint8_t *piece = malloc(PIECE);
    assert_non_null(piece);
    memset(piece, 'x', PIECE);
    seen_init(&all);
    assert_int_equal(aver_stream_reader_new(see, &all, &reader), AVER_OK);
    aver_err err = AVER_OK;
    size_t fed = 0;
    while (err == AVER_OK && fed <= 2u * AVER_STREAM_LINE_BYTES_MAX) {
        err = aver_stream_reader_feed(reader, aver_view_make(piece, PIECE));
        fed += PIECE;
    }
    assert_int_equal(err, AVER_E_LIMIT);
    free(piece);
    aver_stream_reader_free(reader);
    seen_deinit(&all);
}

static void the_readers_refusal_stops_the_feed(void **state)
{
    (void)state;
    aver_buf bytes;
    seen all;
    aver_stream_reader *reader = NULL;
    aver_buf_init(&bytes, 4096);
    put_stream(&bytes);
    seen_init(&all);
    all.stop_after = 2;
    assert_int_equal(aver_stream_reader_new(see, &all, &reader), AVER_OK);
    assert_int_equal(aver_stream_reader_feed(reader, aver_buf_view(&bytes)), AVER_E_PROOF);
    assert_int_equal(all.count, 2);
    aver_stream_reader_free(reader);
    seen_deinit(&all);
    aver_buf_deinit(&bytes);
}

static void the_tree_is_over_whole_events(void **state)
{
    (void)state;
    aver_merkle tree;
    uint64_t count = 0;
    uint8_t root[32];
    uint8_t wanted[32];
    aver_view events = AVER_VIEW_LITERAL("data: 1\n\ndata: 2\n\ndata: 3\n\n");
    aver_merkle_init(&tree);
    aver_merkle_append(&tree, AVER_VIEW_LITERAL("data: 1\n\n"));
    aver_merkle_append(&tree, AVER_VIEW_LITERAL("data: 2\n\n"));
    aver_merkle_root(&tree, wanted);
    assert_int_equal(aver_stream_tree(events, 2, &count, root), AVER_OK);
    assert_int_equal(count, 2);
    assert_memory_equal(root, wanted, 32);
    assert_int_equal(aver_stream_tree(events, UINT64_MAX, &count, root), AVER_OK);
    assert_int_equal(count, 3);
    events.size--;
    assert_int_equal(aver_stream_tree(events, UINT64_MAX, &count, root), AVER_E_FORMAT);
    assert_int_equal(aver_stream_tree((aver_view){0}, UINT64_MAX, &count, root), AVER_OK);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_the_same_however_the_bytes_arrive),
        cmocka_unit_test(what_is_no_stream_of_ours_is_refused),
        cmocka_unit_test(events_may_have_a_name),
        cmocka_unit_test(an_unfinished_item_is_noticed_at_the_end),
        cmocka_unit_test(a_line_without_end_is_bounded),
        cmocka_unit_test(the_readers_refusal_stops_the_feed),
        cmocka_unit_test(the_tree_is_over_whole_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
