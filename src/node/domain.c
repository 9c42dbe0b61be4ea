/* SPDX-License-Identifier: Apache-2.0 */
#include "node/domain.h"

#include "base/log.h"
#include "base/sys.h"

#include <string.h>
#include <sys/stat.h>

#define DOMAIN_REQUEST_BYTES_MAX 16384

static aver_err domain_request(const aver_node_options *options, const aver_tls_key *key)
{
    aver_buf pem;

    if (options->csr == NULL) {
        return AVER_OK;
    }
    if (options->server_names_count == 0) {
        aver_log(AVER_LOG_ERROR, "certificate.request", "--csr needs a --server-name to ask for");
        return AVER_E_USAGE;
    }
    aver_buf_init(&pem, DOMAIN_REQUEST_BYTES_MAX);
    aver_err err =
        aver_tls_key_request(key, options->server_names, options->server_names_count, &pem);
    if (err == AVER_OK) {
        err = aver_file_write(options->csr, aver_buf_view(&pem), 0644);
    }
    if (err != AVER_OK) {
        aver_log(AVER_LOG_ERROR, "certificate.request", "%s: %s", options->csr, aver_err_text(err));
    }
    aver_buf_deinit(&pem);
    return err;
}

aver_err aver_domain_open(aver_domain *domain, const aver_node_options *options, aver_tls_key *key)
{
    static const char *const here[] = {"localhost", "127.0.0.1", "::1"};
    const size_t here_count = sizeof(here) / sizeof(here[0]);
    const char *names[sizeof(here) / sizeof(here[0]) + AVER_NODE_SERVER_NAMES_MAX];

    *domain = (aver_domain){.options = options};
    memcpy(names, here, sizeof(here));
    for (size_t i = 0; i < options->server_names_count; i++) {
        names[here_count + i] = options->server_names[i];
    }
    aver_err err = aver_tls_key_certify(key, names, here_count + options->server_names_count);
    return err == AVER_OK ? domain_request(options, key) : err;
}

/* True if there is a file, and it is not the one that was read last. */
static bool domain_changed(aver_domain *domain, bool forced)
{
    struct stat found;

    if (stat(domain->options->certificate, &found) != 0) {
        if (forced) {
            aver_log(AVER_LOG_WARN, "certificate.file", "%s is not there",
                     domain->options->certificate);
        }
        domain->seen = false;
        return false;
    }
    bool same = domain->seen && domain->inode == found.st_ino &&
                domain->mtime.tv_sec == found.st_mtim.tv_sec &&
                domain->mtime.tv_nsec == found.st_mtim.tv_nsec;
    domain->seen = true;
    domain->inode = found.st_ino;
    domain->mtime = found.st_mtim;
    return forced || !same;
}

static const char *domain_fault(aver_err err)
{
    switch ((int)err) {
    case AVER_E_PROOF:
        return "its key is not the TLS key of this node";
    case AVER_E_UNSUPPORTED:
        return "it is not valid at this time";
    case AVER_E_FORMAT:
        return "it is no PEM file of certificates";
    default:
        return aver_err_text(err);
    }
}

static void domain_read(aver_domain *domain, struct ssl_ctx_st *tls, const aver_tls_key *key)
{
    const char *path = domain->options->certificate;
    char until[21];
    aver_buf pem;

    aver_buf_init(&pem, AVER_TLS_CHAIN_BYTES_MAX);
    aver_err err = aver_file_read(path, AVER_TLS_CHAIN_BYTES_MAX, &pem);
    if (err == AVER_OK) {
        err = aver_tls_server_chain(tls, key, aver_buf_view(&pem), &domain->until_ms);
    }
    if (err == AVER_OK) {
        domain->foreign = true;
        aver_time_format(domain->until_ms, until);
        aver_log(AVER_LOG_INFO, "certificate.served", "%s, valid until %s", path, until);
    } else {
        aver_log(AVER_LOG_ERROR, "certificate.refused", "%s is not served: %s", path,
                 domain_fault(err));
    }
    aver_buf_deinit(&pem);
}

bool aver_domain_watch(aver_domain *domain, struct ssl_ctx_st *tls, const aver_tls_key *key,
                       bool forced)
{
    if (domain->options->certificate == NULL) {
        return false;
    }
    if (domain_changed(domain, forced)) {
        domain_read(domain, tls, key);
    }
    if (domain->foreign && aver_time_wall_ms() >= domain->until_ms) {
        aver_log(AVER_LOG_ERROR, "certificate.over", "%s is over: the node's own is served again",
                 domain->options->certificate);
        domain->foreign = false;
    }
    return domain->foreign;
}
