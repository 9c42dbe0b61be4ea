/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TEST_ALLOC_FAIL_H
#define AVER_TEST_ALLOC_FAIL_H

/*
 * alloc_fail: a test program that includes this (in one file) has an allocator of which one call
 * can be made to fail: its own, those of OpenSSL and of jansson alike, since a program's malloc is
 * taken before the C library's. With sanitizers, which bring their own, nothing ever fails.
 *
 *   for (size_t at = 0; ; at++) { alloc_fail_at(at); ...; if (!alloc_fail_end()) { break; } }
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define ALLOC_FAIL_ACTIVE 1
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#undef ALLOC_FAIL_ACTIVE
#endif
#endif
#endif

/* Calls until the one that fails; SIZE_MAX: none does. */
static size_t alloc_fail_left = SIZE_MAX;
static bool alloc_fail_happened;
/* Blocks that are held now, to compare before and after: those of every thread. Not every test
 * looks. */
__attribute__((unused)) static size_t alloc_fail_live;

static inline void alloc_fail_at(size_t at)
{
    alloc_fail_happened = false;
    alloc_fail_left = at;
}

/* True if a call failed since alloc_fail_at. */
static inline bool alloc_fail_end(void)
{
    alloc_fail_left = SIZE_MAX;
    return alloc_fail_happened;
}

#ifdef ALLOC_FAIL_ACTIVE
/* The C library's own, under the names that it keeps for this. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void __libc_free(void *block);
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
void free(void *block);

static inline bool alloc_fail_now(void)
{
    if (alloc_fail_left == SIZE_MAX || alloc_fail_left-- > 0) {
        return false;
    }
    alloc_fail_left = SIZE_MAX;
    alloc_fail_happened = true;
    return true;
}

static inline void *alloc_fail_count(void *block)
{
    alloc_fail_live += block != NULL ? 1 : 0;
    return block;
}

void *malloc(size_t size)
{
    return alloc_fail_now() ? NULL : alloc_fail_count(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return alloc_fail_now() ? NULL : alloc_fail_count(__libc_calloc(count, size));
}

void *realloc(void *block, size_t size)
{
    if (alloc_fail_now()) {
        return NULL;
    }
    void *moved = __libc_realloc(block, size);
    return block == NULL ? alloc_fail_count(moved) : moved;
}

void free(void *block)
{
    alloc_fail_live -= block != NULL ? 1 : 0;
    __libc_free(block);
}
#endif

#endif
