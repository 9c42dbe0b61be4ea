/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_DOCS_BLOCKS_H
#define AVER_TESTS_SUPPORT_DOCS_BLOCKS_H

/*
 * docs_blocks: the worked examples of a page of docs/, so that tests can compute them again.
 *
 *   ```hex name=NAME
 *   hex, on any number of lines
 *   ```
 *
 * Pages are found by AVER_SOURCE (default: the current folder). Whatever is wrong fails the test
 * that runs. A page is large: keep it static.
 */

#include "aver/bytes.h"

#define DOCS_BLOCKS_MAX 64

typedef struct docs_block {
    char name[48];
    aver_buf bytes;
    bool used;
} docs_block;

typedef struct docs_page {
    const char *name; /* "receipts.md" */
    docs_block blocks[DOCS_BLOCKS_MAX];
    size_t count;
} docs_page;

/* Any file of the source: its bytes, with a NUL behind them that is counted. */
void docs_file_read(const char *folder, const char *name, aver_buf *ret_text);
void docs_page_read(docs_page *page, const char *name);
void docs_page_deinit(docs_page *page);
/* The bytes of a block, which counts as looked at from then on. */
aver_view docs_page_get(docs_page *page, const char *name);
/* The same of a block of 32 bytes. */
const uint8_t *docs_page_get32(docs_page *page, const char *name);
void docs_page_expect(docs_page *page, const char *name, aver_view found);
/* Fails unless there are blocks, and each was looked at. */
void docs_page_expect_all_used(const docs_page *page);

#endif
