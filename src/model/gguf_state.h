/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_MODEL_GGUF_STATE_H
#define AVER_MODEL_GGUF_STATE_H

/* gguf_state: the opened file as the reader and the root share it; private to src/model. */

#include "model/gguf.h"

#define AVER_GGUF_HEADER_BYTES 24

struct aver_gguf {
    aver_view file;
    aver_gguf_item *items;
    uint64_t items_count;
    aver_gguf_tensor *tensors;
    uint64_t tensors_count;
};

#endif
