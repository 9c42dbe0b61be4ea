/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_MODEL_H
#define AVER_TESTS_SUPPORT_MODEL_H

/*
 * model: finds the small story model for tests that run a real one. Without it they say SKIP and
 * end with status 77.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MODEL_SKIP_STATUS 77
#define MODEL_STORIES     "stories15M-q8_0.gguf"
#define MODEL_STORIES_F32 "stories260K-f32.gguf"

static inline const char *model_find(const char *name)
{
    static char path[4096];
    const char *models = getenv("AVER_MODELS");
    const char *shared = getenv("AVER_SHARED");
    (void)snprintf(path, sizeof(path), "%s/%s", models != NULL ? models : "/nonexistent", name);
    if (access(path, R_OK) == 0) {
        return path;
    }
    (void)snprintf(path, sizeof(path), "%s/models/%s", shared != NULL ? shared : "../shared", name);
    if (access(path, R_OK) == 0) {
        return path;
    }
    (void)printf("SKIP: model %s is neither in AVER_MODELS nor in AVER_SHARED\n", name);
    return NULL;
}

#endif
