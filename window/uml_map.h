/* SPDX-License-Identifier: GPL-2.0 */
/* User-Mode Linux: files of the host as memory that has struct pages; see uml_map.c. */
#ifndef VNI_UML_MAP_H
#define VNI_UML_MAP_H

#include <linux/types.h>

struct page;

/* The kernel's, which no header of its declares: bytes of its memory. */
extern unsigned long long physmem_size;

/* Rows begin at multiples of a page of this order, and have multiples of its size. */
#define VNI_UML_ROW_ORDER 3

struct page *vni_uml_row_take(u64 size, unsigned int order);
void vni_uml_row_free(struct page *first, u64 size, unsigned int order);
int vni_uml_file_over(struct page *first, u64 size, int fd, u64 offset);
int vni_uml_file_off(struct page *first, u64 size);

#endif /* VNI_UML_MAP_H */
