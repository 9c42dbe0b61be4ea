/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include "base/check.h"
#include "base/log.h"
#include "base/sys.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/*
 * Secrets share locked pages, one 64-byte slot each, so that one costs no system call. Pages are
 * kept until the program ends: their number is bounded by the most secrets held at one time.
 */
enum { SECRET_PAGE_BYTES = 4096, SECRET_SLOTS = SECRET_PAGE_BYTES / AVER_SECRET_BYTES_MAX };

typedef struct secret_page {
    struct secret_page *next;
    uint64_t used; /* one bit a slot */
    uint8_t *slots;
} secret_page;

_Static_assert(SECRET_SLOTS == 64, "the bits of secret_page.used");

struct aver_secret {
    secret_page *page;
    unsigned slot;
    size_t size;
    uint8_t *data;
};

static pthread_mutex_t secret_mutex = PTHREAD_MUTEX_INITIALIZER;
static secret_page *secret_pages;
static bool secret_unlocked_logged;

static void secret_page_lock(uint8_t *slots)
{
    if (mlock(slots, SECRET_PAGE_BYTES) != 0 && !secret_unlocked_logged) {
        secret_unlocked_logged = true;
        aver_log(AVER_LOG_WARN, "secret.unlocked", "memory for keys cannot be locked: %s",
                 strerror(errno));
    }
    /* Advice: kernels that do not know it still give plain memory. */
    (void)madvise(slots, SECRET_PAGE_BYTES, MADV_DONTDUMP);
    (void)madvise(slots, SECRET_PAGE_BYTES, MADV_WIPEONFORK);
}

/* A page with a free slot, the mutex held; NULL without memory. */
static secret_page *secret_page_get(void)
{
    for (secret_page *page = secret_pages; page; page = page->next) {
        if (page->used != UINT64_MAX) {
            return page;
        }
    }
    secret_page *page = calloc(1, sizeof *page);
    if (!page) {
        return NULL;
    }
    void *slots =
        mmap(NULL, SECRET_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (slots == MAP_FAILED) {
        free(page);
        return NULL;
    }
    secret_page_lock(slots);
    page->slots = slots;
    page->next = secret_pages;
    secret_pages = page;
    return page;
}

aver_err aver_secret_new(size_t size, aver_secret **ret_secret)
{
    if (size == 0 || size > AVER_SECRET_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    aver_secret *secret = calloc(1, sizeof *secret);
    if (!secret) {
        return AVER_E_NOMEM;
    }
    (void)pthread_mutex_lock(&secret_mutex);
    secret_page *page = secret_page_get();
    if (page) {
        secret->slot = (unsigned)__builtin_ctzll(~page->used);
        page->used |= UINT64_C(1) << secret->slot;
    }
    (void)pthread_mutex_unlock(&secret_mutex);
    if (!page) {
        free(secret);
        return AVER_E_NOMEM;
    }
    secret->page = page;
    secret->size = size;
    secret->data = page->slots + (size_t)secret->slot * AVER_SECRET_BYTES_MAX;
    *ret_secret = secret;
    return AVER_OK;
}

aver_err aver_secret_random(size_t size, aver_secret **ret_secret)
{
    aver_err err = aver_secret_new(size, ret_secret);
    if (err == AVER_OK) {
        aver_random((*ret_secret)->data, size);
    }
    return err;
}

aver_err aver_secret_copy(aver_view bytes, aver_secret **ret_secret)
{
    aver_err err = aver_secret_new(bytes.size, ret_secret);
    if (err == AVER_OK) {
        memcpy((*ret_secret)->data, bytes.data, bytes.size);
    }
    return err;
}

void aver_secret_free(aver_secret *secret)
{
    if (!secret) {
        return;
    }
    aver_wipe(secret->data, AVER_SECRET_BYTES_MAX);
    (void)pthread_mutex_lock(&secret_mutex);
    secret->page->used &= ~(UINT64_C(1) << secret->slot);
    (void)pthread_mutex_unlock(&secret_mutex);
    free(secret);
}

size_t aver_secret_size(const aver_secret *secret)
{
    return secret->size;
}

uint8_t *aver_secret_data(aver_secret *secret)
{
    return secret->data;
}

const uint8_t *aver_secret_bytes(const aver_secret *secret)
{
    return secret->data;
}

void aver_wipe(void *data, size_t size)
{
    if (size > 0) {
        explicit_bzero(data, size);
    }
}

bool aver_equal_secret(aver_view a, aver_view b)
{
    if (a.size != b.size) {
        return false;
    }
    /* volatile: the loop must not be turned into one that stops at the first difference. */
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < a.size; i++) {
        difference = (uint8_t)(difference | (a.data[i] ^ b.data[i]));
    }
    return difference == 0;
}
