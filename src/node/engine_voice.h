/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_ENGINE_VOICE_H
#define AVER_NODE_ENGINE_VOICE_H

/*
 * engine_voice: what an engine process writes on its standard streams. An engine that was taken
 * over could tell the host there what callers asked, so the keeper reads them, line by line, only
 * until the engine is ready: before that it knows no prompt, and why it cannot load a model is
 * worth a line in the log. After that nobody reads, and nothing of it gets out.
 *
 * Builds with a sanitizer let everything through, since its reports come this way.
 */

#include <stdbool.h>
#include <stddef.h>

struct event;
struct event_base;

#define AVER_ENGINE_VOICE_LINE_BYTES 400
/* Of one engine; then it is not listened to any more. */
#define AVER_ENGINE_VOICE_BYTES_MAX 65536

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define AVER_ENGINE_VOICE_OPEN 1
#else
#define AVER_ENGINE_VOICE_OPEN 0
#endif

typedef struct aver_engine_voice {
    int fd; /* -1: nobody listens */
    struct event *event;
    char line[AVER_ENGINE_VOICE_LINE_BYTES];
    size_t line_size;
    size_t bytes;
} aver_engine_voice;

/* Takes fd. Without memory for the event nobody listens. */
void aver_engine_voice_listen(aver_engine_voice *voice, struct event_base *base, int fd);
/* Logs what was said so far, then listens no more. Harmless if nobody listens. */
void aver_engine_voice_end(aver_engine_voice *voice);

#endif
