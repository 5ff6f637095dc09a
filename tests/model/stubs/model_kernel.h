/* SPDX-License-Identifier: GPL-2.0 */
/* As much of the kernel as window/links.c and window/channels.c ask for, for the model. */
#ifndef VNI_MODEL_KERNEL_H
#define VNI_MODEL_KERNEL_H

#include "plat.h"

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

/* Printing is checked like printf(), and silent. */
static inline __attribute__((format(printf, 1, 2))) void model_print(const char *format, ...)
{
	(void)format;
}

#define pr_info(...) model_print(__VA_ARGS__)
#define pr_warn(...) model_print(__VA_ARGS__)
#define EXPORT_SYMBOL_GPL(name)

/* The lock keeps the window's work and the calls of clients apart; here they are one thread. */
#define mutex_lock(lock) ((void)(lock))
#define mutex_unlock(lock) ((void)(lock))
#define lockdep_assert_held(lock) ((void)(lock))

/* Time stands still, and every span is over at once. */
#define jiffies 0ul
#define msecs_to_jiffies(ms) ((void)(ms), 0ul)
#define time_after_eq(a, b) ((long)((a) - (b)) >= 0)
#define time_after(a, b) ((long)((b) - (a)) < 0)

#define min(a, b) ((a) < (b) ? (a) : (b))
#define min_t(type, a, b) min((type)(a), (type)(b))
#define round_up(x, y) (((x) + (y)-1) / (y) * (y))
#define ERR_PTR(err) ((void *)(long)(err))
#define PTR_ERR(ptr) ((long)(ptr))
#define IS_ERR(ptr) ((unsigned long)(ptr) >= (unsigned long)-4095)
#define GFP_KERNEL 0

void *kvzalloc(size_t size, int flags);
void kvfree(const void *p);

/* What is cleared in the window is cleared by stores that others see one by one. */
#define memset m_memset

#endif /* VNI_MODEL_KERNEL_H */
