/* SPDX-License-Identifier: Apache-2.0 */
#include "node/shared_files.h"

#include "base/check.h"
#include "base/log.h"
#include "base/sys.h"
#include "codec/text.h"

#include <string.h>

static aver_err shared_file_read(const char *path, aver_buf *text)
{
    const char *wrong = NULL;

    aver_buf_init(text, AVER_ENGINE_SHARED_BYTES_MAX + 1);
    aver_err err = aver_file_read(path, AVER_ENGINE_SHARED_BYTES_MAX + 1, text);
    if (err != AVER_OK) {
        aver_log(AVER_LOG_ERROR, "shared.read", "%s: %s", path, aver_err_text(err));
        return AVER_E_USAGE;
    }
    if (text->size > 0 && text->data[text->size - 1] == '\n') {
        text->size--;
    }
    if (text->size == 0 || text->size > AVER_ENGINE_SHARED_BYTES_MAX) {
        wrong = "a text to share has 1 to 65536 bytes";
    } else if (!aver_utf8_valid(aver_buf_view(text)) ||
               memchr(text->data, '\0', text->size) != NULL) {
        wrong = "a text to share is UTF-8 without NUL";
    }
    if (wrong != NULL) {
        aver_log(AVER_LOG_ERROR, "shared.read", "%s: %s", path, wrong);
        return AVER_E_USAGE;
    }
    return AVER_OK;
}

aver_err aver_shared_files_open(const char *const *paths, size_t count,
                                aver_shared_files *ret_files)
{
    AVER_ASSERT(count <= AVER_ENGINE_SHARED_MAX);
    *ret_files = (aver_shared_files){0};
    for (size_t i = 0; i < count; i++) {
        aver_err err = shared_file_read(paths[i], &ret_files->texts[i]);

        ret_files->count++;
        if (err != AVER_OK) {
            aver_shared_files_deinit(ret_files);
            return err;
        }
    }
    return AVER_OK;
}

void aver_shared_files_deinit(aver_shared_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        aver_buf_deinit(&files->texts[i]);
    }
    *files = (aver_shared_files){0};
}

void aver_shared_files_give(const aver_shared_files *files, aver_engine_options *options)
{
    options->shared_count = files->count;
    for (size_t i = 0; i < files->count; i++) {
        options->shared_prefixes[i] = aver_buf_view(&files->texts[i]);
    }
}
