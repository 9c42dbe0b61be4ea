/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "base/sys.h"
#include "support/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int raw_connect(const test_server *server)
{
    const char *bound = test_server_bound(server);
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)test_server_port(server))};
    struct sockaddr_vm vm = {
        .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_LOCAL, .svm_port = test_server_port(server)};
    const void *address = &in;
    socklen_t size = sizeof(in);
    int family = AF_INET;
    if (strncmp(bound, "unix:", 5) == 0) {
        strncpy(un.sun_path, bound + 5, sizeof(un.sun_path) - 1);
        address = &un;
        size = sizeof(un);
        family = AF_UNIX;
    } else if (strncmp(bound, "vsock:", 6) == 0) {
        address = &vm;
        size = sizeof(vm);
        family = AF_VSOCK;
    }
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, address, size) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

test_raw test_raw_open(const test_server *server, bool secure)
{
    test_raw raw = {.fd = raw_connect(server), .text = calloc(1, TEST_NET_TEXT_BYTES + 1)};
    AVER_ASSERT(raw.text);
    if (raw.fd < 0 || !secure) {
        return raw;
    }
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    AVER_ASSERT(context);
    raw.ssl = SSL_new(context);
    SSL_CTX_free(context);
    AVER_ASSERT(raw.ssl && SSL_set_fd(raw.ssl, raw.fd) == 1);
    AVER_ASSERT(SSL_connect(raw.ssl) == 1);
    return raw;
}

bool test_raw_try(test_raw *raw, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    if (raw->ssl) {
        return SSL_write(raw->ssl, bytes, (int)size) == (int)size;
    }
    while (size > 0) {
        ssize_t sent = send(raw->fd, at, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

void test_raw_send(test_raw *raw, const void *bytes, size_t size)
{
    AVER_ASSERT(test_raw_try(raw, bytes, size));
}

void test_raw_text(test_raw *raw, const char *text)
{
    test_raw_send(raw, text, strlen(text));
}

int test_raw_sip(test_raw *raw, unsigned timeout_ms)
{
    char bytes[16384];
    struct pollfd wait = {.fd = raw->fd, .events = POLLIN};
    if (!(raw->ssl && SSL_pending(raw->ssl) > 0) && poll(&wait, 1, (int)timeout_ms) <= 0) {
        return -1;
    }
    ssize_t size = raw->ssl ? SSL_read(raw->ssl, bytes, sizeof(bytes))
                            : recv(raw->fd, bytes, sizeof(bytes), 0);
    if (size <= 0) {
        return 0;
    }
    size_t room = TEST_NET_TEXT_BYTES - raw->size;
    size_t kept = (size_t)size < room ? (size_t)size : room;
    memcpy(raw->text + raw->size, bytes, kept);
    raw->size += kept;
    raw->total += (size_t)size;
    raw->text[raw->size] = '\0';
    return 1;
}

bool test_raw_read(test_raw *raw, const char *until, unsigned timeout_ms)
{
    uint64_t end_ns = aver_time_monotonic_ns() + (uint64_t)timeout_ms * 1000000;
    for (;;) {
        uint64_t now_ns = aver_time_monotonic_ns();
        if (until && strstr(raw->text, until)) {
            return false;
        }
        if (now_ns >= end_ns) {
            return false;
        }
        int result = test_raw_sip(raw, (unsigned)((end_ns - now_ns) / 1000000 + 1));
        if (result == 0) {
            return true;
        }
    }
}

void test_raw_close(test_raw *raw)
{
    SSL_free(raw->ssl);
    if (raw->fd >= 0) {
        close(raw->fd);
    }
    free(raw->text);
    *raw = (test_raw){.fd = -1};
}
