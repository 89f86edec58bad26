/* SPDX-License-Identifier: Apache-2.0 */
/* base64.h: RFC 4648. */
#ifndef NARU_CODEC_BASE64_H
#define NARU_CODEC_BASE64_H

#include "base/base.h"
#include "base/buf.h"

enum base64_alphabet { BASE64_STANDARD, BASE64_URL /* - and _, no padding written */ };

void base64_encode(struct buf *out, const void *p, size_t n, enum base64_alphabet alphabet);
/* Takes both alphabets, with or without padding. False: another character, or a length that cannot
 * be; then nothing is appended. */
bool base64_decode(struct buf *out, struct str text);

#endif
