/* SPDX-License-Identifier: Apache-2.0 */
#include "net/listen.h"

#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { LISTEN_BACKLOG = 1024, LISTEN_NETWORK_BYTES = 8 };

typedef struct listen_address {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
        struct sockaddr_vm vm;
    } socket;
    socklen_t size;
} listen_address;

/* Decimal digits only, the whole text. */
static aver_err listen_number_read(const char *text, uint64_t value_max, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t size = strspn(text, "0123456789");
    if (size == 0 || size > 10 || text[size] != '\0') {
        return AVER_E_USAGE;
    }
    for (size_t i = 0; i < size; i++) {
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    if (value > value_max) {
        return AVER_E_USAGE;
    }
    *ret_value = value;
    return AVER_OK;
}

static aver_err listen_tcp_read(const char *text, listen_address *address)
{
    char host[INET6_ADDRSTRLEN];
    const char *colon = strrchr(text, ':');
    uint64_t port = 0;
    if (!colon || listen_number_read(colon + 1, UINT16_MAX, &port) != AVER_OK) {
        return AVER_E_USAGE;
    }
    bool bracketed = text[0] == '[' && colon > text + 1 && colon[-1] == ']';
    size_t size = (size_t)(colon - text) - (bracketed ? 2 : 0);
    if (size >= sizeof(host)) {
        return AVER_E_USAGE;
    }
    memcpy(host, text + (bracketed ? 1 : 0), size);
    host[size] = '\0';
    if (bracketed) {
        address->socket.in6.sin6_family = AF_INET6;
        address->socket.in6.sin6_port = htons((uint16_t)port);
        address->size = sizeof(address->socket.in6);
        return inet_pton(AF_INET6, host, &address->socket.in6.sin6_addr) == 1 ? AVER_OK
                                                                              : AVER_E_USAGE;
    }
    address->socket.in.sin_family = AF_INET;
    address->socket.in.sin_port = htons((uint16_t)port);
    address->size = sizeof(address->socket.in);
    return inet_pton(AF_INET, host, &address->socket.in.sin_addr) == 1 ? AVER_OK : AVER_E_USAGE;
}

static aver_err listen_address_read(const char *text, listen_address *address)
{
    uint64_t port = 0;
    *address = (listen_address){0};
    if (strncmp(text, "tcp:", 4) == 0) {
        return listen_tcp_read(text + 4, address);
    }
    if (strncmp(text, "unix:", 5) == 0) {
        size_t size = strlen(text + 5);
        if (size == 0 || size >= sizeof(address->socket.un.sun_path)) {
            return AVER_E_USAGE;
        }
        address->socket.un.sun_family = AF_UNIX;
        memcpy(address->socket.un.sun_path, text + 5, size + 1);
        address->size = sizeof(address->socket.un);
        return AVER_OK;
    }
    if (strncmp(text, "vsock:", 6) == 0 &&
        listen_number_read(text + 6, UINT32_MAX, &port) == AVER_OK) {
        address->socket.vm.svm_family = AF_VSOCK;
        address->socket.vm.svm_cid = VMADDR_CID_ANY;
        address->socket.vm.svm_port = port == 0 ? VMADDR_PORT_ANY : (unsigned)port;
        address->size = sizeof(address->socket.vm);
        return AVER_OK;
    }
    return AVER_E_USAGE;
}

/* Removes a socket file that nobody listens on; anything else is left, and bind then says no. */
static void listen_stale_remove(const listen_address *address)
{
    struct stat info;
    const char *path = address->socket.un.sun_path;
    if (lstat(path, &info) != 0 || !S_ISSOCK(info.st_mode)) {
        return;
    }
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) {
        return;
    }
    if (connect(probe, &address->socket.any, address->size) != 0 && errno == ECONNREFUSED) {
        unlink(path);
    }
    close(probe);
}

