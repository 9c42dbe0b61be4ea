/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_PROXY_SITE_H
#define AVER_CLI_PROXY_SITE_H

/*
 * proxy_site: whether a request comes from a page of some web site, which its reader's browser
 * shows and which must not use the reader's proxy. By what browsers say of each request (Fetch
 * Standard, RFC 6454, Fetch Metadata); programs say nothing of it and pass. Threads: any.
 */

#include <stdbool.h>

/* Of a request; each NULL if the header is not there. */
typedef struct aver_proxy_site {
    const char *host;
    const char *origin;
    const char *fetch_site; /* Sec-Fetch-Site */
} aver_proxy_site;

/* True for localhost, 127.x.y.z and [::1], with a port or without: no name of anybody else's, who
 * could have it lead here. */
bool aver_proxy_host_local(const char *host);
/* True if no page of another origin asks. any_host: what Host says is not looked at. */
bool aver_proxy_site_allowed(const aver_proxy_site *site, bool any_host);

#endif
