/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/proxy_site.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define SITE_HOST_BYTES_MAX 64 /* of the hosts that are this machine */

/* ":PORT", or nothing. */
static bool site_port(const char *text)
{
    if (text[0] == '\0') {
        return true;
    }
    size_t digits = strspn(text + 1, "0123456789");
    return text[0] == ':' && digits >= 1 && digits <= 5 && text[1 + digits] == '\0';
}

bool aver_proxy_host_local(const char *host)
{
    static const char loopback_6[] = "[::1]";
    char name[SITE_HOST_BYTES_MAX];
    struct in_addr address;
    if (strncmp(host, loopback_6, sizeof loopback_6 - 1) == 0) {
        return site_port(host + sizeof loopback_6 - 1);
    }
    size_t size = strcspn(host, ":");
    if (size >= sizeof name || !site_port(host + size)) {
        return false;
    }
    memcpy(name, host, size);
    name[size] = '\0';
    return strcasecmp(name, "localhost") == 0 ||
           (strncmp(name, "127.", 4) == 0 && inet_pton(AF_INET, name, &address) == 1);
}

bool aver_proxy_site_allowed(const aver_proxy_site *site, bool any_host)
{
    static const char scheme[] = "http://";
    const size_t size = sizeof scheme - 1;
    if (site->host == NULL || (!any_host && !aver_proxy_host_local(site->host))) {
        return false;
    }
    if (site->origin != NULL && (strncmp(site->origin, scheme, size) != 0 ||
                                 strcasecmp(site->origin + size, site->host) != 0)) {
        return false;
    }
    /* Some requests of a page have no Origin: those for its images, say. */
    return site->fetch_site == NULL || strcmp(site->fetch_site, "same-origin") == 0 ||
           strcmp(site->fetch_site, "none") == 0;
}
