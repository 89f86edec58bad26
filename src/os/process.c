/* SPDX-License-Identifier: Apache-2.0 */
/* process.c: signals as flags. The handlers only count and write to an eventfd that is never read
 * again, so once a stop is wanted it stays readable and wakes every waiter, now and later. */
#include "os/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "os/net.h"
#include "os/os_int.h"

static int stop_fd = -1;
static int stop_count;
static uint64_t hangup_count;

static void stop_note(void)
{
    __atomic_add_fetch(&stop_count, 1, __ATOMIC_RELEASE);
    uint64_t one = 1;
    int fd = __atomic_load_n(&stop_fd, __ATOMIC_ACQUIRE);
    if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
        return; /* the counter is full: it is readable anyway */
}

static void on_stop(int number)
{
    int kept = errno;
    if (process_stop_wanted())
        _exit(128 + number); /* the person asks a second time: now */
    stop_note();
    errno = kept;
}

static void on_hangup(int number)
{
    (void)number;
    __atomic_add_fetch(&hangup_count, 1, __ATOMIC_RELAXED);
}

static int handler_set(int number, void (*handler)(int), struct err *err)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    (void)sigemptyset(&action.sa_mask);
    if (sigaction(number, &action, NULL) < 0)
        return os__errno(err, errno, "set the handler of signal", strsignal(number));
    return 0;
}

int process_catch_stop_signals(struct err *err)
{
    if (stop_fd < 0) {
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (fd < 0)
            return os__errno(err, errno, "make", "eventfd");
        __atomic_store_n(&stop_fd, fd, __ATOMIC_RELEASE);
        if (process_stop_wanted()) { /* asked for before there was a descriptor */
            uint64_t one = 1;
            (void)!write(fd, &one, sizeof(one));
        }
    }
    TRY(handler_set(SIGINT, on_stop, err));
    TRY(handler_set(SIGTERM, on_stop, err));
    TRY(handler_set(SIGHUP, on_hangup, err));
    return handler_set(SIGPIPE, SIG_IGN, err);
}

bool process_stop_wanted(void)
{
    return __atomic_load_n(&stop_count, __ATOMIC_ACQUIRE) > 0;
}

void process_ask_stop(void)
{
    stop_note();
}

bool process_wait_stop(int64_t ns)
{
    ASSERT(stop_fd >= 0); /* process_catch_stop_signals comes first */
    struct pollfd wait = {.fd = stop_fd, .events = POLLIN};
    int64_t deadline_ns = net_deadline_ns(ns);
    while (!process_stop_wanted()) {
        int rc = poll(&wait, 1, net_poll_ms(deadline_ns));
        if (rc == 0 && net_poll_ms(deadline_ns) == 0)
            break;
        ASSERT(rc >= 0 || errno == EINTR);
    }
    return process_stop_wanted();
}

uint64_t process_hangup_count(void)
{
    return __atomic_load_n(&hangup_count, __ATOMIC_RELAXED);
}
