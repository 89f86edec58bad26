/* SPDX-License-Identifier: Apache-2.0 */
/* ip.h: IPv4 and IPv6 addresses as the 16 bytes that ip columns hold (IPv4 mapped into
 * ::ffff:0:0/96), and back to text. */
#ifndef NARU_INDEX_IP_H
#define NARU_INDEX_IP_H

#include "base/base.h"

#define IP_BYTES      16u
#define IP_TEXT_BYTES 46u

bool ip_parse(struct str text, uint8_t bytes[IP_BYTES]);
/* Writes the shortest usual form, returns its length (< IP_TEXT_BYTES). */
size_t ip_format(const uint8_t bytes[IP_BYTES], char *text);

#endif
