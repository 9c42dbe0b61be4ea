/* SPDX-License-Identifier: Apache-2.0 */
#include "support/mutate.h"

#include "base/check.h"
#include "support/mutate_repair.h"

#include <string.h>

enum { MUTATE_SPOTS_MAX = CBOR_TREE_NODES_MAX, MUTATE_RAW_OF_16 = 1, MUTATE_CHANGES_MAX = 3 };

/* A node and where it hangs; key is the node before it in a map, if it is a value. */
typedef struct mutate_spot {
    cbor_node *parent, *node;
} mutate_spot;

typedef struct mutate_state {
    uint64_t *random;
    cbor_tree *tree;
    mutate_spot spots[MUTATE_SPOTS_MAX];
    size_t spots_count;
    cbor_node *other; /* another capsule */
} mutate_state;

static aver_ed25519 *mutate_key(const char *name)
{
    uint8_t seed[32];
    aver_ed25519 *key = NULL;
    forge_bytes(name, seed);
    AVER_ASSERT(aver_ed25519_from_seed(seed, &key) == AVER_OK);
    return key;
}

void mutate_keys_init(mutate_keys *keys)
{
    keys->root = mutate_key("root");
    keys->device = mutate_key("device");
    keys->receipt = mutate_key("receipt");
    keys->stranger = mutate_key("stranger");
}

void mutate_keys_deinit(mutate_keys *keys)
{
    aver_ed25519_free(keys->root);
    aver_ed25519_free(keys->device);
    aver_ed25519_free(keys->receipt);
    aver_ed25519_free(keys->stranger);
}

static uint64_t mutate_next(uint64_t *random)
{
    *random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t value = *random;
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

uint64_t mutate_below(uint64_t *random, uint64_t count)
{
    return mutate_next(random) % count;
}

/* Puts bytes in the place of so many at a position. */
static void mutate_splice(aver_buf *bytes, size_t at, size_t removed, aver_view put)
{
    aver_buf copy;
    aver_view old = aver_buf_view(bytes);
    aver_buf_init(&copy, bytes->capacity_max);
    aver_buf_append(&copy, aver_view_slice(old, 0, at));
    aver_buf_append(&copy, put);
    aver_buf_append(&copy, aver_view_slice(old, at + removed, old.size - at - removed));
    AVER_ASSERT(aver_buf_status(&copy) == AVER_OK);
    aver_buf_deinit(bytes);
    *bytes = copy;
}

/* Bits turned, bytes lost, bytes added, the end cut off. */
static void mutate_raw(uint64_t *random, aver_buf *bytes)
{
    size_t at = (size_t)mutate_below(random, bytes->size);
    size_t rest = bytes->size - at;
    size_t some = 1 + (size_t)mutate_below(random, rest < 8 ? rest : 8);
    uint64_t added = mutate_next(random);
    switch (mutate_below(random, 5)) {
    case 0:
        mutate_splice(bytes, at, some, (aver_view){0});
        break;
    case 1:
        mutate_splice(bytes, at, 0, aver_view_make(&added, some));
        break;
    case 2:
        bytes->size = at > 0 ? at : 1;
        break;
    default:
        bytes->data[at] ^= (uint8_t)(1u << mutate_below(random, 8));
        break;
    }
}

/* Another digit for one, or white space where some may stand: a policy often survives it. */
static void mutate_gently(uint64_t *random, aver_buf *text)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    static const char *const blanks[] = {" ", "\t", "\r\n", "\f", "\xc2\xa0"};
    size_t at = (size_t)mutate_below(random, text->size);
    if (mutate_below(random, 2) == 0) {
        while (at < text->size && !strchr(digits, text->data[at])) {
            at++;
        }
        if (at < text->size) {
            text->data[at] = (uint8_t)digits[mutate_below(random, sizeof digits - 1)];
        }
        return;
    }
    while (at < text->size && !strchr("{}[]:,", text->data[at])) {
        at++;
    }
    mutate_splice(text, at, 0,
                  aver_view_text(blanks[mutate_below(random, sizeof blanks / sizeof blanks[0])]));
}

