/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/text.h"

#include <string.h>

/* What stands at the beginning of some bytes. */
typedef enum utf8_kind {
    UTF8_WHOLE,     /* a character */
    UTF8_MALFORMED, /* bytes that no more bytes can make valid */
    UTF8_CUT,       /* the beginning of a character, then the end of the bytes */
} utf8_kind;

typedef struct utf8_step {
    utf8_kind kind;
    size_t size; /* bytes of the character, or of the maximal malformed or cut part */
} utf8_step;

/* Bytes that a lead byte announces after itself, and the range of the first of them. */
typedef struct utf8_lead {
    size_t more;
    uint8_t low;
    uint8_t high;
} utf8_lead;

/* The table 3-7 of the Unicode standard: no overlong forms, no surrogates, nothing past U+10FFFF.
 */
static bool utf8_lead_read(uint8_t byte, utf8_lead *ret_lead)
{
    if (byte >= 0xc2 && byte <= 0xdf) {
        *ret_lead = (utf8_lead){1, 0x80, 0xbf};
    } else if (byte >= 0xe0 && byte <= 0xef) {
        *ret_lead = (utf8_lead){2, byte == 0xe0 ? 0xa0 : 0x80, byte == 0xed ? 0x9f : 0xbf};
    } else if (byte >= 0xf0 && byte <= 0xf4) {
        *ret_lead = (utf8_lead){3, byte == 0xf0 ? 0x90 : 0x80, byte == 0xf4 ? 0x8f : 0xbf};
    } else {
        return false;
    }
    return true;
}

static utf8_step utf8_next(const uint8_t *data, size_t size)
{
    if (data[0] < 0x80) {
        return (utf8_step){UTF8_WHOLE, 1};
    }
    utf8_lead lead;
    if (!utf8_lead_read(data[0], &lead)) {
        return (utf8_step){UTF8_MALFORMED, 1};
    }
    for (size_t i = 1; i <= lead.more; i++) {
        if (i == size) {
            return (utf8_step){UTF8_CUT, i};
        }
        uint8_t low = i == 1 ? lead.low : 0x80;
        uint8_t high = i == 1 ? lead.high : 0xbf;
        if (data[i] < low || data[i] > high) {
            return (utf8_step){UTF8_MALFORMED, i};
        }
    }
    return (utf8_step){UTF8_WHOLE, lead.more + 1};
}

/* The size of the leading run of ASCII, eight bytes at a step: most text is nothing else. */
static size_t utf8_ascii_run(const uint8_t *data, size_t size)
{
    size_t run = 0;
    while (size - run >= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, data + run, sizeof word);
        if (word & UINT64_C(0x8080808080808080)) {
            break;
        }
        run += sizeof word;
    }
    while (run < size && data[run] < 0x80) {
        run++;
    }
    return run;
}

bool aver_utf8_valid(aver_view text)
{
    size_t at = 0;
    while (at < text.size) {
        at += utf8_ascii_run(text.data + at, text.size - at);
        if (at == text.size) {
            break;
        }
        utf8_step step = utf8_next(text.data + at, text.size - at);
        if (step.kind != UTF8_WHOLE) {
            return false;
        }
        at += step.size;
    }
    return true;
}

size_t aver_utf8_complete(aver_view text)
{
    /* A cut character is at most three bytes and begins at a lead byte: look only there. */
    for (size_t back = 1; back <= 3 && back <= text.size; back++) {
        const uint8_t *lead = text.data + text.size - back;
        if ((*lead & 0xc0) != 0x80) {
            return utf8_next(lead, back).kind == UTF8_CUT ? text.size - back : text.size;
        }
    }
    return text.size;
}

void aver_utf8_append_clean(aver_buf *out, aver_view text)
{
    size_t at = 0;
    size_t clean = 0; /* text[clean, at) is valid and not yet appended */
    while (at < text.size) {
        utf8_step step = utf8_next(text.data + at, text.size - at);
        if (step.kind != UTF8_WHOLE) {
            aver_buf_append(out, aver_view_slice(text, clean, at - clean));
            aver_buf_append_text(out, "\xef\xbf\xbd");
            clean = at + step.size;
        }
        at += step.size;
    }
    aver_buf_append(out, aver_view_slice(text, clean, at - clean));
}
