/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs: mapped files, shapes and llama2.c's tokenizer files, every length checked before use. */
#include "model_make.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    TOKEN_BYTE_FIRST = 3, /* ids 3 to 258 stand for one byte each */
    TOKEN_BYTE_END = 259,
    TOKEN_TYPE_NORMAL = 1,
    TOKEN_TYPE_UNKNOWN = 2,
    TOKEN_TYPE_CONTROL = 3,
    TOKEN_TYPE_BYTE = 6,
    TOKEN_RECORD_SIZE = 8, /* float score, int32 size; the text follows */
    TOKEN_HEAD_SIZE = 4,
};

bool make_file_open(const char *path, make_file *ret_file)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    void *data = MAP_FAILED;
    if (!S_ISREG(info.st_mode) || info.st_size <= 0) {
        fprintf(stderr, "%s: not a file with content\n", path);
    } else {
        data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED) {
            fprintf(stderr, "%s: %s\n", path, strerror(errno));
        }
    }
    close(fd);
    if (data == MAP_FAILED) {
        return false;
    }
    *ret_file = (make_file){.data = data, .size = (size_t)info.st_size};
    return true;
}

void make_file_close(make_file *file)
{
    if (file->data) {
        (void)munmap(file->data, file->size);
    }
    *file = (make_file){0};
}

bool make_shape_check(const make_shape *shape)
{
    const char *what = NULL;
    if (!shape->dim || shape->dim > MAKE_DIM_MAX) {
        what = "dimension";
    } else if (!shape->ff || shape->ff > MAKE_FF_MAX) {
        what = "feed-forward width";
    } else if (!shape->layers || shape->layers > MAKE_LAYERS_MAX) {
        what = "number of layers";
    } else if (!shape->heads || shape->heads > MAKE_HEADS_MAX || shape->dim % shape->heads != 0) {
        what = "number of heads";
    } else if (!shape->heads_kv || shape->heads % shape->heads_kv != 0) {
        what = "number of KV heads";
    } else if (shape->dim / shape->heads % 2 != 0) {
        what = "head size";
    } else if (shape->vocab < TOKEN_BYTE_END || shape->vocab > MAKE_VOCAB_MAX) {
        what = "vocabulary size";
    } else if (!shape->context || shape->context > MAKE_CONTEXT_MAX) {
        what = "context length";
    }
    if (what) {
        fprintf(stderr, "not a model shape: %s out of bounds\n", what);
    }
    return !what;
}

uint32_t make_u32_read(const uint8_t *data)
{
    return (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 |
           (uint32_t)data[3] << 24;
}

static void vocab_add(make_vocab *vocab, const char *text, size_t size, uint32_t type)
{
    make_bytes_u32(&vocab->texts, (uint32_t)size);
    make_bytes_u32(&vocab->texts, 0);
    make_bytes_append(&vocab->texts, text, size);
    make_bytes_u32(&vocab->types, type);
}

/* The files differ in how they spell the first 259 tokens; the model's own spelling is fixed. */
static void vocab_add_special(make_vocab *vocab, uint32_t id)
{
    static const char *const names[TOKEN_BYTE_FIRST] = {"<unk>", "<s>", "</s>"};
    if (id < TOKEN_BYTE_FIRST) {
        vocab_add(vocab, names[id], strlen(names[id]),
                  id ? TOKEN_TYPE_CONTROL : TOKEN_TYPE_UNKNOWN);
        return;
    }
    char text[8];
    int size = snprintf(text, sizeof text, "<0x%02X>", (unsigned)(id - TOKEN_BYTE_FIRST));
    vocab_add(vocab, text, (size_t)size, TOKEN_TYPE_BYTE);
}

/* A space inside a token is U+2581 in GGUF. */
static void vocab_add_normal(make_vocab *vocab, const uint8_t *text, size_t size)
{
    static const char space[3] = {(char)0xe2, (char)0x96, (char)0x81};
    char out[sizeof space * MAKE_TOKEN_SIZE_MAX];
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == ' ') {
            memcpy(out + used, space, sizeof space);
            used += sizeof space;
        } else {
            out[used++] = (char)text[i];
        }
    }
    vocab_add(vocab, out, used, TOKEN_TYPE_NORMAL);
}

static bool vocab_fill(make_vocab *vocab, const make_file *file, uint32_t count_max)
{
    size_t at = TOKEN_HEAD_SIZE;
    while (vocab->count < count_max && file->size - at >= TOKEN_RECORD_SIZE) {
        uint32_t size = make_u32_read(file->data + at + 4);
        if (size > MAKE_TOKEN_SIZE_MAX || size > file->size - at - TOKEN_RECORD_SIZE) {
            return false;
        }
        make_bytes_append(&vocab->scores, file->data + at, 4);
        at += TOKEN_RECORD_SIZE;
        if (vocab->count < TOKEN_BYTE_END) {
            vocab_add_special(vocab, vocab->count);
        } else {
            vocab_add_normal(vocab, file->data + at, size);
        }
        at += size;
        vocab->count++;
    }
    return at == file->size && !vocab->texts.failed && !vocab->scores.failed &&
           !vocab->types.failed;
}

bool make_vocab_read(const char *path, uint32_t count_expected, make_vocab *ret_vocab)
{
    make_file file = {0};
    if (!make_file_open(path, &file)) {
        return false;
    }
    make_vocab vocab = {0};
    bool ok = file.size > TOKEN_HEAD_SIZE;
    ok = ok && vocab_fill(&vocab, &file, count_expected ? count_expected : MAKE_VOCAB_MAX);
    ok = ok && (!count_expected || vocab.count == count_expected);
    make_file_close(&file);
    if (!ok) {
        fprintf(stderr, "%s: not a llama2.c tokenizer of the model's vocabulary\n", path);
        make_vocab_deinit(&vocab);
        return false;
    }
    *ret_vocab = vocab;
    return true;
}

void make_vocab_deinit(make_vocab *vocab)
{
    free(vocab->texts.data);
    free(vocab->scores.data);
    free(vocab->types.data);
    *vocab = (make_vocab){0};
}
