/* SPDX-License-Identifier: Apache-2.0 */
#include "node/engine_voice.h"

#include "base/log.h"

#include <event2/event.h>
#include <fcntl.h>
#include <unistd.h>

static void voice_line_end(aver_engine_voice *voice)
{
    if (voice->line_size > 0) {
        aver_log(AVER_LOG_WARN, "engine.says", "%.*s", (int)voice->line_size, voice->line);
        voice->line_size = 0;
    }
}

static void voice_take(aver_engine_voice *voice, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '\n') {
            voice_line_end(voice);
        } else if (voice->line_size < sizeof(voice->line)) {
            voice->line[voice->line_size++] = bytes[i];
        }
    }
}

/* False at the end, or when there is nothing now. */
static bool voice_read(aver_engine_voice *voice)
{
    char bytes[4096];
    ssize_t got = read(voice->fd, bytes, sizeof(bytes));

    if (got <= 0) {
        return false;
    }
    if (!AVER_ENGINE_VOICE_OPEN) {
        voice->bytes += (size_t)got;
    }
    voice_take(voice, bytes, (size_t)got);
    return voice->bytes < AVER_ENGINE_VOICE_BYTES_MAX;
}

static void voice_close(aver_engine_voice *voice)
{
    voice_line_end(voice);
    if (voice->event != NULL) {
        event_free(voice->event);
    }
    if (voice->fd >= 0) {
        (void)close(voice->fd);
    }
    *voice = (aver_engine_voice){.fd = -1};
}

static void voice_on_read(evutil_socket_t fd, short what, void *context)
{
    aver_engine_voice *voice = context;

    (void)fd;
    (void)what;
    if (!voice_read(voice)) {
        voice_close(voice);
    }
}

void aver_engine_voice_listen(aver_engine_voice *voice, struct event_base *base, int fd)
{
    *voice = (aver_engine_voice){.fd = fd};
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    voice->event = event_new(base, fd, EV_READ | EV_PERSIST, voice_on_read, voice);
    if (voice->event == NULL || event_add(voice->event, NULL) != 0) {
        voice_close(voice);
    }
}

void aver_engine_voice_end(aver_engine_voice *voice)
{
    while (voice->fd >= 0 && voice_read(voice)) {
    }
    voice_close(voice);
}
