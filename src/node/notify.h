/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_NOTIFY_H
#define AVER_NODE_NOTIFY_H

/*
 * notify: tells the service manager how the node is, by the protocol of sd_notify(3): lines of
 * "NAME=value" in one datagram to the Unix socket that the environment's NOTIFY_SOCKET names, as a
 * path or, after "@", in the abstract space. Without that name nothing is sent.
 */

#include "aver/err.h"

/* ABSENT without a service manager; USAGE if the name is no Unix socket; IO. */
AVER_MUST_USE aver_err aver_notify_send(const char *lines);

#endif
