/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/spell.h"

#include "codec/text.h"

#include <string.h>

/* Held back: at most a stop string and one token's bytes. */
#define PENDING_BYTES_MAX (64u * 1024)

void aver_spell_init(aver_spell *spell, const aver_buf *stops, size_t stops_count)
{
    spell->stops = stops;
    spell->stops_count = stops_count;
    aver_buf_init(&spell->pending, PENDING_BYTES_MAX);
    aver_buf_init(&spell->out, PENDING_BYTES_MAX * 3); /* each bad byte becomes three */
}

void aver_spell_deinit(aver_spell *spell)
{
    aver_buf_wipe(&spell->pending);
    aver_buf_deinit(&spell->pending);
    aver_buf_wipe(&spell->out);
    aver_buf_deinit(&spell->out);
}

/* Where the first stop string begins, or the size of pending. */
static size_t spell_find_stop(const aver_spell *spell)
{
    size_t first = spell->pending.size;
    for (size_t i = 0; i < spell->stops_count; i++) {
        const uint8_t *found = memmem(spell->pending.data, spell->pending.size,
                                      spell->stops[i].data, spell->stops[i].size);
        size_t at = found == NULL ? first : (size_t)(found - spell->pending.data);
        first = at < first ? at : first;
    }
    return first;
}

/* Bytes at the end of pending that could be the beginning of this stop string. */
static size_t spell_tail(const aver_buf *pending, const aver_buf *stop)
{
    size_t size = stop->size - 1 < pending->size ? stop->size - 1 : pending->size;
    while (size > 0 && memcmp(pending->data + pending->size - size, stop->data, size) != 0) {
        size--;
    }
    return size;
}

static aver_err spell_give(aver_spell *spell, size_t size, aver_view *ret_text)
{
    aver_buf_clear(&spell->out);
    aver_utf8_append_clean(&spell->out, aver_view_make(spell->pending.data, size));
    aver_err err = aver_buf_status(&spell->out);
    if (err == AVER_OK) {
        aver_buf_consume(&spell->pending, size);
        *ret_text = aver_buf_view(&spell->out);
    }
    return err;
}

aver_err aver_spell_push(aver_spell *spell, aver_view piece, aver_view *ret_text, bool *ret_stopped)
{
    aver_buf_append(&spell->pending, piece);
    aver_err err = aver_buf_status(&spell->pending);
    if (err != AVER_OK) {
        return err;
    }
    size_t stop = spell_find_stop(spell);
    if (stop < spell->pending.size) {
        err = spell_give(spell, stop, ret_text);
        aver_buf_clear(&spell->pending);
        *ret_stopped = true;
        return err;
    }
    size_t held = 0;
    for (size_t i = 0; i < spell->stops_count; i++) {
        size_t tail = spell_tail(&spell->pending, &spell->stops[i]);
        held = tail > held ? tail : held;
    }
    aver_view ready = aver_view_make(spell->pending.data, spell->pending.size - held);
    *ret_stopped = false;
    return spell_give(spell, aver_utf8_complete(ready), ret_text);
}

aver_err aver_spell_flush(aver_spell *spell, aver_view *ret_text)
{
    return spell_give(spell, spell->pending.size, ret_text);
}
