/* SPDX-License-Identifier: Apache-2.0 */
/* ship_bench.c: lines per second and CPU seconds per million lines, from a file to a peer that
 * acknowledges windows without opening them. Usage: ship_bench FOLDER [LINES] [LEVEL]. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "os/net.h"
#include "os/os.h"
#include "ship/ship.h"

static int listen_fd = -1;

static void *peer_run(void *arg)
{
    static uint8_t bytes[4 * MIB];
    struct err err;
    int fd;
    (void)arg;
    if (net_accept(listen_fd, -1, &fd, &err) < 0)
        return NULL;
    uint32_t count = 0;
    uint8_t head[6];
    while (net_read_all(fd, head, 6, -1, &err) == 0) {
        uint32_t n = get_u32_be(head + 2);
        if (head[1] == 'W') {
            count = n;
            continue;
        }
        uint8_t ack[6] = {'2', 'A'};
        if (head[1] == 'J') { /* uncompressed: not measured here */
            fprintf(stderr, "use a level above 0\n");
            exit(1);
        }
        if (n > sizeof(bytes) || net_read_all(fd, bytes, n, -1, &err) < 0)
            break;
        ack[2] = (uint8_t)(count >> 24);
        ack[3] = (uint8_t)(count >> 16);
        ack[4] = (uint8_t)(count >> 8);
        ack[5] = (uint8_t)count;
        if (net_write_all(fd, ack, 6, -1, &err) < 0)
            break;
    }
    net_close(fd);
    return NULL;
}

static void write_lines(const char *path, unsigned count)
{
    FILE *file = fopen(path, "w");
    if (!file)
        exit(1);
    for (unsigned i = 0; i < count; i++)
        fprintf(file,
                "005930,%06u,%u,2,%u,0.%02u,71%03u.25,71200,71900,71000,71500,71400,%u,%u,%u,1,2,3,"
                "4,5,6,7,8,9,10\n",
                90000 + i % 60000, 71000 + i * 7 % 900, i % 300, i % 100, i % 1000, i % 977, i * 13,
                i * 7919);
    (void)fclose(file);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: ship_bench FOLDER [LINES] [LEVEL]\n");
        return 2;
    }
    unsigned lines = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1000000;
    struct arena *mem = arena_new(0);
    struct str csv = arena_printf(mem, "%s/bench.csv", argv[1]);
    struct net_addr addr = {.host = "127.0.0.1"};
    struct err err;
    pthread_t peer;
    write_lines(csv.p, lines);
    if (net_listen(&addr, &listen_fd, &err) < 0 || pthread_create(&peer, NULL, peer_run, NULL) != 0)
        return 1;
    struct ship_config config = {
        .fs = vfs_posix(),
        .clock = clock_system(),
        .file = STR("bench.yml"),
        .is_once = true,
        .data_path = arena_printf(mem, "%s/data-%lld", argv[1], (long long)os_pid()),
        .text = arena_printf(mem,
                             "filebeat.inputs: [{type: log, paths: ['%s']}]\noutput.logstash: "
                             "{hosts: ['127.0.0.1:%u'], "
                             "compression_level: %s}\n",
                             csv.p, net_local_port(listen_fd), argc > 3 ? argv[3] : "3")};
    struct ship *ship = NULL;
    struct ship_stats stats;
    log_set_level(LOG_WARN);
    int64_t wall = clock_monotonic_ns(clock_system()), cpu = os_cpu_ns();
    if (ship_load(&config, &ship, &err) < 0 || ship_run(ship, &err) < 0) {
        log_err(LOG_ERROR, "bench", &err);
        return 1;
    }
    wall = clock_monotonic_ns(clock_system()) - wall;
    cpu = os_cpu_ns() - cpu;
    ship_stats(ship, &stats);
    printf("%llu lines (%llu MB) acknowledged in %.2f s: %.0f lines/s, %.2f CPU s per million "
           "lines, %llu wire bytes, RSS %llu MB\n",
           (unsigned long long)stats.events_acked, (unsigned long long)(stats.bytes_read / 1000000),
           (double)wall / 1e9, (double)lines * 1e9 / (double)wall,
           (double)cpu / 1e3 / (double)lines, (unsigned long long)stats.wire_bytes,
           (unsigned long long)(os_rss_bytes() / 1000000));
    ship_free(ship);
    (void)pthread_join(peer, NULL);
    net_close(listen_fd);
    (void)remove(csv.p);
    arena_free(mem);
    return 0;
}
