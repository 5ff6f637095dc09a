/* SPDX-License-Identifier: GPL-2.0 */
/* What the measured rings have in common: the element, and how a side waits. */
#ifndef BENCH_RING_H
#define BENCH_RING_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vni_plat.h"

#define ELEMENTS 1024	/* that a ring holds, a power of two */
#define BURST_MAX 32
#define LINE 64		/* bytes */

struct element {
	uint64_t number;	/* counted up by the producer, checked by the consumer */
	uint64_t check;
};

/* Memory for a ring; as none of them is ever given back, it lives as long as the process. */
static inline void *new_memory(size_t bytes)
{
	void *memory = aligned_alloc(4096, (bytes + 4095) & ~(size_t)4095);

	if (!memory)
		abort();
	memset(memory, 0, bytes);
	return memory;
}

#endif /* BENCH_RING_H */
