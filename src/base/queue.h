/* SPDX-License-Identifier: Apache-2.0 */
/* queue.h: the bounded queue through which threads meet: many producers, many consumers, pointers.
 * Items have a weight (events, bytes), and the limit is on the sum of weights. */
#ifndef NARU_BASE_QUEUE_H
#define NARU_BASE_QUEUE_H

#include "base/base.h"

struct queue;

/* `weight_max`: a push waits while the sum would go above it; a heavier item is let into an empty
 * queue. */
struct queue *queue_new(size_t weight_max);
void queue_free(struct queue *queue); /* must be drained: items are not freed */

enum queue_result { QUEUE_OK, QUEUE_TIMEOUT, QUEUE_CLOSED };

/* Waits up to `timeout_ns` of real time (-1: for ever, 0: not at all). */
enum queue_result queue_push(struct queue *queue, void *item, size_t weight, int64_t timeout_ns);
enum queue_result queue_pop(struct queue *queue, void **ret_item, int64_t timeout_ns);

/* After it, push answers QUEUE_CLOSED; pop hands out what is there, then answers QUEUE_CLOSED. */
void queue_close(struct queue *queue);
size_t queue_weight(struct queue *queue);
size_t queue_count(struct queue *queue);

#endif
