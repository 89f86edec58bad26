/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_ALIGN           16u
#define ARENA_BLOCK_BYTES_MIN (4 * KIB)
#define ARENA_BLOCK_BYTES_MAX (1 * MIB)

struct block {
    struct block *next;
    size_t size; /* payload bytes */
    size_t used;
    size_t pad;
    char data[];
};

struct arena {
    struct block *head; /* the block being filled */
    size_t used;        /* bytes handed out, alignment included */
    size_t bytes_max;
    size_t block_next; /* size of the next block */
    bool is_over;
};

static NORETURN void out_of_memory(size_t size)
{
    fprintf(stderr, "naru: out of memory (%zu bytes)\n", size);
    abort();
}

void *mem_alloc(size_t size)
{
    void *p = malloc(size ? size : 1);
    if (UNLIKELY(!p))
        out_of_memory(size);
    return p;
}

void *mem_zalloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    if (UNLIKELY(!p))
        out_of_memory(size);
    return p;
}

void *mem_realloc(void *p, size_t size)
{
    void *q = realloc(p, size ? size : 1);
    if (UNLIKELY(!q))
        out_of_memory(size);
    return q;
}

void mem_free(void *p)
{
    free(p);
}

void mem_tune(size_t heap_count_max)
{
    /* glibc would make eight a core, and each keeps what its threads once needed: loading a million
     * documents left 680 MB, with two heaps 350 MB, at the same speed. */
    (void)mallopt(M_ARENA_MAX, (int)heap_count_max);
    (void)mallopt(M_MMAP_THRESHOLD,
                  32 << 20); /* the largest that glibc takes: blocks of arenas are up to 1 MiB */
    (void)mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

void mem_trim(void)
{
    (void)malloc_trim(0);
}

char *mem_cstr(struct str s)
{
    char *p = mem_alloc(s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return p;
}

void mem_grow(void **items, size_t *capacity, size_t count, size_t item_size)
{
    if (count <= *capacity)
        return;
    size_t n = *capacity ? *capacity : 8;
    while (n < count) {
        ASSERT(n <= SIZE_MAX / 2 / (item_size ? item_size : 1));
        n *= 2;
    }
    *items = mem_realloc(*items, n * item_size);
    *capacity = n;
}

struct arena *arena_new(size_t bytes_max)
{
    struct arena *mem = MEM_NEW(struct arena);
    mem->bytes_max = bytes_max ? bytes_max : SIZE_MAX;
    mem->block_next = ARENA_BLOCK_BYTES_MIN;
    return mem;
}

static void blocks_free(struct block *block)
{
    while (block) {
        struct block *next = block->next;
        mem_free(block);
        block = next;
    }
}

void arena_free(struct arena *mem)
{
    if (!mem)
        return;
    blocks_free(mem->head);
    mem_free(mem);
}

void arena_reset(struct arena *mem)
{
    struct block *keep = NULL;
    for (struct block *b = mem->head, *next; b; b = next) {
        next = b->next;
        if (b->size <= ARENA_BLOCK_BYTES_MAX && (!keep || b->size > keep->size)) {
            mem_free(keep);
            keep = b;
        } else {
            mem_free(b);
        }
    }
    if (keep) {
        keep->next = NULL;
        keep->used = 0;
    }
    mem->head = keep;
    mem->used = 0;
    mem->is_over = false;
}

static struct block *block_add(struct arena *mem, size_t size)
{
    size_t payload = MAX_OF(size, mem->block_next);
    struct block *block = mem_alloc(sizeof(struct block) + payload);
    block->size = payload;
    block->used = 0;
    if (size > mem->block_next && mem->head) {
        /* A large piece gets a block of its own behind the head, which goes on being filled. */
        block->next = mem->head->next;
        mem->head->next = block;
        return block;
    }
    block->next = mem->head;
    mem->head = block;
    if (mem->block_next < ARENA_BLOCK_BYTES_MAX)
        mem->block_next *= 2;
    return block;
}

void *arena_alloc(struct arena *mem, size_t size)
{
    ASSERT(size <= SIZE_MAX - 4096);
    size_t n = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    struct block *block = mem->head;
    if (UNLIKELY(!block || block->size - block->used < n))
        block = block_add(mem, n);
    void *p = block->data + block->used;
    block->used += n;
    mem->used += n;
    if (UNLIKELY(mem->used > mem->bytes_max))
        mem->is_over = true;
    return p;
}

void *arena_zalloc(struct arena *mem, size_t size)
{
    void *p = arena_alloc(mem, size);
    memset(p, 0, size);
    return p;
}

void *arena_try_alloc(struct arena *mem, size_t size)
{
    if (mem->used >= mem->bytes_max || size > mem->bytes_max - mem->used) {
        mem->is_over = true;
        return NULL;
    }
    return arena_alloc(mem, size);
}

void *arena_realloc(struct arena *mem, void *old, size_t old_size, size_t size)
{
    struct block *block = mem->head;
    size_t old_n = (old_size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    size_t n = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (old && n <= old_n)
        return old;
    if (old && block && (char *)old + old_n == block->data + block->used &&
        n - old_n <= block->size - block->used) {
        block->used += n - old_n;
        mem->used += n - old_n;
        if (mem->used > mem->bytes_max)
            mem->is_over = true;
        return old;
    }
    void *p = arena_alloc(mem, size);
    if (old_size)
        memcpy(p, old, old_size);
    return p;
}

bool arena_is_over(const struct arena *mem)
{
    return mem->is_over;
}

size_t arena_used(const struct arena *mem)
{
    return mem->used;
}

char *arena_cstr(struct arena *mem, struct str s)
{
    char *p = arena_alloc(mem, s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return p;
}

struct str arena_str(struct arena *mem, struct str s)
{
    return (struct str){arena_cstr(mem, s), s.n};
}

struct str arena_printf(struct arena *mem, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    ASSERT(n >= 0);
    char *p = arena_alloc(mem, (size_t)n + 1);
    (void)vsnprintf(p, (size_t)n + 1, format, again);
    va_end(again);
    return (struct str){p, (size_t)n};
}