void mutate_text(uint64_t *random, aver_buf *text)
{
    static const char *const pieces[] = {",",
                                         "{",
                                         "}",
                                         "[",
                                         "]",
                                         "\"",
                                         ":",
                                         "0",
                                         "-1",
                                         "1.0",
                                         "1e3",
                                         "null",
                                         "true",
                                         " ",
                                         "\t",
                                         "\\",
                                         "\\u0000",
                                         "\\ud83d\\ude00",
                                         "\xff",
                                         "\xc3\xa9",
                                         "//",
                                         "00",
                                         "3e-1",
                                         "\x7f",
                                         "\x01",
                                         "-0",
                                         "\"a\":1,",
                                         "[\"a\"]",
                                         "\xef\xbb\xbf",
                                         "18446744073709551616",
                                         "9223372036854775808"};
    for (uint64_t changes = 1 + mutate_below(random, 2); changes > 0; changes--) {
        size_t at = (size_t)mutate_below(random, text->size);
        const char *piece = pieces[mutate_below(random, sizeof pieces / sizeof pieces[0])];
        size_t removed = (size_t)mutate_below(random, 3);
        uint64_t kind = mutate_below(random, 4);
        if (kind == 0) {
            mutate_raw(random, text);
        } else if (kind == 1) {
            removed = removed < text->size - at ? removed : 0;
            mutate_splice(text, at, removed, aver_view_text(piece));
        } else {
            mutate_gently(random, text);
        }
    }
}

/* Keys of maps count less: another key is an unknown key nearly always. */
static void mutate_collect(mutate_state *state, cbor_node *parent)
{
    bool key = false;
    for (cbor_node *child = parent->child; child; child = child->next) {
        key = parent->major == CBOR_TREE_MAP && !key;
        if (!key || mutate_below(state->random, 8) == 0) {
            AVER_ASSERT(state->spots_count < MUTATE_SPOTS_MAX);
            state->spots[state->spots_count++] = (mutate_spot){parent, child};
        }
        mutate_collect(state, child);
    }
}

/* The link that leads to the node, or to the key before it where it is a value. */
static cbor_node **mutate_link(const mutate_spot *spot, size_t *ret_width)
{
    cbor_node **link = &spot->parent->child;
    *ret_width = spot->parent->major == CBOR_TREE_MAP ? 2 : 1;
    while (*link != spot->node && !(*ret_width == 2 && (*link)->next == spot->node)) {
        link = *ret_width == 2 ? &(*link)->next->next : &(*link)->next;
    }
    return link;
}

static void mutate_remove(mutate_state *state, const mutate_spot *spot)
{
    size_t width;
    (void)state;
    cbor_node **link = mutate_link(spot, &width);
    *link = width == 2 ? (*link)->next->next : (*link)->next;
}

/* A second one right behind the first. */
static void mutate_double(mutate_state *state, const mutate_spot *spot)
{
    size_t width;
    cbor_node *first = *mutate_link(spot, &width);
    cbor_node *copy = cbor_tree_copy(state->tree, first);
    cbor_node *last = first;
    if (width == 2) {
        last = first->next;
        copy->next = cbor_tree_copy(state->tree, first->next);
        copy->next->next = last->next;
    } else {
        copy->next = last->next;
    }
    last->next = copy;
}

/* What stands first comes last. */
static void mutate_turn(mutate_state *state, const mutate_spot *spot)
{
    size_t width;
    (void)state;
    cbor_node *first = spot->parent->child;
    (void)mutate_link(spot, &width);
    cbor_node *last = width == 2 ? first->next : first;
    cbor_node *rest = last->next;
    if (rest) {
        spot->parent->child = rest;
        last->next = NULL;
        while (rest->next) {
            rest = rest->next;
        }
        rest->next = first;
    }
}

/* A node of the same kind of place, or any, of the other capsule. */
static void mutate_swap(mutate_state *state, const mutate_spot *spot)
{
    static mutate_state other;
    other.random = state->random;
    other.spots_count = 0;
    mutate_collect(&other, state->other);
    size_t pick = (size_t)mutate_below(state->random, other.spots_count);
    for (size_t i = 0; i < other.spots_count && mutate_below(state->random, 8) != 0; i++) {
        const cbor_node *node = other.spots[(pick + i) % other.spots_count].node;
        if (node->major == spot->node->major && node->bytes.size == spot->node->bytes.size) {
            pick = (pick + i) % other.spots_count;
            break;
        }
    }
    cbor_node *next = spot->node->next;
    *spot->node = *cbor_tree_copy(state->tree, other.spots[pick].node);
    spot->node->next = next;
}

