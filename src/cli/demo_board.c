/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/demo.h"

#include "cli/show.h"

#include <stdio.h>
#include <string.h>

typedef struct demo_plan {
    const char *title;
    const char *expected;
    const char *also;
    aver_demo_trick *trick;
} demo_plan;

static const demo_plan demo_plans[] = {
    {"a letter of the saved answer changed", "receipt.response", "receipt.stream",
     aver_demo_try_answer},
    {"a letter of the saved prompt changed", "receipt.request", NULL, aver_demo_try_prompt},
    {"receipt signed again by a foreign key", "receipt.signature", NULL, aver_demo_try_signature},
    {"node with one bit of one weight changed", "model.allowed", NULL, aver_demo_try_model},
    {"man in the middle with a TLS key of his own", "channel.tls", NULL, aver_demo_try_tls},
    {"evidence for somebody else's nonce, replayed", "nonce", NULL, aver_demo_try_nonce},
    {"evidence judged an hour too late", "evidence.age", NULL, aver_demo_try_age},
    {"a bit of the sealed answer changed on its way", "receipt.format", NULL, aver_demo_try_flip},
    {"receipt stripped from the end of the stream", "receipt.format", NULL, aver_demo_try_strip},
    {"stream cut in the middle", "receipt.format", NULL, aver_demo_try_cut},
    {"simulator, for a reader who wants hardware", "platform.allowed", NULL,
     aver_demo_try_production},
    {"a token id changed, the receipt set aside", "recheck", NULL, aver_demo_try_token},
    {"lying engine behind a genuine keeper", "recheck", NULL, aver_demo_try_engine},
};

void aver_demo_judge_row(aver_demo_row *row, const aver_verdict *verdict, bool accepted)
{
    bool only = true;
    const aver_check *expected = aver_verdict_find(verdict, row->expected);
    for (size_t i = 0; i < verdict->count; i++) {
        const aver_check *check = &verdict->checks[i];
        if (check->status == AVER_CHECK_FAIL && strcmp(check->name, row->expected) != 0 &&
            (row->also == NULL || strcmp(check->name, row->also) != 0)) {
            only = false;
            (void)snprintf(row->detail, sizeof row->detail, "%s: %s", check->name, check->detail);
        }
    }
    bool failed = expected != NULL && expected->status == AVER_CHECK_FAIL;
    row->refused = failed && only && !accepted;
    if (failed && only) {
        (void)snprintf(row->detail, sizeof row->detail, "%s", expected->detail);
    } else if (only) {
        (void)snprintf(row->detail, sizeof row->detail, "nothing refused it");
    }
}

static void demo_board_print(const aver_term *term, const aver_demo_row *row)
{
    aver_term_print(term, row->refused ? AVER_STYLE_GOOD : AVER_STYLE_BAD, "  %s",
                    row->refused ? "REFUSED " : "NOT SO  ");
    aver_term_print(term, AVER_STYLE_PLAIN, "%-46s ", row->title);
    aver_term_print(term, AVER_STYLE_ACCENT, "%s\n", row->expected);
    unsigned column = 10;
    char detail[sizeof row->detail];
    (void)snprintf(detail, sizeof detail, "%s",
                   row->detail[0] != '\0' ? row->detail : "the trick could not be carried out");
    (void)fprintf(term->file, "%*s", 10, "");
    aver_term_wrap(term, aver_view_text(detail), 10, AVER_SHOW_COLUMNS, &column);
    (void)fputc('\n', term->file);
    (void)fflush(term->file);
}

void aver_demo_board(aver_demo *demo)
{
    aver_term_print(demo->term, AVER_STYLE_STRONG, "  %-8s%-46s %s\n", "", "what was really tried",
                    "refused by");
    for (size_t i = 0; i < sizeof demo_plans / sizeof demo_plans[0]; i++) {
        aver_demo_row *row = &demo->rows[demo->rows_count++];
        *row = (aver_demo_row){.title = demo_plans[i].title,
                               .expected = demo_plans[i].expected,
                               .also = demo_plans[i].also};
        demo_plans[i].trick(demo, row);
        demo_board_print(demo->term, row);
    }
}
