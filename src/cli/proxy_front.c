/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/proxy.h"
#include "cli/proxy_site.h"
#include "node/bearer.h"

#include <string.h>

#define FRONT_PAGE_BYTES_MAX  (1024u * 1024)
#define FRONT_ERROR_BYTES_MAX 4096

static void front_refuse(aver_exchange *exchange, uint32_t status, const char *code,
                         const char *message)
{
    aver_buf body;
    aver_buf_init(&body, FRONT_ERROR_BYTES_MAX);
    aver_error_body(&body, status, code, NULL, message);
    aver_exchange_reply(exchange, status, "application/json", aver_buf_view(&body));
    aver_buf_deinit(&body);
}

/* No page of a web site may use the reader's proxy. One that came by a name of its own that leads
 * to this machine knows no token. */
static bool front_site(const aver_proxy *proxy, const aver_exchange *exchange)
{
    const aver_proxy_site site = {.host = aver_exchange_header(exchange, "Host"),
                                  .origin = aver_exchange_header(exchange, "Origin"),
                                  .fetch_site = aver_exchange_header(exchange, "Sec-Fetch-Site")};
    /* Browsers reach no Unix sockets. */
    return strncmp(proxy->bound, "tcp:", 4) != 0 ||
           aver_proxy_site_allowed(&site, proxy->options->tokens != NULL);
}

/* Nothing that could mean another path to the node than to this program. */
static bool front_path_plain(const char *path)
{
    static const char others[] = "/._-~:";
    for (const char *at = path; *at != '\0'; at++) {
        bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z');
        if (!letter && !(*at >= '0' && *at <= '9') && strchr(others, *at) == NULL) {
            return false;
        }
    }
    return path[0] == '/' && strncmp(path, "/n/", 3) != 0;
}

static void front_page(aver_proxy *proxy, aver_exchange *exchange)
{
    aver_buf page;
    aver_buf_init(&page, FRONT_PAGE_BYTES_MAX);
    aver_proxy_page(proxy, &page);
    if (aver_buf_status(&page) != AVER_OK) {
        front_refuse(exchange, 503, "overloaded", "There is no memory for this page.");
    } else {
        aver_exchange_set_header(exchange, "Cache-Control", "no-store");
        aver_exchange_set_header(exchange, "X-Content-Type-Options", "nosniff");
        aver_exchange_set_header(exchange, "Content-Security-Policy",
                                 "default-src 'none'; style-src 'unsafe-inline'; "
                                 "frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
        aver_exchange_reply(exchange, 200, "text/html; charset=utf-8", aver_buf_view(&page));
    }
    aver_buf_deinit(&page);
}

static void front_submit(aver_proxy *proxy, aver_exchange *exchange)
{
    aver_proxy_job *job = NULL;
    aver_err err = aver_proxy_job_new(&proxy->lane, exchange, &job);
    if (err == AVER_OK) {
        aver_proxy_pool_submit(proxy->pool, job);
    } else if (err == AVER_E_LIMIT) {
        front_refuse(exchange, 404, "no_such_path", "There is nothing at this path.");
    } else {
        front_refuse(exchange, 503, "overloaded", "There is no memory for this request.");
    }
}

void aver_proxy_on_request(aver_exchange *exchange, void *context)
{
    aver_proxy *proxy = context;
    const char *method = aver_exchange_method(exchange);
    const char *path = aver_exchange_path(exchange);
    bool get = strcmp(method, "GET") == 0;
    if (!front_site(proxy, exchange)) {
        front_refuse(exchange, 403, "foreign_origin",
                     "This proxy serves programs of this machine, not pages of web sites.");
    } else if (!aver_bearer_allows(proxy->options->tokens,
                                   aver_exchange_header(exchange, "Authorization"))) {
        front_refuse(exchange, 401, "invalid_api_key", "This proxy asks for a token.");
    } else if (!get && strcmp(method, "POST") != 0) {
        aver_exchange_set_header(exchange, "Allow", "GET, POST");
        front_refuse(exchange, 405, "wrong_method", "Use GET or POST.");
    } else if (get && strcmp(path, "/") == 0) {
        front_page(proxy, exchange);
    } else if (!front_path_plain(path)) {
        front_refuse(exchange, 404, "no_such_path", "There is nothing at this path.");
    } else {
        front_submit(proxy, exchange);
    }
}
