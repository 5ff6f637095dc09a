/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The few words that ring and offset manager need to compile in the kernel and in user space:
 * fixed widths, byte order, single accesses and barriers. The barriers are the virt_ ones, which
 * also order against another kernel where this one has a single processor. In user space they are
 * the C11 memory model's counterparts (see Documentation/memory-ordering.rst).
 */
#ifndef VNI_PLAT_H
#define VNI_PLAT_H

#ifdef __KERNEL__

#include <linux/compiler.h>
#include <linux/types.h>
#include <linux/string.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/prefetch.h>
#include <linux/processor.h>
#include <asm/barrier.h>
#include <asm/byteorder.h>

#if defined(CONFIG_UML) && defined(CONFIG_X86_64)
#include "vni_plat_uml.h"
#else
/*
 * Bulk copies into and out of the window, by the kernel's memcpy(): it is the one for the processor
 * at hand, where a compiler that knows how long they can be puts one of its own.
 */
static inline void vni_copy(void *to, const void *from, size_t len)
{
	OPTIMIZER_HIDE_VAR(len);
	memcpy(to, from, len);
}

#define vni_prefetchw(at) prefetchw(at)
#endif
#define vni_prefetch(at) prefetch(at)

#else

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <linux/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;

#define cpu_to_le16(x) htole16(x)
#define cpu_to_le32(x) htole32(x)
#define cpu_to_le64(x) htole64(x)
#define le16_to_cpu(x) le16toh(x)
#define le32_to_cpu(x) le32toh(x)
#define le64_to_cpu(x) le64toh(x)

#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), v, __ATOMIC_RELAXED)
#define virt_load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define virt_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define virt_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define virt_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define virt_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define vni_copy(to, from, len) ((void)memcpy(to, from, len))
#define vni_prefetchw(at) __builtin_prefetch(at, 1)

static inline void cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#endif

/*
 * For variables of hundreds of bytes of which few are used: kernels that clear all that lies on the
 * stack (CONFIG_INIT_STACK_ALL_ZERO) would take longer for that than for a small frame.
 */
#if defined(__has_attribute) && __has_attribute(uninitialized)
#define vni_uninitialized __attribute__((uninitialized))
#else
#define vni_uninitialized
#endif
#endif /* VNI_PLAT_H */
