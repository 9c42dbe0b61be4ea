/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sys.h"
#include "cli/proxy.h"

#include <stdlib.h>
#include <string.h>

/* One file, nothing from elsewhere, no script; the browser asks again by itself. */
static const char page_head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta http-equiv=\"refresh\" content=\"5\"><title>aver proxy</title><style>\n"
    "body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em;"
    "color:#1b1b1b;background:#fdfdfb}\n"
    "table{border-collapse:collapse;width:100%;margin:.5em 0 2em}\n"
    "td,th{text-align:left;padding:.25em .8em .25em 0;border-bottom:1px solid #ddd;"
    "vertical-align:top}\n"
    ".accepted,.PASS{color:#056b2f}.refused,.FAIL{color:#b00020;font-weight:600}"
    ".none,.SKIP{color:#6b6b6b}\n"
    ".warn{background:#fff3cd;padding:.5em 1em}code{font-size:13px;word-break:break-all}\n"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#161616}"
    "td,th{border-color:#333}.accepted,.PASS{color:#5fd38d}.refused,.FAIL{color:#ff7b8a}"
    ".warn{background:#453a10}}\n"
    "</style></head><body>\n<h1>aver proxy</h1>\n";

static void page_put(aver_buf *out, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        switch (*at) {
        case '<':
            aver_buf_append_text(out, "&lt;");
            break;
        case '>':
            aver_buf_append_text(out, "&gt;");
            break;
        case '&':
            aver_buf_append_text(out, "&amp;");
            break;
        case '"':
            aver_buf_append_text(out, "&quot;");
            break;
        default:
            aver_buf_append_byte(out, (uint8_t)*at);
        }
    }
}

static void page_put_time(aver_buf *out, uint64_t wall_ms)
{
    char text[21];
    aver_time_format(wall_ms, text);
    aver_buf_append_text(out, text);
}

static void page_put_node(const aver_proxy *proxy, const aver_proxy_verified *verified,
                          aver_buf *out)
{
    const aver_session_options *session = &proxy->options->session;
    const char *verdict = verified->at_ms == 0 ? "none"
                          : verified->accepted ? "accepted"
                                               : "refused";
    const char *words = verified->at_ms == 0 ? "not verified yet"
                        : verified->accepted ? "accepted"
                        : verified->reached  ? "REFUSED: nothing is sent"
                                             : "not reached: nothing is sent";
    aver_buf_append_text(out, "<h2>Node</h2><table><tr><th>address<td>");
    page_put(out, session->unix_socket != NULL ? session->unix_socket : session->url);
    aver_buf_append_format(out, "<tr><th>verdict<td class=\"%s\">%s", verdict, words);
    if (!verified->accepted && verified->why[0] != '\0') {
        aver_buf_append_text(out, "<tr><th>why<td>");
        page_put(out, verified->why);
    }
    if (verified->at_ms != 0) {
        aver_buf_append_text(out, "<tr><th>verified<td>");
        page_put_time(out, verified->at_ms);
        aver_buf_append_format(out, "<tr><th>node id<td><code>%s</code>", verified->node_id);
        aver_buf_append_text(out, "<tr><th>platform<td>");
        page_put(out, verified->platform);
    }
    aver_buf_append_text(out, "</table>\n");
    if (verified->verdict.simulated) {
        aver_buf_append_text(out, "<p class=\"warn\">SIMULATED: this node proves nothing.</p>\n");
    }
}

static void page_put_checks(const aver_verdict *verdict, aver_buf *out)
{
    if (verdict->count == 0) {
        return;
    }
    aver_buf_append_format(out, "<details><summary>%zu checks of the connection</summary><table>",
                           verdict->count);
    for (size_t i = 0; i < verdict->count; i++) {
        const aver_check *check = &verdict->checks[i];
        const char *status = aver_check_status_text(check->status);
        aver_buf_append_format(out, "<tr><td class=\"%s\">%s<td><code>%s</code><td>", status,
                               status, check->name);
        page_put(out, check->detail);
    }
    aver_buf_append_text(out, "</table></details>\n");
}