/* Numbers beside it, and at the edges of what a field may hold. */
static void mutate_number(mutate_state *state, const mutate_spot *spot)
{
    static const uint64_t edges[] = {
        0,      1,          2,          3,          4,          5,         6,     23,
        24,     255,        256,        999,        1000,       60000,     65536, 65537,
        262144, UINT32_MAX, 1ull << 31, 1ull << 53, 1ull << 63, UINT64_MAX};
    switch (mutate_below(state->random, 4)) {
    case 0:
        spot->node->value++;
        break;
    case 1:
        spot->node->value--;
        break;
    case 2:
        spot->node->value += mutate_below(state->random, 800001) - 400000;
        break;
    default:
        spot->node->value = edges[mutate_below(state->random, sizeof edges / sizeof edges[0])];
        break;
    }
}

/* Points of small order, forms of points that are not canonical, and no points. */
static void mutate_point(mutate_state *state, uint8_t *key)
{
    static const uint8_t order_8[32] = {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f,
                                        0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
                                        0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6,
                                        0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a};
    uint64_t kind = mutate_below(state->random, 5);
    memset(key, kind == 1 ? 0xff : 0, 32);
    key[0] = (uint8_t)(kind == 1 ? 0xec + mutate_below(state->random, 20)
                                 : mutate_below(state->random, 3));
    key[31] = (uint8_t)(kind == 1 ? 0x7f : 0);
    if (kind == 2) {
        memcpy(key, order_8, sizeof order_8);
    }
    key[31] |= (uint8_t)(mutate_below(state->random, 2) << 7);
}

