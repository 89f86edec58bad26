/* SPDX-License-Identifier: Apache-2.0 */
/* os.c: what the process knows of itself and of the machine. */
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

#define THREAD_NAME_BYTES 15 /* the kernel's limit without the NUL */
#define HOSTNAME_BYTES    256

void os_env_set(const char *name, const char *value)
{
    ASSERT(setenv(name, value, 1) == 0);
    tzset(); /* the C library reads TZ when it is told to */
}

struct str os_env(const char *name)
{
    return str_from(getenv(name));
}

uint64_t os_entropy_u64(void)
{
    uint64_t v;
    ssize_t n;
    do {
        n = getrandom(&v, sizeof(v), 0);
    } while (n < 0 && errno == EINTR);
    ASSERT(n == (ssize_t)sizeof(v)); /* up to 256 bytes never come short */
    return v;
}

void os_thread_name(const char *name)
{
    char text[THREAD_NAME_BYTES + 1];
    size_t n = strnlen(name, THREAD_NAME_BYTES);
    memcpy(text, name, n);
    text[n] = '\0';
    (void)pthread_setname_np(pthread_self(), text); /* a name is a comfort, not a need */
}

size_t os_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        return (size_t)CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (size_t)n : 1;
}

uint64_t os_rss_bytes(void)
{
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof(text));
    (void)close(fd);
    struct str rest = {text, n > 0 ? (size_t)n : 0}, part;
    uint64_t pages;
    if (!str_split_next(&rest, ' ', &part) || !str_split_next(&rest, ' ', &part) ||
        !str_to_u64(part, &pages))
        return 0;
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

int64_t os_cpu_ns(void)
{
    struct timespec t;
    ASSERT(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t os_pid(void)
{
    return getpid();
}

static char hostname[HOSTNAME_BYTES];

static void hostname_read(void)
{
    if (gethostname(hostname, sizeof(hostname) - 1) < 0 || hostname[0] == '\0')
        memcpy(hostname, "localhost", sizeof("localhost"));
}

struct str os_hostname(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, hostname_read);
    return str_from(hostname);
}

bool os_is_tty(int fd)
{
    return isatty(fd) == 1;
}
