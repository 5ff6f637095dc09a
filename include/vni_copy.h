/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copying between a node's own memory and the window. The lines come from another processor's
 * cache, or go there.
 */
#ifndef VNI_COPY_H
#define VNI_COPY_H

#include "vni_plat.h"

#if defined(__KERNEL__) && defined(CONFIG_X86_64)

#include <asm/cpufeature.h>

/* From how many bytes on the string instruction is worth its start. */
#define VNI_COPY_STRING 256

/**
 * vni_copy() - copy bytes that are to be copied once only
 * @to: where to
 * @from: where from
 * @len: bytes
 *
 * The kernel's memcpy() moves words where the processor is not quick at short string copies, and
 * then waits for few lines at once. The string instruction moves lines, and need not fetch those
 * that it writes. Its stores are seen before those that follow it, as with any other.
 */
static __always_inline void vni_copy(void *to, const void *from, u32 len)
{
	if (!__builtin_constant_p(len) && len >= VNI_COPY_STRING &&
	    boot_cpu_has(X86_FEATURE_ERMS)) {
		unsigned long left = len;

		asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(left) : : "memory");
		return;
	}
	memcpy(to, from, len);
}

#else

#define vni_copy(to, from, len) memcpy(to, from, len)

#endif
#endif /* VNI_COPY_H */
