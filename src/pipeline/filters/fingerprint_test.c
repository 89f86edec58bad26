/* SPDX-License-Identifier: Apache-2.0 */
#include "support/pipeline.h"

#define makes(t, options, in, value)                                                               \
    gives(t, "fingerprint { " options " } mutate { remove_field => [\"message\", \"a\", \"b\"] }", \
          in, "{\"fingerprint\":" value "}")

static void known_digests(struct test *t)
{
    makes(t, "", "{\"message\":\"abc\"}", "\"a9993e364706816aba3e25717850c26c9cd0d89d\"");
    makes(t, "method => \"MD5\"", "{\"message\":\"abc\"}", "\"900150983cd24fb0d6963f7d28e17f72\"");
    makes(t, "method => \"SHA256\"", "{\"message\":\"abc\"}",
          "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"");
    makes(t, "method => \"MD5\" base64encode => true", "{\"message\":\"abc\"}",
          "\"kAFQmDzST7DWlj99KOF/cg==\"");
    makes(t, "method => \"SHA1\" key => \"key\"",
          "{\"message\":\"The quick brown fox jumps over the lazy dog\"}",
          "\"de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9\"");
    makes(t, "method => \"MURMUR3\"", "{\"message\":\"hello\"}", "613153351");
    makes(t, "method => \"MURMUR3\"", "{\"message\":\"\"}", "0");
    makes(t, "method => \"IPV4_NETWORK\" key => 16", "{\"message\":\"10.1.2.3\"}", "\"10.1.0.0\"");
    makes(t, "method => \"PUNCTUATION\"", "{\"message\":\"a[b] (c)=d; e\"}", "\"[]()=;\"");
}

static void sources(struct test *t)
{
    makes(t, "source => [\"b\", \"a\"] concatenate_sources => true method => \"MD5\"",
          "{\"a\":\"1\",\"b\":\"2\"}", "\"dda4d9e32a602973e16ea3de0014efb3\"");
    makes(t, "source => \"a\" method => \"MD5\"", "{\"a\":[\"abc\",\"\"]}",
          "[\"900150983cd24fb0d6963f7d28e17f72\",\"d41d8cd98f00b204e9800998ecf8427e\"]");
    refuses(t, "filter { fingerprint { method => \"CRC\" } }", NULL, "SHA1");
    refuses(t, "filter { fingerprint { method => \"IPV4_NETWORK\" } }", "1:10", "prefix");
}

TEST_MAIN(TEST(known_digests), TEST(sources))
