/* SPDX-License-Identifier: Apache-2.0 */
/* Six documents in two segments of an index "i", over which expected replies were asked of
 * Elasticsearch 7.10.2: single and several values, values that are missing. */
#ifndef NARU_QUERY_SIX_DOCS_TEST_H
#define NARU_QUERY_SIX_DOCS_TEST_H

#include "query/search_support_test.h"

static inline void six_docs(struct bed *bed)
{
    create(
        bed, "i",
        "{\"mappings\":{\"properties\":{\"k\":{\"type\":\"keyword\"},\"m\":{\"type\":\"keyword\"},"
        "\"n\":{\"type\":\"long\"},\"f\":{\"type\":\"double\"},\"b\":{\"type\":\"boolean\"},\"d\":{"
        "\"type\":\"date\"},\"ip\":{\"type\":\"ip\"},\"t\":{\"type\":\"text\"}}}}");
    put(bed, "i", "1",
        "{\"k\":\"a\",\"m\":[\"x\",\"y\"],\"n\":1,\"f\":1.5,\"b\":true,\"d\":\"2025-01-01T00:10:"
        "00Z\",\"ip\":\"10.0.0.1\",\"t\":\"red green\"}");
    put(bed, "i", "2",
        "{\"k\":\"b\",\"m\":\"x\",\"n\":2,\"f\":2.5,\"b\":false,\"d\":\"2025-01-01T01:20:00Z\","
        "\"ip\":\"10.0.0.2\",\"t\":\"red red\"}");
    put(bed, "i", "3",
        "{\"k\":\"a\",\"n\":3,\"d\":\"2025-01-02T00:00:00Z\",\"ip\":\"10.0.1.1\",\"t\":\"green\"}");
    refresh(bed, "i");
    put(bed, "i", "4",
        "{\"k\":\"c\",\"m\":[\"y\",\"z\"],\"n\":4,\"f\":-1,\"d\":\"2025-01-21T12:00:00Z\",\"t\":"
        "\"blue red\"}");
    put(bed, "i", "5", "{\"n\":5,\"m\":\"z\",\"b\":true,\"t\":\"red\"}");
    put(bed, "i", "6",
        "{\"k\":\"b\",\"m\":\"x\",\"n\":6,\"f\":1.5,\"b\":true,\"d\":\"2025-01-02T10:00:00Z\","
        "\"ip\":\"10.0.0.1\",\"t\":\"blue\"}");
    refresh(bed, "i");
}

#endif
