/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of the kernel as window/claim.c asks for, for its unit test: real memory, and time that
 * runs 50 times as fast. Found in the place of the models' header of this name, whose stubs of
 * <linux/...> serve here too.
 */
#ifndef VNI_UNIT_KERNEL_H
#define VNI_UNIT_KERNEL_H

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "vni_plat.h"

struct list_head {
	struct list_head *next, *prev;
};

struct mutex {
	int unused;
};

struct timer_list {
	int unused;
};

struct work_struct {
	int unused;
};

struct workqueue_struct;
struct dentry;
struct device;

#define UNIT_FASTER 50

static inline unsigned long unit_jiffies(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec * 1000000000ULL + now.tv_nsec) / (1000000 / UNIT_FASTER);
}

#define jiffies unit_jiffies()
#define msecs_to_jiffies(ms) ((unsigned long)(ms))
#define time_after(a, b) ((long)((b) - (a)) < 0)
#define time_before(a, b) time_after(b, a)
#define msleep(ms) usleep((ms) * 1000 / UNIT_FASTER)

#define pr_err(...) unit_print(__VA_ARGS__)
static inline __attribute__((format(printf, 1, 2))) void unit_print(const char *format, ...)
{
	(void)format;
}

#define U32_MAX 0xffffffffu
#define min_t(type, a, b) ((type)(a) < (type)(b) ? (type)(a) : (type)(b))
#define div_u64(a, b) ((a) / (b))
#define reciprocal_scale(val, ep) ((u32)(((u64)(u32)(val) * (ep)) >> 32))
#define lower_32_bits(n) ((u32)(n))
#define GFP_KERNEL 0
#define kzalloc(size, flags) calloc(1, size)
#define kfree(p) free(p)

u32 get_random_u32(void);
u64 get_random_u64(void);

#endif /* VNI_UNIT_KERNEL_H */
