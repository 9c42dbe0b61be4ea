/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_MODEL_LOAD_H
#define AVER_NODE_MODEL_LOAD_H

/* model_load: one model into memory and out of it. None of these may be called by an engine's hook.
 */

#include "node/models.h"

/* Files, then the engine; READY or FAILED follow from the loop. */
void aver_model_load(aver_model *model);
/* Ends its engine and lets go of its files; it has no work in flight. */
void aver_model_unload(aver_model *model);
/* The same without a change of its state: what failed. */
void aver_model_release(aver_model *model);

/* Of models_start.c. The files of a model are there for the first time: its name and root. AGAIN:
 * it is another name of a model that is there; USAGE. */
AVER_MUST_USE aver_err aver_model_on_root(aver_model *model);
/* Its first load ended so. */
void aver_model_on_loaded(aver_model *model, aver_err err);

#endif
