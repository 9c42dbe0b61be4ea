/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/cbor_head.h"

aver_err aver_cbor_read_map(aver_cbor_cursor *cursor, aver_cbor_map *ret_map)
{
    aver_cbor_head head;
    aver_err err = aver_cbor_head_read(cursor, &head);
    if (err != AVER_OK) {
        return err;
    }
    if (head.major != CBOR_MAJOR_MAP) {
        return AVER_E_FORMAT;
    }
    bool lenient = (cursor->flags & AVER_CBOR_LENIENT) != 0;
    if (lenient && !head.indefinite && head.value > AVER_CBOR_LENIENT_PAIRS_MAX) {
        return AVER_E_LIMIT;
    }
    cursor->rest = aver_view_slice(cursor->rest, head.size, cursor->rest.size - head.size);
    ret_map->pairs_left = head.indefinite ? AVER_CBOR_INDEFINITE : head.value;
    ret_map->pairs_read = 0;
    ret_map->key_last = (aver_view){0};
    return AVER_OK;
}

/* Keys are integers or texts; the same key in a longer form is still the same key. */
static bool cbor_map_key_same(aver_view a, aver_view b)
{
    aver_cbor_cursor cursors[2] = {aver_cbor_open(a, AVER_CBOR_LENIENT),
                                   aver_cbor_open(b, AVER_CBOR_LENIENT)};
    aver_cbor_head heads[2];
    if (aver_cbor_head_read(&cursors[0], &heads[0]) != AVER_OK ||
        aver_cbor_head_read(&cursors[1], &heads[1]) != AVER_OK) {
        return false;
    }
    return heads[0].major == heads[1].major && heads[0].value == heads[1].value &&
           aver_view_equal(aver_view_slice(a, heads[0].size, a.size - heads[0].size),
                           aver_view_slice(b, heads[1].size, b.size - heads[1].size));
}

/* Where order is free, a key is compared with each before it: hence the small limit of pairs. */
static aver_err cbor_map_unique(const aver_cbor_map *map, aver_view key)
{
    for (uint64_t i = 0; i < map->pairs_read; i++) {
        if (cbor_map_key_same(map->keys[i], key)) {
            return AVER_E_FORMAT;
        }
    }
    return AVER_OK;
}

/* True at the end of the map; the break of an indefinite one is consumed. */
static aver_err cbor_map_ended(aver_cbor_cursor *cursor, aver_cbor_map *map, bool *ret_ended)
{
    bool more;
    uint64_t left = map->pairs_left;
    aver_err err = aver_cbor_array_more(cursor, &left, &more);
    if (err != AVER_OK) {
        return err;
    }
    map->pairs_left = more ? map->pairs_left : 0;
    *ret_ended = !more;
    return AVER_OK;
}

/* Checks the key whose encoding has just been passed and counts its pair. */
static aver_err cbor_map_key_done(const aver_cbor_cursor *cursor, aver_cbor_map *map, aver_view key)
{
    if (cursor->flags & AVER_CBOR_LENIENT) {
        if (map->pairs_read == AVER_CBOR_LENIENT_PAIRS_MAX) {
            return AVER_E_LIMIT;
        }
        aver_err err = cbor_map_unique(map, key);
        if (err != AVER_OK) {
            return err;
        }
        map->keys[map->pairs_read] = key;
    } else if (map->key_last.size > 0 && aver_cbor_key_compare(map->key_last, key) >= 0) {
        return AVER_E_FORMAT;
    }
    map->key_last = key;
    map->pairs_read++;
    map->pairs_left -= map->pairs_left == AVER_CBOR_INDEFINITE ? 0 : 1;
    return AVER_OK;
}

/* The encoding between two positions of one walk. */
static aver_view cbor_map_between(const aver_cbor_cursor *from, const aver_cbor_cursor *to)
{
    return aver_view_slice(from->rest, 0, from->rest.size - to->rest.size);
}

aver_err aver_cbor_map_key_int(aver_cbor_cursor *cursor, aver_cbor_map *map, bool *ret_more,
                               int64_t *ret_key)
{
    bool ended;
    aver_err err = cbor_map_ended(cursor, map, &ended);
    if (err != AVER_OK || ended) {
        if (err == AVER_OK) {
            *ret_more = false;
        }
        return err;
    }
    aver_cbor_cursor ahead = *cursor;
    int64_t key;
    err = aver_cbor_read_int(&ahead, &key);
    if (err == AVER_OK) {
        err = cbor_map_key_done(cursor, map, cbor_map_between(cursor, &ahead));
    }
    if (err == AVER_OK) {
        *cursor = ahead;
        *ret_more = true;
        *ret_key = key;
    }
    return err;
}

aver_err aver_cbor_map_key_text(aver_cbor_cursor *cursor, aver_cbor_map *map, bool *ret_more,
                                aver_view *ret_key)
{
    bool ended;
    aver_err err = cbor_map_ended(cursor, map, &ended);
    if (err != AVER_OK || ended) {
        if (err == AVER_OK) {
            *ret_more = false;
        }
        return err;
    }
    aver_cbor_cursor ahead = *cursor;
    aver_view key;
    err = aver_cbor_read_text(&ahead, &key);
    if (err == AVER_OK) {
        err = cbor_map_key_done(cursor, map, cbor_map_between(cursor, &ahead));
    }
    if (err == AVER_OK) {
        *cursor = ahead;
        *ret_more = true;
        *ret_key = key;
    }
    return err;
}
