/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay: runs a fuzz harness over each file of a corpus folder, in name order, without libFuzzer.
 * Exit 0 when every file was read and the harness returned; an empty folder is an error, because a
 * replay of nothing proves nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { REPLAY_FILE_SIZE_MAX = 16 << 20, REPLAY_PATH_SIZE_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_entry_is_file(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    int result = -1;
    uint8_t *data = NULL;
    size_t size = 0;
    struct stat info;
    if (fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode) ||
        info.st_size > REPLAY_FILE_SIZE_MAX) {
        fprintf(stderr, "%s: not a file of at most %d bytes\n", path, REPLAY_FILE_SIZE_MAX);
        goto out;
    }
    /* Exactly as large as the input, so that a sanitizer sees a read past the end. */
    size = (size_t)info.st_size;
    data = malloc(size ? size : 1);
    if (!data || fread(data, 1, size, file) != size) {
        fprintf(stderr, "%s: cannot be read\n", path);
        goto out;
    }
    (void)LLVMFuzzerTestOneInput(data, size);
    result = 0;
out:
    free(data);
    fclose(file);
    return result;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
        return 2;
    }
    struct dirent **entries = NULL;
    int count = scandir(argv[1], &entries, replay_entry_is_file, alphasort);
    if (count <= 0) {
        fprintf(stderr, "%s: %s\n", argv[1], count ? strerror(errno) : "no corpus files");
        return 1;
    }
    int failures = 0;
    for (int i = 0; i < count; i++) {
        char path[REPLAY_PATH_SIZE_MAX];
        int length = snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
        if (length < 0 || (size_t)length >= sizeof path || replay_file(path) != 0) {
            failures++;
        }
        free(entries[i]);
    }
    free(entries);
    printf("replayed %d files, %d failures\n", count, failures);
    return failures ? 1 : 0;
}
