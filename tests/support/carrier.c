/* SPDX-License-Identifier: Apache-2.0 */
#include "support/carrier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CARRIER_REQUEST_BYTES_MAX 65536

static int carrier_socket(const char *path, struct sockaddr_un *ret_address)
{
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof(ret_address->sun_path));
    memcpy(ret_address->sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    return fd;
}

int carrier_connect(const char *path)
{
    struct sockaddr_un address;
    int fd = carrier_socket(path, &address);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

void carrier_put(int fd, aver_view bytes)
{
    while (bytes.size > 0) {
        ssize_t put = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (put <= 0) {
            return;
        }
        bytes = aver_view_slice(bytes, (size_t)put, bytes.size - (size_t)put);
    }
}

/* The head, and as much body as it announces. */
static bool carrier_take(int client, aver_buf *request)
{
    uint8_t piece[4096];
    size_t wanted = SIZE_MAX;
    while (request->size < wanted) {
        ssize_t got = read(client, piece, sizeof(piece));
        if (got <= 0) {
            return false;
        }
        aver_buf_append(request, aver_view_make(piece, (size_t)got));
        assert_int_equal(aver_buf_status(request), AVER_OK);
        const uint8_t *end = memmem(request->data, request->size, "\r\n\r\n", 4);
        if (end != NULL) {
            size_t head = (size_t)(end - request->data);
            const uint8_t *length = memmem(request->data, head, "Content-Length: ", 16);
            wanted = head + 4;
            wanted += length != NULL ? strtoul((const char *)length + 16, NULL, 10) : 0;
        }
    }
    return true;
}

void carrier_pass(int client, const char *path, aver_view request, aver_buf *answer)
{
    uint8_t piece[4096];
    int fd = carrier_connect(path);
    const uint8_t *end = memmem(request.data, request.size, "\r\n", 2);
    assert_non_null(end);
    size_t line = (size_t)(end - request.data);
    carrier_put(fd, aver_view_slice(request, 0, line));
    carrier_put(fd, AVER_VIEW_LITERAL("\r\nConnection: close"));
    carrier_put(fd, aver_view_slice(request, line, request.size - line));
    for (ssize_t got = read(fd, piece, sizeof(piece)); got > 0;
         got = read(fd, piece, sizeof(piece))) {
        carrier_put(client, aver_view_make(piece, (size_t)got));
        if (answer != NULL) {
            aver_buf_append(answer, aver_view_make(piece, (size_t)got));
        }
    }
    (void)close(fd);
}

static void *carrier_serve(void *context)
{
    const carrier_server *server = context;
    for (;;) {
        aver_buf request;
        int client = accept(server->listener, NULL, NULL);
        if (client < 0) {
            return NULL;
        }
        aver_buf_init(&request, CARRIER_REQUEST_BYTES_MAX);
        if (carrier_take(client, &request)) {
            server->handle(client, aver_buf_view(&request));
        }
        aver_buf_deinit(&request);
        (void)close(client);
    }
}

void carrier_start(carrier_server *server, const char *path, carrier_handle handle)
{
    struct sockaddr_un address;
    (void)unlink(path);
    server->handle = handle;
    server->listener = carrier_socket(path, &address);
    assert_int_equal(bind(server->listener, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(server->listener, 8), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, carrier_serve, server), 0);
}

void carrier_stop(carrier_server *server)
{
    (void)shutdown(server->listener, SHUT_RDWR);
    assert_int_equal(pthread_join(server->thread, NULL), 0);
    (void)close(server->listener);
}
