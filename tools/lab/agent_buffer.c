// SPDX-License-Identifier: GPL-2.0
/* The agent's buffers: bytes that wait to be taken by the port or by a command. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"

void buffer_add(struct buffer *b, const void *data, size_t len)
{
	if (b->len + len > b->size) {
		size_t size = (b->len + len) * 2;
		uint8_t *bigger = realloc(b->data, size);

		if (!bigger) {
			perror("agent");
			exit(1);
		}
		b->data = bigger;
		b->size = size;
	}
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

void buffer_drop(struct buffer *b, size_t len)
{
	b->len -= len;
	memmove(b->data, b->data + len, b->len);
}