static aver_err listen_bind(int fd, const listen_address *address)
{
    int family = address->socket.any.sa_family;
    int yes = 1;
    if (family == AF_INET || family == AF_INET6) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    }
    if (family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
    }
    if (family == AF_UNIX) {
        listen_stale_remove(address);
    }
    if (bind(fd, &address->socket.any, address->size) != 0) {
        return AVER_E_IO;
    }
    if (family == AF_UNIX && chmod(address->socket.un.sun_path, 0600) != 0) {
        return AVER_E_IO;
    }
    return listen(fd, LISTEN_BACKLOG) == 0 ? AVER_OK : AVER_E_IO;
}

static aver_err listen_bound_write(int fd, const char *text, char ret_bound[AVER_LISTEN_TEXT_BYTES])
{
    listen_address bound = {.size = sizeof(bound.socket)};
    char host[INET6_ADDRSTRLEN];
    if (getsockname(fd, &bound.socket.any, &bound.size) != 0) {
        return AVER_E_IO;
    }
    switch (bound.socket.any.sa_family) {
    case AF_INET:
        inet_ntop(AF_INET, &bound.socket.in.sin_addr, host, sizeof(host));
        snprintf(ret_bound, AVER_LISTEN_TEXT_BYTES, "tcp:%s:%u", host,
                 (unsigned)ntohs(bound.socket.in.sin_port));
        break;
    case AF_INET6:
        inet_ntop(AF_INET6, &bound.socket.in6.sin6_addr, host, sizeof(host));
        snprintf(ret_bound, AVER_LISTEN_TEXT_BYTES, "tcp:[%s]:%u", host,
                 (unsigned)ntohs(bound.socket.in6.sin6_port));
        break;
    case AF_VSOCK:
        snprintf(ret_bound, AVER_LISTEN_TEXT_BYTES, "vsock:%u", bound.socket.vm.svm_port);
        break;
    default:
        snprintf(ret_bound, AVER_LISTEN_TEXT_BYTES, "%s", text);
        break;
    }
    return AVER_OK;
}

aver_err aver_listen_open(const char *address, int *ret_fd, char ret_bound[AVER_LISTEN_TEXT_BYTES])
{
    listen_address parsed;
    aver_err err = listen_address_read(address, &parsed);
    if (err != AVER_OK) {
        aver_log(AVER_LOG_ERROR, "net.listen",
                 "not an address to listen on: %s (tcp:HOST:PORT, unix:PATH, vsock:PORT)", address);
        return err;
    }
    int fd = socket(parsed.socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        aver_log(AVER_LOG_ERROR, "net.listen", "%s: %s", address, strerror(errno));
        return AVER_E_IO;
    }
    err = listen_bind(fd, &parsed);
    if (err == AVER_OK) {
        err = listen_bound_write(fd, address, ret_bound);
    }
    if (err != AVER_OK) {
        aver_log(AVER_LOG_ERROR, "net.listen", "%s: %s", address, strerror(errno));
        close(fd);
        return err;
    }
    *ret_fd = fd;
    return AVER_OK;
}

static void peer_put(aver_peer *peer, uint8_t kind, const void *bytes, size_t size)
{
    peer->bytes[0] = kind;
    memcpy(peer->bytes + 1, bytes, size);
    peer->size = 1 + size;
}

aver_peer aver_listen_peer(int fd)
{
    aver_peer peer = {.size = 0};
    listen_address address = {.size = sizeof(address.socket)};
    if (getpeername(fd, &address.socket.any, &address.size) != 0) {
        return peer;
    }
    switch (address.socket.any.sa_family) {
    case AF_INET:
        peer_put(&peer, 4, &address.socket.in.sin_addr, sizeof(address.socket.in.sin_addr));
        break;
    case AF_INET6:
        peer_put(&peer, 6, &address.socket.in6.sin6_addr, LISTEN_NETWORK_BYTES);
        break;
    case AF_VSOCK:
        peer_put(&peer, 1, &address.socket.vm.svm_cid, sizeof(address.socket.vm.svm_cid));
        break;
    default:
        break;
    }
    return peer;
}
