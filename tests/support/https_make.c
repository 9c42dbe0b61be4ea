/* SPDX-License-Identifier: Apache-2.0 */
#include "support/https_make.h"

#include "base/check.h"
#include "support/pki.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HTTPS_REQUEST_BYTES = 4096, HTTPS_HUGE_BYTES = 2 * 1024 * 1024, HTTPS_DAY_S = 86400 };

struct https_server {
    const https_route *routes;
    SSL_CTX *context;
    int fd;
    pthread_t thread;
    pthread_mutex_t mutex;
    https_fault fault;
    const char *fault_path;
    atomic_uint requests;
    atomic_bool stopping;
    char base[64], ca_file[64];
};

static void send_bytes(SSL *ssl, const void *bytes, size_t size)
{
    size_t sent = 0;
    /* The client may have gone: that is its right. */
    if (size > 0) {
        (void)SSL_write_ex(ssl, bytes, size, &sent);
    }
}

static void append_escaped(aver_buf *out, aver_view text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (isalnum(text.data[i])) {
            aver_buf_append_byte(out, text.data[i]);
        } else {
            aver_buf_append_format(out, "%%%02X", text.data[i]);
        }
    }
}

static const https_route *route_find(const https_server *server, const char *path)
{
    for (const https_route *at = server->routes; at->path != NULL; at++) {
        if (strcmp(at->path, path) == 0) {
            return at;
        }
    }
    return NULL;
}

static void answer_head(aver_buf *out, const https_route *route, https_fault fault, size_t size)
{
    aver_buf_append_format(out, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n",
                           fault == HTTPS_REDIRECT                   ? "302 Found"
                           : route == NULL || fault == HTTPS_MISSING ? "404 Not Found"
                                                                     : "200 OK",
                           size);
    if (fault == HTTPS_REDIRECT) {
        aver_buf_append_text(out, "Location: /elsewhere\r\n");
    }
    for (size_t i = 0; fault == HTTPS_HEADS && i < 64; i++) {
        aver_buf_append_format(out, "X-Filler-%zu: ", i);
        for (size_t j = 0; j < 2048; j++) {
            aver_buf_append_byte(out, 'x');
        }
        aver_buf_append_text(out, "\r\n");
    }
    if (route != NULL && route->header != NULL) {
        aver_buf_append_format(out, "%s: ", route->header);
        append_escaped(out, route->value);
        aver_buf_append_text(out, "\r\n");
    }
    aver_buf_append_text(out, "\r\n");
}

static void answer(SSL *ssl, const https_route *route, https_fault fault)
{
    aver_buf out;
    aver_view body = route != NULL && fault != HTTPS_EMPTY ? route->body : (aver_view){0};
    size_t told = body.size + (fault == HTTPS_HUGE ? HTTPS_HUGE_BYTES : 0U);
    aver_buf_init(&out, (size_t)4 * HTTPS_HUGE_BYTES);
    answer_head(&out, route, fault, told);
    size_t start = out.size;
    aver_buf_append(&out, body);
    if (fault == HTTPS_CHANGED && body.size > 0) {
        out.data[start + body.size / 2] ^= 1;
    }
    for (size_t i = body.size; i < told; i++) {
        aver_buf_append_byte(&out, ' ');
    }
    AVER_ASSERT(aver_buf_status(&out) == AVER_OK);
    send_bytes(ssl, out.data, fault == HTTPS_CUT ? start + body.size / 2 : out.size);
    aver_buf_deinit(&out);
}

/* The request target, or false. */
static bool request_read(SSL *ssl, char ret_path[HTTPS_REQUEST_BYTES])
{
    char text[HTTPS_REQUEST_BYTES + 1];
    size_t size = 0;
    for (;;) {
        size_t got = 0;
        if (size == HTTPS_REQUEST_BYTES ||
            SSL_read_ex(ssl, text + size, HTTPS_REQUEST_BYTES - size, &got) != 1) {
            return false;
        }
        size += got;
        text[size] = '\0';
        if (strstr(text, "\r\n\r\n") != NULL) {
            return sscanf(text, "GET %4000s HTTP/1.1", ret_path) == 1;
        }
    }
}

