/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipc: how long a step's events take from engine to keeper, over a socket pair (one message a step)
 * and over a ring in shared memory with an eventfd, in one run. The sender is a process that
 * computes for a while between two messages, as an engine does; the reader waits in epoll, copies
 * the message, and notes how old it is.
 */
#include "base/sys.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS         4000
#define STEP_NS       250000u /* what a step of the story model takes with some slots */
#define MESSAGE_BYTES 640u    /* 16 slots, one token each */
#define RING_BYTES    (1u << 20)
#define GOAL_US       50.0

typedef struct ipc_ring {
    _Atomic uint64_t head; /* bytes written; each side owns one */
    _Atomic uint64_t tail; /* bytes read */
    uint8_t bytes[RING_BYTES];
} ipc_ring;

typedef struct ipc_channel {
    bool use_ring;
    int fd; /* the reader's: socket or eventfd */
    int writer_fd;
    ipc_ring *ring;
} ipc_channel;

static _Noreturn void ipc_die(const char *what)
{
    perror(what);
    exit(1);
}

static void ipc_copy_in(ipc_ring *ring, uint64_t at, const uint8_t *bytes)
{
    size_t offset = at % RING_BYTES;
    size_t first = RING_BYTES - offset < MESSAGE_BYTES ? RING_BYTES - offset : MESSAGE_BYTES;

    memcpy(ring->bytes + offset, bytes, first);
    memcpy(ring->bytes, bytes + first, MESSAGE_BYTES - first);
}

static void ipc_copy_out(const ipc_ring *ring, uint64_t at, uint8_t *bytes)
{
    size_t offset = at % RING_BYTES;
    size_t first = RING_BYTES - offset < MESSAGE_BYTES ? RING_BYTES - offset : MESSAGE_BYTES;

    memcpy(bytes, ring->bytes + offset, first);
    memcpy(bytes + first, ring->bytes, MESSAGE_BYTES - first);
}

static void ipc_send(const ipc_channel *channel, const uint8_t *message)
{
    const uint64_t one = 1;

    if (channel->use_ring) {
        uint64_t head = atomic_load_explicit(&channel->ring->head, memory_order_relaxed);

        ipc_copy_in(channel->ring, head, message);
        atomic_store_explicit(&channel->ring->head, head + MESSAGE_BYTES, memory_order_release);
        if (write(channel->writer_fd, &one, sizeof(one)) != (ssize_t)sizeof(one)) {
            ipc_die("eventfd");
        }
    } else if (send(channel->writer_fd, message, MESSAGE_BYTES, MSG_NOSIGNAL) !=
               (ssize_t)MESSAGE_BYTES) {
        ipc_die("send");
    }
}

static void ipc_work(uint64_t ns)
{
    uint64_t end = aver_time_monotonic_ns() + ns;

    while (aver_time_monotonic_ns() < end) {
    }
}

static _Noreturn void ipc_engine(const ipc_channel *channel)
{
    uint8_t message[MESSAGE_BYTES] = {0};

    for (unsigned i = 0; i < STEPS; i++) {
        ipc_work(STEP_NS);
        uint64_t now_ns = aver_time_monotonic_ns();
        memcpy(message, &now_ns, sizeof(now_ns));
        ipc_send(channel, message);
    }
    _exit(0);
}

/* Takes what is there; the ages of the messages in microseconds. */
static unsigned ipc_receive(const ipc_channel *channel, double *ages, unsigned room)
{
    uint8_t bytes[65536];
    unsigned count = 0;
    uint64_t counter, sent_ns;

    if (!channel->use_ring) {
        size_t want = room < 100 ? room * MESSAGE_BYTES : 100 * MESSAGE_BYTES;
        ssize_t got = recv(channel->fd, bytes, want, 0);

        for (size_t at = 0; got > 0 && at + MESSAGE_BYTES <= (size_t)got; at += MESSAGE_BYTES) {
            memcpy(&sent_ns, bytes + at, sizeof(sent_ns));
            ages[count++] = (double)(aver_time_monotonic_ns() - sent_ns) / 1e3;
        }
        return count;
    }
    if (read(channel->fd, &counter, sizeof(counter)) < 0) {
        return 0;
    }
    uint64_t tail = atomic_load_explicit(&channel->ring->tail, memory_order_relaxed);
    while (count < room &&
           tail < atomic_load_explicit(&channel->ring->head, memory_order_acquire)) {
        ipc_copy_out(channel->ring, tail, bytes);
        tail += MESSAGE_BYTES;
        memcpy(&sent_ns, bytes, sizeof(sent_ns));
        ages[count++] = (double)(aver_time_monotonic_ns() - sent_ns) / 1e3;
    }
    atomic_store_explicit(&channel->ring->tail, tail, memory_order_release);
    return count;
}

static int ipc_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : (x > y ? 1 : 0);
}

static ipc_channel ipc_open(bool use_ring)
{
    ipc_channel channel = {.use_ring = use_ring};
    int pair[2];

    if (use_ring) {
        void *memory =
            mmap(NULL, sizeof(ipc_ring), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        channel.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (memory == MAP_FAILED || channel.fd < 0) {
            ipc_die("ring");
        }
        channel.ring = memory;
        channel.writer_fd = channel.fd;
        return channel;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        ipc_die("socketpair");
    }
    channel.fd = pair[0];
    channel.writer_fd = pair[1];
    return channel;
}

/* The median age of a message in microseconds. */
static double ipc_run(bool use_ring)
{
    static double ages[STEPS];
    ipc_channel channel = ipc_open(use_ring);
    int poll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    unsigned count = 0;

    if (poll_fd < 0 || epoll_ctl(poll_fd, EPOLL_CTL_ADD, channel.fd, &event) != 0) {
        ipc_die("epoll");
    }
    pid_t child = fork();
    if (child == 0) {
        ipc_engine(&channel);
    }
    while (child > 0 && count < STEPS) {
        if (epoll_wait(poll_fd, &event, 1, 10000) != 1) {
            ipc_die("epoll_wait");
        }
        count += ipc_receive(&channel, ages + count, STEPS - count);
    }
    (void)waitpid(child, NULL, 0);
    (void)close(poll_fd);
    (void)close(channel.fd);
    if (use_ring) {
        (void)munmap(channel.ring, sizeof(ipc_ring));
    } else {
        (void)close(channel.writer_fd);
    }
    qsort(ages, count, sizeof(*ages), ipc_compare);
    return ages[count / 2];
}

int main(void)
{
    double socket_us = ipc_run(false);
    double ring_us = ipc_run(true);
    double socket_again_us = ipc_run(false);
    double ring_again_us = ipc_run(true);

    socket_us = socket_us < socket_again_us ? socket_us : socket_again_us;
    ring_us = ring_us < ring_again_us ? ring_us : ring_again_us;
    (void)printf("  a step's events, p50 age when read: socket pair %.1f us, ring and eventfd %.1f "
                 "us, ratio %.2f; a step "
                 "takes %u us\n",
                 socket_us, ring_us, socket_us / ring_us, STEP_NS / 1000);
    (void)printf("figure ipc_socket_us %.1f us goal <= %.0f %s\n", socket_us, GOAL_US,
                 socket_us <= GOAL_US ? "ok" : "short");
    return 0;
}
