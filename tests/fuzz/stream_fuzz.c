/* SPDX-License-Identifier: Apache-2.0 */
/* The items of a stream do not depend on how its bytes are cut into pieces. */
#include "aver/stream.h"
#include "base/check.h"
#include "crypto/hash.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct fuzz_items {
    aver_sha256 hash;
    size_t count;
} fuzz_items;

static aver_err fuzz_see(const aver_stream_item *item, void *context)
{
    fuzz_items *items = context;
    uint8_t kind = (uint8_t)item->kind;
    aver_sha256_update(&items->hash, aver_view_make(&kind, 1));
    aver_sha256_update(&items->hash, item->raw);
    aver_sha256_update(&items->hash, item->value);
    aver_sha256_update(&items->hash, item->name);
    items->count++;
    return AVER_OK;
}

/* Feeds pieces of the given size; the digest of all items that came before an error. */
static aver_err fuzz_feed(aver_view bytes, size_t piece, uint8_t ret_digest[static 32])
{
    fuzz_items items = {.count = 0};
    aver_stream_reader *reader = NULL;
    aver_sha256_init(&items.hash);
    AVER_ASSERT(aver_stream_reader_new(fuzz_see, &items, &reader) == AVER_OK);
    aver_err err = AVER_OK;
    for (size_t at = 0; at < bytes.size && err == AVER_OK; at += piece) {
        size_t size = bytes.size - at < piece ? bytes.size - at : piece;
        err = aver_stream_reader_feed(reader, aver_view_slice(bytes, at, size));
    }
    if (err == AVER_OK) {
        err = aver_stream_reader_end(reader);
    }
    aver_stream_reader_free(reader);
    aver_sha256_final(&items.hash, ret_digest);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aver_view bytes = aver_view_make(data, size);
    uint8_t whole[32];
    uint8_t pieces[32];
    uint64_t count;
    uint8_t root[32];
    aver_err err = fuzz_feed(bytes, size ? size : 1, whole);
    AVER_ASSERT(fuzz_feed(bytes, 1, pieces) == err);
    AVER_ASSERT(memcmp(whole, pieces, sizeof whole) == 0);
    AVER_ASSERT(fuzz_feed(bytes, 7, pieces) == err);
    AVER_ASSERT(memcmp(whole, pieces, sizeof whole) == 0);
    err = aver_stream_tree(bytes, UINT64_MAX, &count, root);
    AVER_ASSERT(err == AVER_OK || err == AVER_E_FORMAT);
    return 0;
}