/* The other scalar of the same signature, S + the order of the group. */
static void mutate_scalar(uint8_t *scalar)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                      0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                      0,    0,    0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0x10};
    unsigned carry = 0;
    for (size_t i = 0; i < sizeof order; i++) {
        carry += scalar[i] + order[i];
        scalar[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

/* Pieces of a stream, some of which no stream has. */
static void mutate_stream(mutate_state *state, aver_buf *bytes)
{
    static const char *const pieces[] = {
        "event: a.b_c\n", "data: x\n\n", "\n",        ": ping\n\n", "data: [DONE]\n\n",
        "event: A\n",     "\r\n",        "data: y\n", "\xff",       "data:z\n\n",
        "\n\n",           "event: a\n\n"};
    const char *piece = pieces[mutate_below(state->random, sizeof pieces / sizeof pieces[0])];
    size_t at = (size_t)mutate_below(state->random, bytes->size + 1);
    while (at < bytes->size && at > 0 && bytes->data[at - 1] != '\n') {
        at++;
    }
    mutate_splice(bytes, at, 0, aver_view_text(piece));
}

static void mutate_string(mutate_state *state, const mutate_spot *spot)
{
    aver_buf bytes;
    aver_buf_init(&bytes, CBOR_TREE_STORE_MAX);
    aver_buf_append(&bytes, spot->node->bytes);
    uint8_t major = spot->node->major;
    uint64_t kind = mutate_below(state->random, 6);
    bool fixed = bytes.size == 32 || bytes.size == 64;
    if (bytes.size == 32 && kind < 2) {
        mutate_point(state, bytes.data);
    } else if (bytes.size == 64 && kind < 2) {
        mutate_scalar(bytes.data + 32);
    } else if (fixed && kind < 5) {
        bytes.data[mutate_below(state->random, bytes.size)] ^= 1;
    } else if (bytes.size > 1024 && kind < 4) {
        mutate_stream(state, &bytes);
    } else if (bytes.size > 0 && kind < 5) {
        mutate_raw(state->random, &bytes);
    } else {
        bytes.size = 0;
    }
    cbor_tree_set_bytes(state->tree, spot->node, aver_buf_view(&bytes));
    spot->node->major = major;
    aver_buf_deinit(&bytes);
}

/* A value of another type. */
static void mutate_type(mutate_state *state, const mutate_spot *spot)
{
    static const uint64_t simple[] = {20, 21, 22, 23, 25};
    cbor_node *node = spot->node;
    node->child = node->major == CBOR_TREE_ARRAY || node->major == CBOR_TREE_MAP ||
                          node->major == CBOR_TREE_TAG
                      ? NULL
                      : node->child;
    node->major = (uint8_t)mutate_below(state->random, 8);
    if (node->major == CBOR_TREE_SIMPLE) {
        node->value = simple[mutate_below(state->random, 5)];
    }
    if (node->major == CBOR_TREE_TAG && !node->child) {
        node->major = CBOR_TREE_ARRAY;
    }
    if (node->major == CBOR_TREE_MAP && node->child) {
        node->child->next = NULL;
        node->child->next = cbor_tree_copy(state->tree, node->child);
    }
    if (node->major >= CBOR_TREE_ARRAY && node->major <= CBOR_TREE_TAG) {
        node->bytes = (aver_view){0};
    }
}

static void mutate_value(mutate_state *state, const mutate_spot *spot)
{
    cbor_node *node = spot->node;
    if (node->major == CBOR_TREE_SIMPLE) {
        node->value = 20 + mutate_below(state->random, 3);
    } else if (node->major == CBOR_TREE_UINT || node->major == CBOR_TREE_NEGATIVE ||
               node->major == CBOR_TREE_TAG) {
        mutate_number(state, spot);
    } else if ((node->major == CBOR_TREE_BYTES || node->major == CBOR_TREE_TEXT) && !node->child) {
        mutate_string(state, spot);
    } else {
        mutate_double(state, spot);
    }
}

static void mutate_node(mutate_state *state, const mutate_spot *spot)
{
    switch (mutate_below(state->random, 40)) {
    case 0:
    case 1:
        mutate_remove(state, spot);
        break;
    case 2:
        mutate_double(state, spot);
        break;
    case 3:
        mutate_turn(state, spot);
        break;
    case 4:
        mutate_type(state, spot);
        break;
    case 5:
        spot->node->head_more = (uint8_t)(1 + mutate_below(state->random, 2));
        break;
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
        mutate_swap(state, spot);
        break;
    default:
        mutate_value(state, spot);
        break;
    }
}

/* A signature that holds for every message under a key that is the neutral point. */
static void mutate_weak(mutate_state *state, cbor_node *capsule)
{
    uint8_t key[32] = {1};
    uint8_t signature[64] = {1};
    cbor_node *keyset = cbor_tree_at(cbor_tree_at(capsule, 2), 4);
    cbor_node *receipt = cbor_tree_at(capsule, 1);
    key[31] = (uint8_t)(mutate_below(state->random, 2) << 7);
    cbor_node *role = cbor_tree_at(cbor_tree_at(keyset, 4), 1);
    cbor_node *seed = cbor_tree_at(cbor_tree_at(cbor_tree_at(receipt, 2), 1), 9);
    if (role && seed) {
        cbor_tree_set_bytes(state->tree, role, AVER_VIEW_OF(key));
        mutate_number(state, &(mutate_spot){.node = seed});
        cbor_tree_set_bytes(state->tree, cbor_tree_at(receipt, 3), AVER_VIEW_OF(signature));
    }
}

static unsigned mutate_repair_choice(uint64_t *random)
{
    unsigned what = REPAIR_ALL;
    if (mutate_below(random, 2) == 0) {
        what &= ~(1u << mutate_below(random, 8));
    }
    if (mutate_below(random, 8) == 0) {
        what = (unsigned)mutate_below(random, REPAIR_ALL + 1);
    }
    if (mutate_below(random, 32) == 0) {
        what |= REPAIR_STRANGER;
    }
    return what;
}

static void mutate_tree(uint64_t *random, const mutate_keys *keys, aver_view base, aver_view other,
                        aver_buf *out)
{
    static cbor_tree tree;
    static mutate_state state;
    cbor_tree_clear(&tree);
    cbor_node *capsule = cbor_tree_parse(&tree, base);
    state.random = random;
    state.tree = &tree;
    state.other = cbor_tree_parse(&tree, other);
    if (mutate_below(random, 64) == 0) {
        mutate_weak(&state, capsule);
        mutate_repair(&tree, capsule, keys, REPAIR_ALL & ~(unsigned)REPAIR_MESSAGES);
        cbor_tree_write(capsule, out);
        return;
    }
    /* One change more often than two, two more often than three. */
    uint64_t changes = 1 + mutate_below(random, 1 + mutate_below(random, MUTATE_CHANGES_MAX));
    for (; changes > 0; changes--) {
        state.spots_count = 0;
        mutate_collect(&state, capsule);
        if (state.spots_count > 0) {
            mutate_node(&state, &state.spots[mutate_below(random, state.spots_count)]);
        }
    }
    /* Without any repair what was changed last stays as it is, a signature too. */
    if (mutate_below(random, 8) != 0) {
        mutate_repair(&tree, capsule, keys, mutate_repair_choice(random));
    }
    cbor_tree_write(capsule, out);
}

void mutate_capsule(uint64_t *random, const mutate_keys *keys, aver_view base, aver_view other,
                    aver_buf *out)
{
    if (mutate_below(random, 16) < MUTATE_RAW_OF_16) {
        aver_buf_append(out, base);
        mutate_raw(random, out);
    } else {
        mutate_tree(random, keys, base, other, out);
    }
    AVER_ASSERT(aver_buf_status(out) == AVER_OK);
}
