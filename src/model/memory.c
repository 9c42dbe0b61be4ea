/* SPDX-License-Identifier: Apache-2.0 */
#include "model/memory.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONTROL_BYTES_MAX 16384
#define PATH_BYTES_MAX    1024

/* Files of /proc and /sys: no size, one read gives a consistent text. */
static bool control_read(const char *path, char ret_text[static CONTROL_BYTES_MAX])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    size_t size = 0;
    while (size < CONTROL_BYTES_MAX - 1) {
        ssize_t got = read(fd, ret_text + size, CONTROL_BYTES_MAX - 1 - size);
        if (got <= 0) {
            break;
        }
        size += (size_t)got;
    }
    (void)close(fd);
    ret_text[size] = '\0';
    return size > 0;
}

/* The number after a label at the start of a line; the whole text if label is empty. */
static bool control_number(const char *text, const char *label, uint64_t *ret_value)
{
    size_t size = strlen(label);
    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, label, size) == 0) {
            char *end = NULL;
            unsigned long long value = strtoull(line + size, &end, 10);
            if (end == line + size) {
                return false;
            }
            *ret_value = value;
            return true;
        }
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    return false;
}

static bool group_number(const char *root, const char *group, const char *file, const char *label,
                         uint64_t *ret_value)
{
    char path[2 * PATH_BYTES_MAX];
    char text[CONTROL_BYTES_MAX];
    int size = snprintf(path, sizeof(path), "%s%s/%s", root, group, file);
    return size > 0 && (size_t)size < sizeof(path) && control_read(path, text) &&
           control_number(text, label, ret_value);
}

typedef struct group_files {
    const char *root;
    const char *limit;
    const char *usage;
    const char *cache_label; /* in memory.stat: page cache that the kernel gives back first */
} group_files;

static uint64_t group_available(const group_files *files, const char *group)
{
    uint64_t limit = 0;
    uint64_t usage = 0;
    uint64_t cache = 0;
    if (!group_number(files->root, group, files->limit, "", &limit) ||
        !group_number(files->root, group, files->usage, "", &usage)) {
        return UINT64_MAX;
    }
    if (!group_number(files->root, group, "memory.stat", files->cache_label, &cache)) {
        cache = 0;
    }
    usage = usage > cache ? usage - cache : 0;
    return limit > usage ? limit - usage : 0;
}

/* The least over a group and all that hold it. */
static uint64_t group_chain_available(const group_files *files, char *group)
{
    uint64_t least = UINT64_MAX;
    for (;;) {
        uint64_t here = group_available(files, group);
        least = here < least ? here : least;
        char *slash = strrchr(group, '/');
        if (slash == NULL) {
            return least;
        }
        *slash = '\0';
    }
}

/* A line of /proc/self/cgroup: "id:controllers:path"; version 2 has no controllers. */
static uint64_t group_line_available(char *line)
{
    static const group_files unified = {"/sys/fs/cgroup", "memory.max", "memory.current",
                                        "inactive_file "};
    static const group_files legacy = {"/sys/fs/cgroup/memory", "memory.limit_in_bytes",
                                       "memory.usage_in_bytes", "total_inactive_file "};
    char *controllers = strchr(line, ':');
    char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    if (group == NULL || strlen(group) >= PATH_BYTES_MAX) {
        return UINT64_MAX;
    }
    *group++ = '\0';
    controllers++;
    if (strcmp(group, "/") == 0) {
        *group = '\0';
    }
    if (*controllers == '\0') {
        return group_chain_available(&unified, group);
    }
    return strstr(controllers, "memory") != NULL ? group_chain_available(&legacy, group)
                                                 : UINT64_MAX;
}

static uint64_t groups_available(void)
{
    char text[CONTROL_BYTES_MAX];
    uint64_t least = UINT64_MAX;
    if (!control_read("/proc/self/cgroup", text)) {
        return least;
    }
    for (char *line = text; line != NULL && *line != '\0';) {
        char *next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        uint64_t here = group_line_available(line);
        least = here < least ? here : least;
        line = next;
    }
    return least;
}

uint64_t aver_memory_available(void)
{
    char text[CONTROL_BYTES_MAX];
    uint64_t kib = 0;
    uint64_t machine = UINT64_MAX;
    if (control_read("/proc/meminfo", text) && control_number(text, "MemAvailable:", &kib)) {
        machine = kib * 1024;
    }
    uint64_t groups = groups_available();
    return groups < machine ? groups : machine;
}
