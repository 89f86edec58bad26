/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h: memory that is freed whole: a request, a batch, a query, a merge. An arena grows in
 * blocks that double up to a limit; freeing or resetting it is O(blocks). Not thread-safe: one
 * owner at a time.
 *
 * Budget: each arena has a hard maximum. `arena_alloc` never returns NULL: past the maximum it
 * still serves and latches `arena_is_over`, which the owner polls once per block of work and turns
 * into ERR_MEM_LIMIT. Sizes that come from outside use `arena_try_alloc`, which refuses. */
#ifndef NARU_BASE_ARENA_H
#define NARU_BASE_ARENA_H

#include "base/base.h"

struct arena;

/* `bytes_max`: the budget; 0 = no limit. Cheap: the first block comes with the first allocation. */
struct arena *arena_new(size_t bytes_max);
void arena_free(struct arena *mem);
DEFINE_CLEANUP(arena_free, struct arena)

/* Makes it empty again; keeps the largest block for reuse when that is not above 1 MiB. */
void arena_reset(struct arena *mem);

/* Aligned to 16 bytes, not zeroed. */
void *arena_alloc(struct arena *mem, size_t size) __attribute__((returns_nonnull, malloc));
void *arena_zalloc(struct arena *mem, size_t size) __attribute__((returns_nonnull, malloc));
/* NULL when the size does not fit into what is left of the budget. */
void *arena_try_alloc(struct arena *mem, size_t size);
/* Grows an array: copies `old_size` bytes when it cannot be extended in place. */
void *arena_realloc(struct arena *mem, void *old, size_t old_size, size_t size)
    __attribute__((returns_nonnull));

bool arena_is_over(const struct arena *mem);
size_t arena_used(const struct arena *mem);

#define ARENA_NEW(mem, T)          ((T *)arena_zalloc((mem), sizeof(T)))
#define ARENA_ARRAY(mem, T, count) ((T *)arena_zalloc((mem), sizeof(T) * (count)))

struct str arena_str(struct arena *mem, struct str s); /* copy; also NUL-terminated */
char *arena_cstr(struct arena *mem, struct str s);     /* copy with a NUL */
struct str arena_printf(struct arena *mem, const char *format, ...) PRINTF_LIKE(2, 3);

/* The heap, for objects with an owner of their own. A true failure of malloc aborts: nothing can be
 * done about it on Linux, and every size from outside went through a budget before. */
void *mem_alloc(size_t size) __attribute__((returns_nonnull, malloc));
void *mem_zalloc(size_t size) __attribute__((returns_nonnull, malloc));
void *mem_realloc(void *p, size_t size) __attribute__((returns_nonnull));
void mem_free(void *p);
char *mem_cstr(struct str s); /* copy with a NUL; freed by mem_free */
/* Once, first thing in main: the allocator keeps up to 64 MiB of freed memory per heap instead of
 * giving each batch's arena back to the kernel and faulting it in again, which took half the time
 * of reading JSON events. */
void mem_tune(size_t heap_count_max);
/* Gives memory that is free, but kept for the next request, back to the system: after work that
 * took much and is over. Costs some milliseconds and the page faults of who needs it again. */
void mem_trim(void);

#define MEM_NEW(T)          ((T *)mem_zalloc(sizeof(T)))
#define MEM_ARRAY(T, count) ((T *)mem_zalloc(sizeof(T) * (count)))

/* Grows `*items` (heap array) to hold at least `count` elements; doubles. */
void mem_grow(void **items, size_t *capacity, size_t count, size_t item_size);

#endif
