/* SPDX-License-Identifier: Apache-2.0 */
#include "os/stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "os/os_int.h"

static pthread_mutex_t stdout_mu = PTHREAD_MUTEX_INITIALIZER; /* one write at a time */

int os_stdin_read(void *p, size_t n, int64_t timeout_ns, size_t *ret_n, struct err *err)
{
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    int timeout_ms =
        timeout_ns < 0 ? -1 : (int)MIN_OF(timeout_ns / NS_PER_MS, 3600 * INT64_C(1000));
    int ready = poll(&fd, 1, timeout_ms);
    if (ready == 0 || (ready < 0 && errno == EINTR))
        return err_set(err, ERR_TIMEOUT, "nothing came on standard input");
    ssize_t got = read(STDIN_FILENO, p, n);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return err_set(err, ERR_TIMEOUT, "nothing came on standard input");
    if (got < 0)
        return os__errno(err, errno, "read", "standard input");
    *ret_n = (size_t)got;
    return 0;
}

static int write_all(struct str bytes, struct err *err)
{
    while (bytes.n > 0) {
        ssize_t put = write(STDOUT_FILENO, bytes.p, bytes.n);
        if (put < 0 &&
            errno == EAGAIN) { /* somebody made it non-blocking, as terminals' other users do */
            struct pollfd fd = {.fd = STDOUT_FILENO, .events = POLLOUT};
            (void)poll(&fd, 1, -1);
            continue;
        }
        if (put < 0 && errno != EINTR)
            return os__errno(err, errno, "write to", "standard output");
        if (put > 0)
            bytes = (struct str){bytes.p + put, bytes.n - (size_t)put};
    }
    return 0;
}

int os_stdout_write(struct str bytes, struct err *err)
{
    pthread_mutex_lock(&stdout_mu);
    int rc = write_all(bytes, err);
    pthread_mutex_unlock(&stdout_mu);
    return rc;
}

int os_stdout_discard(struct err *err)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere < 0)
        return os__errno(err, errno, "open", "/dev/null");
    pthread_mutex_lock(&stdout_mu);
    (void)fflush(stdout); /* what was printed before is still shown */
    int rc =
        dup2(nowhere, STDOUT_FILENO) < 0 ? os__errno(err, errno, "replace", "standard output") : 0;
    pthread_mutex_unlock(&stdout_mu);
    if (nowhere != STDOUT_FILENO) /* it is when standard output was closed */
        (void)close(nowhere);
    return rc;
}
