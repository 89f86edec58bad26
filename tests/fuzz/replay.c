/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c: drives a fuzz target without libFuzzer: every kept input (the findings of before) and
 * every seed of the target's own, then mutations of them from a fixed seed.
 *
 *     f_<module>_<name> FOLDER              replay; NARU_FUZZ_RUNS mutations (default 500)
 *     f_<module>_<name> --seeds FOLDER      writes the target's own seeds, to begin a libFuzzer run
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/str.h"
#include "support/fuzz.h"

#define RUNS_DEFAULT 500u
#define INPUTS_MAX   4096u

struct inputs {
    struct arena *mem;
    struct str items[INPUTS_MAX];
    size_t count;
};

static void input_add(struct inputs *in, struct str s)
{
    ASSERT(in->count < INPUTS_MAX);
    in->items[in->count++] = arena_str(in->mem, s);
}

static void seeds_add(struct inputs *in)
{
    struct buf out;
    buf_init(&out, 0);
    for (unsigned n = 0; fuzz_seed && fuzz_seed(n, &out); n++) {
        input_add(in, buf_str(&out));
        buf_clear(&out);
    }
    buf_deinit(&out);
}

static void file_add(struct inputs *in, const char *path)
{
    FILE *file = fopen(path, "rb");
    struct buf out;
    size_t n;
    ASSERT(file);
    buf_init(&out, 0);
    do {
        n = fread(buf_reserve(&out, 4096), 1, 4096, file);
        buf_added(&out, n);
    } while (n > 0);
    input_add(in, buf_str(&out));
    buf_deinit(&out);
    (void)fclose(file);
}

static void folder_add(struct inputs *in, const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort); /* -1: nothing was kept yet */
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.')
            file_add(in, arena_printf(in->mem, "%s/%s", path, entries[i]->d_name).p);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

static void run_one(struct str s)
{
    /* Of its exact size on the heap, so that a sanitizer sees a read behind it. */
    uint8_t *copy = mem_alloc(s.n);
    if (s.n)
        memcpy(copy, s.p, s.n);
    (void)LLVMFuzzerTestOneInput(copy, s.n);
    mem_free(copy);
}

/* A few changes of the kinds that find most: bits, bytes, interesting numbers, runs moved, cut off,
 * put in. */
static void mutate(struct rng *rng, const struct inputs *in, struct buf *out)
{
    static const uint64_t interesting[] = {0,      1,          127,        128,       255,
                                           256,    32767,      32768,      65535,     65536,
                                           100000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
    buf_clear(out);
    buf_add_str(out, in->items[rng_below(rng, in->count)]);
    for (uint64_t changes = 1 + rng_below(rng, 4); changes > 0 && out->n > 0; changes--) {
        size_t at = rng_below(rng, out->n), n = (size_t)1 << rng_below(rng, 4);
        n = MIN_OF(n, out->n - at);
        switch (rng_below(rng, 7)) {
        case 0:
            out->p[at] = (char)(out->p[at] ^ (1 << rng_below(rng, 8)));
            break;
        case 1:
            out->p[at] = (char)rng_u64(rng);
            break;
        case 2: {
            uint64_t v = rng_below(rng, 4) ? interesting[rng_below(rng, ARRAY_COUNT(interesting))]
                                           : ~UINT64_C(0) - interesting[rng_below(rng, 5)];
            for (size_t i = 0; i < n; i++)
                out->p[at + i] = (char)(v >> (8 * i));
            break;
        }
        case 3:
            memmove(out->p + at, out->p + rng_below(rng, out->n - n + 1), n);
            break;
        case 4:
            out->n = rng_below(rng, 8) ? out->n : at;
            break;
        case 5:
            memmove(out->p + at, out->p + at + n, out->n - at - n);
            out->n -= n;
            break;
        default: {
            struct str other = in->items[rng_below(rng, in->count)];
            size_t part = 1 + rng_below(rng, 64);
            part = MIN_OF(part, other.n);
            if (part && buf_reserve(out, part)) {
                size_t from = rng_below(rng, other.n - part + 1);
                memmove(out->p + at + part, out->p + at, out->n - at);
                memcpy(out->p + at, other.p + from, part);
                buf_added(out, part);
            }
        }
        }
    }
}

static int seeds_write(const struct inputs *in, const char *dir)
{
    (void)mkdir(dir, 0750);
    for (size_t i = 0; i < in->count; i++) {
        FILE *file = fopen(arena_printf(in->mem, "%s/seed-%zu", dir, i).p, "wb");
        if (!file || fwrite(in->items[i].p, 1, in->items[i].n, file) != in->items[i].n ||
            fclose(file) != 0) {
            perror(dir);
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct inputs *in = MEM_NEW(struct inputs);
    in->mem = arena_new(0);
    seeds_add(in);
    if (argc == 3 && strcmp(argv[1], "--seeds") == 0)
        return seeds_write(in, argv[2]);
    for (int i = 1; i < argc; i++)
        folder_add(in, argv[i]);
    for (size_t i = 0; i < in->count; i++)
        run_one(in->items[i]);
    uint64_t runs = RUNS_DEFAULT, seed = 1;
    const char *text = getenv("NARU_FUZZ_RUNS");
    if (text)
        (void)str_to_u64(str_from(text), &runs);
    text = getenv("NARU_SEED");
    if (text)
        (void)str_to_u64(str_from(text), &seed);
    struct rng rng;
    struct buf input;
    rng_init(&rng, seed);
    buf_init(&input, 0);
    for (uint64_t i = 0; in->count && i < runs; i++) {
        mutate(&rng, in, &input);
        run_one(buf_str(&input));
    }
    printf("%zu inputs, %llu mutations from seed %llu\n", in->count, (unsigned long long)runs,
           (unsigned long long)seed);
    buf_deinit(&input);
    arena_free(in->mem);
    mem_free(in);
    return 0;
}
