/* SPDX-License-Identifier: Apache-2.0 */
/* Peers are told apart by address, whatever their port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The peer that a listener sees. from: the client's own address, NULL: any. */
static aver_peer peer_seen(int listener, const struct sockaddr *from, socklen_t size)
{
    struct sockaddr_storage to;
    socklen_t to_size = sizeof(to);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&to, &to_size), 0);
    int client = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client >= 0);
    assert_true(from == NULL || bind(client, from, size) == 0);
    assert_int_equal(connect(client, (struct sockaddr *)&to, to_size), 0);
    int server = accept(listener, NULL, NULL);
    assert_true(server >= 0);
    aver_peer peer = aver_listen_peer(server);
    (void)close(server);
    (void)close(client);
    return peer;
}

static aver_peer peer_of_ipv4(int listener, const char *host)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    assert_int_equal(inet_pton(AF_INET, host, &from.sin_addr), 1);
    return peer_seen(listener, (const struct sockaddr *)&from, sizeof(from));
}

static bool same(const aver_peer *a, const aver_peer *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static void ipv4_peers_are_their_addresses(void **state)
{
    static const uint8_t wanted[] = {4, 127, 0, 0, 2};
    char bound[AVER_LISTEN_TEXT_BYTES];
    int listener = -1;
    (void)state;
    assert_int_equal(aver_listen_open("tcp:127.0.0.1:0", &listener, bound), AVER_OK);
    aver_peer one = peer_of_ipv4(listener, "127.0.0.1");
    aver_peer again = peer_of_ipv4(listener, "127.0.0.1");
    aver_peer two = peer_of_ipv4(listener, "127.0.0.2");
    assert_true(same(&one, &again));
    assert_false(same(&one, &two));
    assert_int_equal(two.size, sizeof(wanted));
    assert_memory_equal(two.bytes, wanted, sizeof(wanted));
    (void)close(listener);
}

static void ipv6_peers_are_their_networks(void **state)
{
    static const uint8_t wanted[9] = {6};
    char bound[AVER_LISTEN_TEXT_BYTES];
    int listener = -1;
    (void)state;
    if (aver_listen_open("tcp:[::1]:0", &listener, bound) != AVER_OK) {
        (void)printf("SKIP: this machine has no IPv6\n");
        skip();
    }
    aver_peer peer = peer_seen(listener, NULL, 0);
    assert_int_equal(peer.size, sizeof(wanted));
    assert_memory_equal(peer.bytes, wanted, sizeof(wanted));
    (void)close(listener);
}

static void peers_of_a_unix_socket_are_all_one(void **state)
{
    char folder[] = "/tmp/aver-test-XXXXXX";
    char address[AVER_LISTEN_TEXT_BYTES];
    char bound[AVER_LISTEN_TEXT_BYTES];
    int listener = -1;
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(address, sizeof(address), "unix:%s/socket", folder);
    assert_int_equal(aver_listen_open(address, &listener, bound), AVER_OK);
    assert_int_equal(peer_seen(listener, NULL, 0).size, 0);
    (void)close(listener);
    (void)unlink(address + 5);
    (void)rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_peers_are_their_addresses),
        cmocka_unit_test(ipv6_peers_are_their_networks),
        cmocka_unit_test(peers_of_a_unix_socket_are_all_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
