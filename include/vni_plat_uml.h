/* SPDX-License-Identifier: GPL-2.0 */
/*
 * User-Mode Linux on x86-64: a kernel that patches no instructions for the processor at hand, and
 * that knows one processor only. Its memcpy() and its barriers are correct and slow: a full fence
 * at each acquire and release. These here are what arch/x86 has.
 */
#ifndef VNI_PLAT_UML_H
#define VNI_PLAT_UML_H

#include <linux/compiler.h>

/* x86 keeps loads in order, stores in order, and loads before later stores (TSO). */
#undef __smp_mb
#undef __smp_rmb
#undef __smp_wmb
#undef __smp_load_acquire
#undef __smp_store_release
#define __smp_mb() asm volatile("lock; addl $0,-4(%%rsp)" ::: "memory", "cc")
#define __smp_rmb() barrier()
#define __smp_wmb() barrier()
#define __smp_load_acquire(p)                       \
	({                                          \
		typeof(*(p)) ___p1 = READ_ONCE(*(p)); \
		barrier();                          \
		___p1;                              \
	})
#define __smp_store_release(p, v)    \
	do {                         \
		barrier();           \
		WRITE_ONCE(*(p), v); \
	} while (0)

/*
 * UML's memcpy() moves words, and each line that they go to is fetched from the other core first,
 * where a string instruction writes whole lines without that. Its stores may be seen in any order,
 * but before all that come after it (Intel's manual, volume 3, 9.2.4): A and B want no more. It
 * takes a while to begin: of a receiver of frames of 64 bytes a fifth of the time, not a twentieth.
 */
#define VNI_COPY_SHORT 256 /* bytes */

static inline void vni_copy(void *to, const void *from, size_t len)
{
	if (len <= VNI_COPY_SHORT) {
		memcpy(to, from, len);
		return;
	}
	asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(len) : : "memory");
}

static inline void vni_prefetchw(const void *at)
{
	asm volatile("prefetchw %0" : : "m"(*(const char *)at));
}

#endif /* VNI_PLAT_UML_H */
