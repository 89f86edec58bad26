/* SPDX-License-Identifier: Apache-2.0 */
/* The bounds of a range as they are written: the later one of a side holds, null is none. */
#include "query/search_support_test.h"

static void the_later_bound_of_a_side_holds(struct test *t)
{
    static const struct {
        const char *bounds;
        int count;
    } rows[] = {
        {"\"gt\":2,\"lt\":5", 2},
        {"\"gte\":2,\"lte\":5", 4},
        {"\"lte\":2,\"lt\":5", 5},
        {"\"lt\":5,\"lte\":2", 3},
        {"\"gt\":7,\"gte\":7", 3},
        {"\"gte\":7,\"gt\":7", 2},
        {"\"gte\":7,\"gt\":null", 10},
        {"\"gt\":null,\"gte\":7", 3},
        {"\"from\":2,\"to\":5", 4},
        {"\"from\":2,\"to\":5,\"include_lower\":false,\"include_upper\":false", 2},
        {"\"include_lower\":false,\"from\":2,\"to\":null", 7},
        {"\"from\":2,\"gt\":4,\"include_lower\":true", 6},
        {"\"from\":null", 10},
    };
    struct bed bed;
    bed_init(&bed, t);
    for (int i = 0; i < 10; i++)
        put(&bed, "i", "", arena_printf(t->mem, "{\"n\":%d}", i).p);
    refresh(&bed, "i");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct value tree =
            reply(&bed, "i",
                  arena_printf(t->mem, "{\"query\":{\"range\":{\"n\":{%s}}}}", rows[i].bounds).p);
        if (at_path(&tree, "hits/total/value")->i != rows[i].count)
            fail_msg("%s", rows[i].bounds);
    }
    bed_deinit(&bed);
}

TEST_MAIN(TEST(the_later_bound_of_a_side_holds))
