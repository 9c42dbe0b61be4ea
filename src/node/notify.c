/* SPDX-License-Identifier: Apache-2.0 */
#include "node/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

aver_err aver_notify_send(const char *lines)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (name == NULL) {
        return AVER_E_ABSENT;
    }
    size_t size = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || size < 2 || size >= sizeof(address.sun_path)) {
        return AVER_E_USAGE;
    }
    memcpy(address.sun_path, name, size);
    if (name[0] == '@') {
        address.sun_path[0] = '\0';
    }
    /* An abstract name ends with the address and not with a zero byte. */
    socklen_t address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);

    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return AVER_E_IO;
    }
    ssize_t sent = sendto(fd, lines, strlen(lines), MSG_NOSIGNAL,
                          (const struct sockaddr *)(const void *)&address, address_size);
    (void)close(fd);
    return sent == (ssize_t)strlen(lines) ? AVER_OK : AVER_E_IO;
}
