// SPDX-License-Identifier: GPL-2.0
/*
 * Real trouble in a real kernel, for the tests of the test harness: `insmod` it with the kind that
 * is wanted. It never stays loaded.
 */
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/smp.h>

static char *kind = "warn";
module_param(kind, charp, 0);
MODULE_PARM_DESC(kind, "warn: a WARN; hang: all CPUs spin for good with interrupts off; stale: a breakpoint's trap where none is in the text");

static void spin(void *unused)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
}

static int __init vni_lab_trouble_init(void)
{
	if (!strcmp(kind, "hang"))
		on_each_cpu(spin, NULL, 0);
	if (!strcmp(kind, "stale"))
		asm volatile(".byte 0xcd, 0x03"); /* INT 3 in two bytes, not the one of a breakpoint */
	WARN(!strcmp(kind, "warn"), "the warning that the harness must notice\n");
	return -ECANCELED;
}
module_init(vni_lab_trouble_init);

MODULE_DESCRIPTION("Trouble for the tests of the VNI test harness");
MODULE_LICENSE("GPL");