static void page_put_record(const aver_proxy_record *record, aver_buf *out)
{
    const char *outcome = aver_proxy_outcome_text(record->outcome);
    aver_buf_append_text(out, "<tr><td>");
    page_put_time(out, record->at_ms);
    aver_buf_append_text(out, "<td><code>");
    page_put(out, record->path);
    aver_buf_append_text(out, "</code><td>");
    page_put(out, record->model);
    if (record->status != 0) {
        aver_buf_append_format(out, "<td>%u", record->status);
    } else {
        aver_buf_append_text(out, "<td>gone");
    }
    aver_buf_append_format(out, "<td>%llu + %llu<td>%llu ms<td class=\"%s\">%s<td>",
                           (unsigned long long)record->prompt_tokens,
                           (unsigned long long)record->generated_tokens,
                           (unsigned long long)record->duration_ms, outcome, outcome);
    page_put(out, record->why[0] != '\0' ? record->why : record->checks);
    aver_buf_append_text(out, "<td>");
    if (strcmp(record->capsule, AVER_PROXY_CAPSULE_NOT_STORED) == 0) {
        aver_buf_append_text(out, "not stored");
    } else if (record->capsule[0] != '\0') {
        aver_buf_append_format(out, "<a href=\"/aver/capsules/%s\">capsule</a>", record->capsule);
    }
}

static void page_put_answers(aver_proxy *proxy, aver_buf *out)
{
    uint64_t outcomes[AVER_PROXY_NONE + 1];
    size_t count = 0;
    aver_proxy_record *records = calloc(AVER_PROXY_RECORDS_MAX, sizeof *records);
    if (records == NULL) {
        out->failure = AVER_E_NOMEM;
        return;
    }
    aver_proxy_records_read(&proxy->records, AVER_PROXY_RECORDS_MAX, records, &count, outcomes);
    aver_buf_append_format(
        out, "<h2>Answers</h2><p>%llu accepted, %llu refused, %llu without a verdict</p>\n",
        (unsigned long long)outcomes[AVER_PROXY_ACCEPTED],
        (unsigned long long)outcomes[AVER_PROXY_REFUSED],
        (unsigned long long)outcomes[AVER_PROXY_NONE]);
    aver_buf_append_text(out, "<table><tr><th>time<th>path<th>model<th>status<th>tokens<th>took"
                              "<th>verdict<th>checks<th>capsule");
    for (size_t i = 0; i < count; i++) {
        page_put_record(&records[i], out);
    }
    aver_buf_append_text(out, "</table>\n");
    free(records);
}

static void page_put_store(aver_proxy *proxy, aver_buf *out)
{
    uint64_t files, bytes;
    if (proxy->store != NULL) {
        aver_proxy_store_size(proxy->store, &files, &bytes);
        aver_buf_append_format(out, "<p>%llu capsules are stored, %llu KiB.</p>\n",
                               (unsigned long long)files, (unsigned long long)bytes / 1024);
    } else {
        aver_buf_append_text(out, "<p>Capsules are not stored (see --store).</p>\n");
    }
}

void aver_proxy_page(aver_proxy *proxy, aver_buf *out)
{
    aver_proxy_verified *verified = calloc(1, sizeof *verified);
    if (verified == NULL) {
        out->failure = AVER_E_NOMEM;
        return;
    }
    aver_proxy_nodes_last(&proxy->nodes, verified);
    aver_buf_append_text(out, page_head);
    page_put_node(proxy, verified, out);
    page_put_checks(&verified->verdict, out);
    page_put_answers(proxy, out);
    page_put_store(proxy, out);
    aver_buf_append_text(out, "<p>A verdict says which program, model and settings produced an "
                              "answer. It does not say that the text is true.</p></body></html>\n");
    free(verified);
}
