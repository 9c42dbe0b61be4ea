/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/gguf_make.h"
#include "node/model_files.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES     2
#define SETTLE_NS 20000000

typedef struct shelf {
    char folder[64];
    char paths[FILES][128];
    off_t place; /* of a byte of the last tensor */
    struct event_base *base;
    aver_model_files files;
    aver_model_file *list[FILES];
    bool done;
    aver_err err;
    char why[160];
} shelf;

/* Times of files move on by ticks of some milliseconds. */
static void settle(void)
{
    const struct timespec pause = {.tv_nsec = 2 * SETTLE_NS};
    (void)nanosleep(&pause, NULL);
}

static void byte_put(const char *path, off_t place, uint8_t byte)
{
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &byte, 1, place), 1);
    assert_int_equal(close(fd), 0);
    settle();
}

static uint8_t byte_get(const char *path, off_t place)
{
    uint8_t byte = 0;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, place), 1);
    assert_int_equal(close(fd), 0);
    return byte;
}

static void shelf_open(shelf *self)
{
    aver_buf file;
    char folder[] = "/tmp/aver-model-files-XXXXXX";
    *self = (shelf){.place = 0};
    assert_non_null(mkdtemp(folder));
    memcpy(self->folder, folder, sizeof(folder));
    make_small(&file);
    self->place = (off_t)file.size - 100;
    self->base = event_base_new();
    assert_non_null(self->base);
    aver_model_files_init(&self->files, self->base, 1);
    self->files.settle_ns = SETTLE_NS;
    for (int i = 0; i < FILES; i++) {
        (void)snprintf(self->paths[i], sizeof(self->paths[i]), "%s/%d.gguf", folder, i);
        int fd = open(self->paths[i], O_CREAT | O_WRONLY, 0600);
        assert_true(fd >= 0);
        file.data[self->place] ^= (uint8_t)(i << 4); /* no twins */
        assert_int_equal(write(fd, file.data, file.size), (ssize_t)file.size);
        assert_int_equal(close(fd), 0);
        assert_int_equal(aver_model_files_add(&self->files, self->paths[i], &self->list[i]),
                         AVER_OK);
    }
    aver_buf_deinit(&file);
}

static void shelf_close(shelf *self)
{
    aver_model_files_deinit(&self->files);
    event_base_free(self->base);
    for (int i = 0; i < FILES; i++) {
        (void)unlink(self->paths[i]);
    }
    assert_int_equal(rmdir(self->folder), 0);
}

static void shelf_done(aver_err err, const char *why, void *context)
{
    shelf *self = context;
    self->done = true;
    self->err = err;
    (void)snprintf(self->why, sizeof(self->why), "%s", why);
}

/* Wants all files and gives them back; tells how many were read for that. */
static uint64_t shelf_try(shelf *self, aver_err wanted)
{
    uint64_t before = self->files.reads;
    self->done = false;
    assert_int_equal(aver_model_files_want(&self->files, self->list, FILES, shelf_done, self),
                     AVER_OK);
    while (!self->done) {
        assert_int_equal(event_base_loop(self->base, EVLOOP_ONCE), 0);
    }
    if (self->err != wanted) {
        fail_msg("%d, not %d: %s", (int)self->err, (int)wanted, self->why);
    }
    for (int i = 0; i < FILES; i++) {
        assert_int_equal(self->list[i]->users, wanted == AVER_OK ? 1 : 0);
    }
    if (wanted == AVER_OK) {
        aver_model_files_leave(self->list, FILES);
    }
    return self->files.reads - before;
}

static void a_file_that_changed_is_read_once(void **state)
{
    (void)state;
    shelf self;
    shelf_open(&self);
    uint8_t kept = byte_get(self.paths[1], self.place);
    assert_int_equal(shelf_try(&self, AVER_OK), 2);
    assert_int_equal(shelf_try(&self, AVER_OK), 2);
    byte_put(self.paths[1], self.place, kept ^ 1);
    assert_int_equal(shelf_try(&self, AVER_E_PROOF), 2);
    assert_non_null(strstr(self.why, "is not what it was"));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(shelf_try(&self, AVER_E_PROOF), 0);
        assert_non_null(strstr(self.why, "1.gguf has not changed since it was refused"));
    }
    byte_put(self.paths[1], self.place, kept ^ 2); /* another wrong one */
    assert_int_equal(shelf_try(&self, AVER_E_PROOF), 2);
    assert_int_equal(shelf_try(&self, AVER_E_PROOF), 0);
    byte_put(self.paths[1], self.place, kept);
    assert_int_equal(shelf_try(&self, AVER_OK), 2);
    shelf_close(&self);
}

static void a_file_that_is_no_model_any_more_is_read_once(void **state)
{
    (void)state;
    shelf self;
    shelf_open(&self);
    assert_int_equal(shelf_try(&self, AVER_OK), 2);
    byte_put(self.paths[0], 0, 'X');
    assert_int_equal(shelf_try(&self, AVER_E_FORMAT), 1);
    assert_int_equal(shelf_try(&self, AVER_E_FORMAT), 0);
    byte_put(self.paths[0], 0, 'G');
    assert_int_equal(shelf_try(&self, AVER_OK), 2);
    shelf_close(&self);
}

/* The same bytes in the same place, written anew, are another file until they were read. */
static void a_file_put_back_is_taken(void **state)
{
    (void)state;
    shelf self;
    char aside[160];
    shelf_open(&self);
    assert_int_equal(shelf_try(&self, AVER_OK), 2);
    (void)snprintf(aside, sizeof(aside), "%s.aside", self.paths[0]);
    assert_int_equal(rename(self.paths[0], aside), 0);
    assert_int_equal(link(self.paths[1], self.paths[0]), 0);
    settle();
    assert_int_equal(shelf_try(&self, AVER_E_PROOF), 2);
    assert_int_equal(shelf_try(&self, AVER_E_PROOF), 0);
    assert_int_equal(rename(aside, self.paths[0]), 0);
    assert_int_equal(shelf_try(&self, AVER_OK), 2);
    shelf_close(&self);
}

/* One tick of the file system may hold two changes: what is that young is not remembered. */
static void a_file_that_may_change_unseen_is_read_again(void **state)
{
    (void)state;
    shelf self;
    shelf_open(&self);
    self.files.settle_ns = UINT64_MAX;
    assert_int_equal(shelf_try(&self, AVER_OK), 2);
    byte_put(self.paths[1], self.place, byte_get(self.paths[1], self.place) ^ 1);
    assert_int_equal(shelf_try(&self, AVER_E_PROOF), 2);
    assert_int_equal(shelf_try(&self, AVER_E_PROOF), 2);
    shelf_close(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_changed_is_read_once),
        cmocka_unit_test(a_file_that_is_no_model_any_more_is_read_once),
        cmocka_unit_test(a_file_put_back_is_taken),
        cmocka_unit_test(a_file_that_may_change_unseen_is_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