static void serve(https_server *server, int fd)
{
    char path[HTTPS_REQUEST_BYTES];
    SSL *ssl = SSL_new(server->context);
    AVER_ASSERT(ssl != NULL && SSL_set_fd(ssl, fd) == 1);
    if (SSL_accept(ssl) == 1 && request_read(ssl, path)) {
        atomic_fetch_add(&server->requests, 1);
        pthread_mutex_lock(&server->mutex);
        https_fault fault = server->fault_path == NULL || strstr(path, server->fault_path) != NULL
                                ? server->fault
                                : HTTPS_GOOD;
        pthread_mutex_unlock(&server->mutex);
        if (fault == HTTPS_SILENT) {
            char byte;
            size_t got = 0;
            (void)SSL_read_ex(ssl, &byte, 1, &got); /* until the client goes */
        } else {
            answer(ssl, route_find(server, path), fault);
            if (fault != HTTPS_CUT) {
                (void)SSL_shutdown(ssl);
            }
        }
    }
    SSL_free(ssl);
    (void)close(fd);
}

static void *https_thread(void *context)
{
    https_server *server = context;
    while (!atomic_load(&server->stopping)) {
        int fd = accept(server->fd, NULL, NULL);
        if (fd >= 0) {
            serve(server, fd);
        }
    }
    return NULL;
}

static void https_certificates(https_server *server)
{
    static const uint8_t loopback[] = {0x30, 6, 0x87, 4, 127, 0, 0, 1};
    const pki_extension names[] = {{.oid = "2.5.29.17", .value = AVER_VIEW_OF(loopback)},
                                   {.oid = NULL}};
    uint64_t now_s = (uint64_t)time(NULL);
    pki_cert root = pki_cert_make(&(pki_options){.name = "Test web authority",
                                                 .key = pki_key(14, PKI_P256),
                                                 .ca = true,
                                                 .path_length = -1,
                                                 .from_s = now_s - HTTPS_DAY_S,
                                                 .to_s = now_s + HTTPS_DAY_S});
    pki_cert leaf = pki_cert_make(&(pki_options){.name = "loopback",
                                                 .key = pki_key(15, PKI_P256),
                                                 .issuer = &root,
                                                 .serial = 2,
                                                 .from_s = now_s - HTTPS_DAY_S,
                                                 .to_s = now_s + HTTPS_DAY_S,
                                                 .extensions = names});
    const uint8_t *der = leaf.der.data;
    X509 *certificate = d2i_X509(NULL, &der, (long)leaf.der.size);
    AVER_ASSERT(certificate != NULL && SSL_CTX_use_certificate(server->context, certificate) == 1 &&
                SSL_CTX_use_PrivateKey(server->context, leaf.key) == 1);
    X509_free(certificate);
    aver_buf pem;
    aver_buf_init(&pem, 65536);
    pki_pem(&root, &pem);
    (void)snprintf(server->ca_file, sizeof server->ca_file, "/tmp/aver-https.XXXXXX");
    int fd = mkstemp(server->ca_file);
    AVER_ASSERT(fd >= 0 && write(fd, pem.data, pem.size) == (ssize_t)pem.size && close(fd) == 0);
    aver_buf_deinit(&pem);
    pki_cert_deinit(&root);
    pki_cert_deinit(&leaf);
}

https_server *https_start(const https_route *routes)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    https_server *server = calloc(1, sizeof *server);
    AVER_ASSERT(server != NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    server->routes = routes;
    server->context = SSL_CTX_new(TLS_server_method());
    AVER_ASSERT(server->context != NULL && pthread_mutex_init(&server->mutex, NULL) == 0);
    https_certificates(server);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    AVER_ASSERT(server->fd >= 0 &&
                bind(server->fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                listen(server->fd, 16) == 0 &&
                getsockname(server->fd, (struct sockaddr *)&address, &size) == 0);
    (void)snprintf(server->base, sizeof server->base, "https://127.0.0.1:%u",
                   (unsigned)ntohs(address.sin_port));
    AVER_ASSERT(pthread_create(&server->thread, NULL, https_thread, server) == 0);
    return server;
}

void https_stop(https_server *server)
{
    atomic_store(&server->stopping, true);
    (void)shutdown(server->fd, SHUT_RDWR);
    (void)pthread_join(server->thread, NULL);
    (void)close(server->fd);
    (void)unlink(server->ca_file);
    (void)pthread_mutex_destroy(&server->mutex);
    SSL_CTX_free(server->context);
    free(server);
}

const char *https_base(const https_server *server)
{
    return server->base;
}

const char *https_ca_file(const https_server *server)
{
    return server->ca_file;
}

void https_fail(https_server *server, https_fault fault, const char *path)
{
    pthread_mutex_lock(&server->mutex);
    server->fault = fault;
    server->fault_path = path;
    pthread_mutex_unlock(&server->mutex);
}

unsigned https_requests(https_server *server)
{
    return atomic_load(&server->requests);
}
