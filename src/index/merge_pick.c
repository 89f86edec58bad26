/* SPDX-License-Identifier: Apache-2.0 */
#include "index/merge_pick.h"

#define CLASSES 24u /* 256 KiB times 10 to the 24th: more than there is */

static unsigned size_class(const struct merge_candidate *file)
{
    unsigned class = 0;
    for (uint64_t n = file->bytes; n > MERGE_CLASS_BYTES_MIN; n /= MERGE_FACTOR)
        class ++;
    return class;
}

bool merge_is_full(const struct merge_candidate *file)
{
    return file->bytes > MERGE_BYTES_MAX / 2 || file->docs > MERGE_DOCS_MAX / 2;
}

/* Neighbours that stand behind one another, newest first. */
struct run {
    size_t count;
    uint64_t bytes, docs, bytes_largest;
};

static bool has_room(const struct run *run, const struct merge_candidate *file)
{
    return run->bytes + file->bytes <= MERGE_BYTES_MAX && run->docs + file->docs <= MERGE_DOCS_MAX;
}

/* Enough of them, and the largest at least doubles: else nine small ones would have a large one
 * written again and again. */
static bool is_due(const struct run *run)
{
    return run->count >= MERGE_FACTOR && run->bytes >= run->bytes_largest * 2;
}

/* None of them is full, so what does not take one more is over half of a limit. */
static bool class_pick(const struct merge_candidate *files, size_t count, unsigned class,
                       size_t *ret_from, size_t *ret_count)
{
    struct run run = {0};
    for (size_t i = count; i-- > 0;) {
        const struct merge_candidate *file = &files[i];
        if (!file->is_file || merge_is_full(file) || size_class(file) > class) {
            run = (struct run){0};
            continue;
        }
        bool is_over = !has_room(&run, file);
        if (!is_over) {
            run.count++;
            run.bytes += file->bytes;
            run.docs += file->docs;
            run.bytes_largest = MAX_OF(run.bytes_largest, file->bytes);
        }
        if ((is_over && run.count > 1) || is_due(&run)) {
            *ret_from = is_over ? i + 1 : i;
            *ret_count = run.count;
            return true;
        }
    }
    return false;
}

bool merge_pick(const struct merge_candidate *files, size_t count, size_t *ret_from,
                size_t *ret_count)
{
    for (unsigned class = 0; class < CLASSES; class ++) {
        if (class_pick(files, count, class, ret_from, ret_count))
            return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (files[i].is_file && files[i].dead * UINT64_C(3) > files[i].docs) {
            *ret_from = i;
            *ret_count = 1;
            return true;
        }
    }
    return false;
}
