/* SPDX-License-Identifier: GPL-2.0 */
/* How a model program says what came out: a line a case, and a count at the end. */
#ifndef VNI_MODEL_REPORT_H
#define VNI_MODEL_REPORT_H

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine.h"

static unsigned int m_passed, m_failed;

/*
 * Check a model. want is NULL where it must hold, else a part of the error that must be found: a
 * model that cannot fail shows nothing.
 */
static inline void m_expect(const struct m_model *model, const char *want)
{
	clock_t start = clock();
	struct m_result r = m_check(model, !want);
	bool good = want ? r.error && strstr(r.error, want) : !r.error && !r.cut;

	printf("%s %s: %s (%llu states, %llu moves, %.1f s)\n", good ? "ok    " : "FAILED",
	       model->name,
	       r.error ? r.error :
	       r.cut   ? "too many states" :
			 "holds",
	       (unsigned long long)r.states, (unsigned long long)r.moves,
	       (double)(clock() - start) / CLOCKS_PER_SEC);
	if (!good && want)
		printf("       expected: %s\n", want);
	fflush(stdout);
	if (good)
		m_passed++;
	else
		m_failed++;
}

static inline int m_report(void)
{
	printf("%u passed, %u failed\n", m_passed, m_failed);
	return m_failed || !m_passed;
}

#endif /* VNI_MODEL_REPORT_H */
