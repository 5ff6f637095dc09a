// SPDX-License-Identifier: GPL-2.0
/* The window of a User-Mode Linux node. */
#include "window.h"

int vni_uml_probe(void)
{
	return -ENODEV;
}

void vni_uml_remove(void)
{
}
