/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/der.h"

#include <string.h>

enum {
    DER_CONSTRUCTED = 0x20,
    DER_CLASS_MASK = 0xc0,
    DER_NUMBER_MASK = 0x1f,
    DER_BOOLEAN = 1,
    DER_INTEGER = 2,
    DER_BIT_STRING = 3,
    DER_NULL = 5,
    DER_ENUMERATED = 10,
    DER_SEQUENCE = 16,
    DER_SET = 17,
};

typedef struct der_element {
    uint8_t tag; /* its first octet */
    aver_view content;
    size_t size; /* head and content */
} der_element;

/* An element whose inside is being walked. */
typedef struct der_level {
    aver_view rest;
    aver_view before; /* in a SET: the element before, empty at first */
    bool is_set;
} der_level;

static bool der_tag_read(aver_view bytes, size_t *at)
{
    uint8_t first = bytes.data[(*at)++];
    if ((first & DER_NUMBER_MASK) != DER_NUMBER_MASK) {
        return first != 0;
    }
    /* Tag numbers from 31 on, in base 128, at most two octets. */
    uint32_t number = 0;
    for (int i = 0; i < 2 && *at < bytes.size; i++) {
        uint8_t octet = bytes.data[(*at)++];
        number = number << 7 | (octet & 0x7fU);
        if ((octet & 0x80) == 0) {
            return number >= DER_NUMBER_MASK && (i == 0 || number > 0x7f);
        }
    }
    return false;
}

static bool der_length_read(aver_view bytes, size_t *at, size_t *ret_length)
{
    if (*at >= bytes.size) {
        return false;
    }
    uint8_t first = bytes.data[(*at)++];
    if (first < 0x80) {
        *ret_length = first;
        return true;
    }
    size_t octets = first & 0x7fU;
    if (octets == 0 || octets > 4 || octets > bytes.size - *at || bytes.data[*at] == 0) {
        return false;
    }
    size_t length = 0;
    for (size_t i = 0; i < octets; i++) {
        length = length << 8 | bytes.data[(*at)++];
    }
    *ret_length = length;
    return length >= 0x80;
}

static bool der_element_read(aver_view bytes, der_element *ret_element)
{
    size_t at = 0;
    size_t length = 0;
    if (bytes.size == 0 || !der_tag_read(bytes, &at) || !der_length_read(bytes, &at, &length) ||
        length > bytes.size - at) {
        return false;
    }
    *ret_element = (der_element){bytes.data[0], aver_view_slice(bytes, at, length), at + length};
    return true;
}

/* Surplus octets: nine equal bits at the front. */
static bool der_integer_valid(aver_view content)
{
    if (content.size < 2) {
        return content.size == 1;
    }
    uint8_t sign = content.data[1] & 0x80 ? 0xff : 0x00;
    return content.data[0] != sign;
}

static bool der_bit_string_valid(aver_view content)
{
    if (content.size == 0 || content.data[0] > 7) {
        return false;
    }
    uint8_t unused = content.data[0];
    if (content.size == 1) {
        return unused == 0;
    }
    return (content.data[content.size - 1] & ((1U << unused) - 1)) == 0;
}

/* The rules of the universal types. Types with an inside are SEQUENCE and SET alone. */
static bool der_universal_valid(const der_element *element)
{
    bool constructed = (element->tag & DER_CONSTRUCTED) != 0;
    switch (element->tag & DER_NUMBER_MASK) {
    case DER_SEQUENCE:
    case DER_SET:
        return constructed;
    case DER_BOOLEAN:
        return !constructed && element->content.size == 1 &&
               (element->content.data[0] == 0x00 || element->content.data[0] == 0xff);
    case DER_INTEGER:
    case DER_ENUMERATED:
        return !constructed && der_integer_valid(element->content);
    case DER_BIT_STRING:
        return !constructed && der_bit_string_valid(element->content);
    case DER_NULL:
        return !constructed && element->content.size == 0;
    default:
        return !constructed;
    }
}

/* A SET OF is in ascending order; a SET is in the order of its tags, which is the same here. */
static bool der_set_ordered(aver_view before, aver_view after)
{
    size_t size = before.size < after.size ? before.size : after.size;
    int order = size > 0 ? memcmp(before.data, after.data, size) : 0;
    return order < 0 || (order == 0 && before.size <= after.size);
}

/* Takes the next element of the level; *ret_inside is where its own elements lie, or empty. */
static aver_err der_level_step(der_level *level, der_level *ret_inside)
{
    der_element element;
    if (!der_element_read(level->rest, &element)) {
        return AVER_E_FORMAT;
    }
    if ((element.tag & DER_CLASS_MASK) == 0 && !der_universal_valid(&element)) {
        return AVER_E_FORMAT;
    }
    aver_view whole = aver_view_slice(level->rest, 0, element.size);
    if (level->is_set && !der_set_ordered(level->before, whole)) {
        return AVER_E_FORMAT;
    }
    level->before = whole;
    level->rest = aver_view_slice(level->rest, element.size, level->rest.size - element.size);
    *ret_inside = (der_level){0};
    if (element.tag & DER_CONSTRUCTED) {
        ret_inside->rest = element.content;
        ret_inside->is_set = element.tag == (DER_SET | DER_CONSTRUCTED);
    }
    return AVER_OK;
}

aver_err aver_der_check(aver_view der)
{
    der_element top;
    der_level levels[AVER_DER_DEPTH_MAX];
    size_t depth = 1;
    if (!der_element_read(der, &top) || top.size != der.size) {
        return AVER_E_FORMAT;
    }
    levels[0] = (der_level){.rest = der};
    while (depth > 0) {
        der_level inside;
        if (levels[depth - 1].rest.size == 0) {
            depth--;
            continue;
        }
        aver_err err = der_level_step(&levels[depth - 1], &inside);
        if (err != AVER_OK) {
            return err;
        }
        if (inside.rest.size > 0) {
            if (depth == AVER_DER_DEPTH_MAX) {
                return AVER_E_LIMIT;
            }
            levels[depth++] = inside;
        }
    }
    return AVER_OK;
}
