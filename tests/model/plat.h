/* SPDX-License-Identifier: GPL-2.0 */
/* Stands in for include/vni_plat.h: every marked access becomes a step of the model. */
#ifndef VNI_PLAT_H
#define VNI_PLAT_H

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/types.h>

#include "engine.h"

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

#define m_load_as(p, order) ((__typeof__(*(p) + 0))m_load(p, (uint64_t) * (p), order, __func__))
#define m_store_as(p, v, order)                                    \
	do {                                                       \
		__auto_type m_val = (v);                           \
		if (!m_store(p, (uint64_t)m_val, order, __func__)) \
			*(p) = m_val;                              \
	} while (0)

#define READ_ONCE(x) m_load_as(&(x), M_RELAXED)
#define WRITE_ONCE(x, v) m_store_as(&(x), v, M_RELAXED)
#define virt_load_acquire(p) m_load_as(p, M_ACQUIRE)
#define virt_store_release(p, v) m_store_as(p, v, M_RELEASE)
#define virt_mb() m_fence(M_FULL, __func__)
#define virt_rmb() m_fence(M_READ, __func__)
#define virt_wmb() m_fence(M_WRITE, __func__)

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define vni_copy(to, from, len) ((void)memcpy(to, from, len))

#define vni_uninitialized

#endif /* VNI_PLAT_H */
