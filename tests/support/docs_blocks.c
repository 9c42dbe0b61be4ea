/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/docs_blocks.h"

#include "base/sys.h"
#include "codec/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DOCS_BYTES_MAX = 1 << 20 };

void docs_file_read(const char *folder, const char *name, aver_buf *ret_text)
{
    char path[1024];
    const char *source = getenv("AVER_SOURCE");
    (void)snprintf(path, sizeof path, "%s/%s/%s", source ? source : ".", folder, name);
    aver_buf_init(ret_text, DOCS_BYTES_MAX);
    if (aver_file_read(path, DOCS_BYTES_MAX - 1, ret_text) != AVER_OK) {
        fail_msg("%s cannot be read", path);
    }
    aver_buf_append_byte(ret_text, 0);
}

/* Reads lines of hex up to the closing fence; gives the rest of the text. */
static char *docs_block_read(char *text, docs_block *block)
{
    aver_buf_init(&block->bytes, DOCS_BYTES_MAX);
    for (;;) {
        char *end = strchr(text, '\n');
        assert_non_null(end);
        if (strncmp(text, "```", 3) == 0) {
            return end + 1;
        }
        assert_int_equal(
            aver_hex_decode_buf(aver_view_make(text, (size_t)(end - text)), &block->bytes),
            AVER_OK);
        text = end + 1;
    }
}

void docs_page_read(docs_page *page, const char *name)
{
    static const char fence[] = "\n```hex name=";
    aver_buf text;
    *page = (docs_page){.name = name};
    docs_file_read("docs", name, &text);
    char *at = (char *)text.data;
    for (at = strstr(at, fence); at; at = strstr(at - 1, fence)) {
        at += sizeof fence - 1;
        char *end = strchr(at, '\n');
        assert_non_null(end);
        assert_true(page->count < DOCS_BLOCKS_MAX);
        docs_block *block = &page->blocks[page->count++];
        (void)snprintf(block->name, sizeof block->name, "%.*s", (int)(end - at), at);
        at = docs_block_read(end + 1, block);
    }
    aver_buf_deinit(&text);
}

void docs_page_deinit(docs_page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        aver_buf_deinit(&page->blocks[i].bytes);
    }
    page->count = 0;
}

aver_view docs_page_get(docs_page *page, const char *name)
{
    for (size_t i = 0; i < page->count; i++) {
        if (strcmp(page->blocks[i].name, name) == 0) {
            page->blocks[i].used = true;
            return aver_buf_view(&page->blocks[i].bytes);
        }
    }
    fail_msg("docs/%s has no block \"%s\"", page->name, name);
    return (aver_view){0};
}

const uint8_t *docs_page_get32(docs_page *page, const char *name)
{
    aver_view bytes = docs_page_get(page, name);
    assert_int_equal(bytes.size, 32);
    return bytes.data;
}

void docs_page_expect(docs_page *page, const char *name, aver_view found)
{
    if (!aver_view_equal(docs_page_get(page, name), found)) {
        fail_msg("docs/%s: block \"%s\" does not follow from the others", page->name, name);
    }
}

void docs_page_expect_all_used(const docs_page *page)
{
    assert_true(page->count > 0);
    for (size_t i = 0; i < page->count; i++) {
        if (!page->blocks[i].used) {
            fail_msg("docs/%s: no test looks at block \"%s\"", page->name, page->blocks[i].name);
        }
    }
}
