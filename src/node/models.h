/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_MODELS_H
#define AVER_NODE_MODELS_H

/*
 * models: the models that a node serves, each with its own weights and its own engine.
 *
 *   UNLOADED -> LOADING (files copied, sealed and hashed, then the engine) -> READY -> UNLOADED
 *                  \-> FAILED, for a pause, or for good
 *
 * Each is loaded once when the node starts: then its root and numeric class are known, which stand
 * in the keyset. Whenever it is loaded again, its files must have the same roots, and the engine
 * must say the same. residency.h decides which are loaded; requests for the others wait.
 *
 * Files are in memory once, whoever reads them. Names: several may mean one model.
 *
 * Threads: the loop's. Files are read by a worker that sees nothing but its own order.
 */

#include "node/engine_link.h"
#include "node/model_files.h"
#include "node/model_option.h"
#include "node/residency.h"

struct aver_keeper;
struct event;

#define AVER_MODELS_MAX AVER_RESIDENTS_MAX

typedef enum aver_model_state {
    AVER_MODEL_UNLOADED = 1,
    AVER_MODEL_LOADING = 2,
    AVER_MODEL_READY = 3,
    AVER_MODEL_FAILED = 4,
} aver_model_state;
const char *aver_model_state_text(aver_model_state state);

typedef struct aver_model {
    struct aver_keeper *keeper;
    const aver_model_option *option;
    char name[AVER_NAME_BYTES_MAX]; /* the first one */
    uint8_t root[32];               /* as in keyset and receipts: adapters included */
    char fingerprint[24];           /* OpenAI's system_fingerprint: start of the numeric class */
    aver_model_file *files[AVER_RESIDENT_FILES_MAX]; /* weights, then adapters; the table's */
    size_t files_count;
    aver_adapter_root adapters[AVER_ADAPTERS_MAX];
    aver_engine_link *engine; /* NULL before the first start */
    bool known;               /* root and info are filled */
    aver_engine_info info;    /* of the first engine; the later ones must equal it */
    aver_model_state state;
    bool dead;               /* its engine broke its promise: never again */
    bool refused;            /* by the options: it cannot be served so */
    bool fell;               /* its engine went away without being told to */
    bool gave_up;            /* failed while loading: to be unloaded at the next turn */
    const char *failed_code; /* FAILED: for those who ask */
    const char *failed_message;
    uint64_t failed_ns;
    uint32_t jobs; /* calls of this model, waiting or with the engine */
    uint64_t loads, evictions;
    aver_resident resident;
} aver_model;

typedef struct aver_model_name {
    char text[AVER_NAME_BYTES_MAX];
    aver_model *model;
} aver_model_name;

typedef struct aver_models {
    aver_model *list[AVER_MODELS_MAX]; /* owned */
    size_t count;
    aver_model_name names[AVER_MODELS_MAX];
    size_t names_count;
    aver_model_files files;
    aver_residency residency;
    struct event *wake;   /* makes a turn soon */
    aver_model *starting; /* of the start: the one that is loaded now */
    bool started;         /* it was, or could not be */
    aver_err start_err;
} aver_models;

/* An empty table of this loop. */
AVER_MUST_USE aver_err aver_models_init(aver_models *models, struct aver_keeper *keeper);
void aver_models_deinit(aver_models *models);
/*
 * Loads every model once, one after the other, and runs the loop meanwhile; those beyond the budget
 * are unloaded again. USAGE for options that cannot be; what was wrong has been logged. ABSENT:
 * ended by a signal.
 */
AVER_MUST_USE aver_err aver_models_start(aver_models *models, struct aver_keeper *keeper);
/* NULL if there is none of this name. */
aver_model *aver_models_find(const aver_models *models, aver_view name);
/* Loads and unloads what has to be, and gives engines what waited for them. */
void aver_models_turn(aver_models *models);
/* The moves of a turn alone. */
void aver_models_move(aver_models *models);
/* A turn from the loop, as soon as possible. */
void aver_models_wake(aver_models *models);
/* Now and then: a turn, and an end to engines that are silent. */
void aver_models_tick(aver_models *models);

/* AGAIN: it waits until the model is there; LIMIT: the engine takes no more bytes. */
AVER_MUST_USE aver_err aver_model_submit(aver_model *model, uint64_t job_id, const aver_job *job);
/* True if requests are to be turned away, with failed_code and failed_message. */
bool aver_model_failed(const aver_model *model, uint64_t now_ns);
/* Of the engine's hooks, context being the model. */
aver_err aver_model_on_ready(const aver_engine_info *info, void *context);
void aver_model_on_down(bool final, void *context);

/* The most of all: tokens of context. */
uint32_t aver_models_context_max(const aver_models *models);
/* Answers at once, all engines together. */
uint32_t aver_models_slots(const aver_models *models);
/* True unless no engine answers and one is on its way or gone. */
bool aver_models_ready(const aver_models *models);
/* True if there is one that can still be served. */
bool aver_models_alive(const aver_models *models);

#endif
