/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_MODELS_TELL_H
#define AVER_NODE_MODELS_TELL_H

/* models_tell: what a node says in public about its models. */

#include "node/models.h"

/* The document of GET /v1/models: each name, with the model that it means. */
void aver_models_put_list(const aver_models *models, uint64_t created_s, aver_buf *out);
/* That of GET /v1/models/NAME; false, and nothing appended, if there is no such name. */
bool aver_models_put_one(const aver_models *models, aver_view name, uint64_t created_s,
                         aver_buf *out);
/* Metrics in the text form of Prometheus, one sample a model, by its first name. */
void aver_models_put_metrics(const aver_models *models, aver_buf *out);
/* How many are loaded now. */
uint32_t aver_models_loaded(const aver_models *models);

#endif
