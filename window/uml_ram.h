/* SPDX-License-Identifier: GPL-2.0 */
/* User-Mode Linux: other nodes' own memory; see uml_ram.c, and vni_ram.h for the rest. */
#ifndef VNI_UML_RAM_H
#define VNI_UML_RAM_H

void vni_uml_ram_end(void);

#endif /* VNI_UML_RAM_H */
