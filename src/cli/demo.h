/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_DEMO_H
#define AVER_CLI_DEMO_H

/*
 * demo: a node is started, judged, asked, its answer verified; then everything that should be
 * refused is really tried, one row a trick.
 */

#include "cli/cli.h"
#include "cli/demo_node.h"
#include "cli/session.h"

#define AVER_DEMO_ROWS_MAX 16

/* One trick: what was done and what came of it. */
typedef struct aver_demo_row {
    const char *title;
    const char *expected; /* check that must refuse, "recheck" included */
    const char *also;     /* another check that then fails too by its nature, or NULL */
    bool refused;         /* by exactly that */
    bool tried;           /* false: the trick itself could not be carried out */
    char detail[300];
} aver_demo_row;

typedef struct aver_demo {
    aver_cli *cli;
    const aver_term *term;
    char dir[AVER_DEMO_PATH_MAX];
    char program[AVER_DEMO_PATH_MAX]; /* aver-node-sim */
    char engine[AVER_DEMO_PATH_MAX];  /* aver-hostile-engine */
    char key[AVER_DEMO_PATH_MAX];
    char model[AVER_DEMO_PATH_MAX];
    char small[AVER_DEMO_PATH_MAX]; /* model of the second nodes; may be the same */
    char model_name[AVER_NAME_BYTES_MAX];
    bool chat;       /* model has a chat template */
    bool small_chat; /* so has small */
    bool verified;   /* model can be re-checked */
    bool keep;       /* leave the folder */
    aver_roots roots;
    aver_policy *policy;
    aver_demo_node node;
    aver_session *session;
    aver_answered answered;
    aver_buf capsule;
    aver_demo_row rows[AVER_DEMO_ROWS_MAX];
    size_t rows_count;
} aver_demo;

/* demo_setup: models, keys, policy. False after words on standard error. */
bool aver_demo_choose(aver_demo *demo, const char *model, const char *node);
bool aver_demo_prepare(aver_demo *demo, const char *keep);
void aver_demo_clean(aver_demo *demo, bool keep);
/* Copies a model with one bit of one weight changed. */
AVER_MUST_USE aver_err aver_demo_spoil_model(const char *from, const char *to);

/* demo_talk: sessions with the demo's policy. */
aver_session_options aver_demo_options(const aver_demo *demo);
aver_question aver_demo_question(const aver_session *session, bool chat, bool lengthy);
/* Asks without showing anything and gives the capsule. */
AVER_MUST_USE aver_err aver_demo_capsule(const aver_demo *demo, const aver_demo_node *node,
                                         bool chat, aver_buf *ret_capsule);

/* demo_board and its tricks: each fills the row it gets. */
typedef void aver_demo_trick(aver_demo *demo, aver_demo_row *row);
aver_demo_trick aver_demo_try_answer, aver_demo_try_prompt, aver_demo_try_signature,
    aver_demo_try_production, aver_demo_try_model, aver_demo_try_tls, aver_demo_try_nonce,
    aver_demo_try_age, aver_demo_try_flip, aver_demo_try_strip, aver_demo_try_cut,
    aver_demo_try_token, aver_demo_try_engine;
/* Tells whether a verdict refuses by the row's check and no other. */
void aver_demo_judge_row(aver_demo_row *row, const aver_verdict *verdict, bool accepted);
void aver_demo_board(aver_demo *demo);
/* Seconds since the first call. */
double aver_demo_clock(void);

#endif
