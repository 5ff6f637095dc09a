// SPDX-License-Identifier: GPL-2.0
/*
 * The end of a node's run: say how, and park. Left alone, a kernel that reboots would reset the
 * whole machine; here the CPU writes the reset byte and halts, and node 0 sends INIT.
 */
#define pr_fmt(fmt) "vni_guest: " fmt

#include <linux/irqflags.h>
#include <linux/kmsg_dump.h>
#include <linux/notifier.h>
#include <linux/panic_notifier.h>
#include <linux/reboot.h>
#include <linux/version.h>
#include <asm/irqflags.h>
#include <asm/processor.h>

#include "guest.h"

/* Ends when node 0 sends INIT: the one loop here without a bound, on a CPU that is finished. */
static void __noreturn park(void)
{
	local_irq_disable();
	for (;;)
		native_halt();
}

static void __noreturn park_for_reset(void)
{
	WRITE_ONCE(vni_guest_ctl->reset.value, VNI_CTL_RESET_VALUE);
	park();
}

/* The announcement: the devices are still to be shut down. */
static int on_reboot(struct notifier_block *nb, unsigned long action, void *cmd)
{
	switch (action) {
	case SYS_RESTART:
		vni_guest_say(VNI_CTL_REBOOTING, cmd ? (const char *)cmd : "");
		break;
	case SYS_HALT:
		vni_guest_say(VNI_CTL_HALTING, "");
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block reboot_nb = { .notifier_call = on_reboot };

/* All devices are shut down. */
static int on_restart(struct sys_off_data *data)
{
	park_for_reset();
}

static int on_power_off(struct sys_off_data *data)
{
	vni_guest_say(VNI_CTL_POWEROFF, "");
	park();
}

/* Node 0 waits a while for the log before it sends INIT. */
static int on_panic(struct notifier_block *nb, unsigned long action, void *text)
{
	vni_guest_say(VNI_CTL_PANICKED, text ? (const char *)text : "");
	return NOTIFY_DONE;
}

static struct notifier_block panic_nb = { .notifier_call = on_panic };

/* An emergency restart (sysrq-b, panic=N) passes nothing but this. */
static void on_dump(enum kmsg_dump_reason reason)
{
	if (reason == KMSG_DUMP_EMERG)
		park_for_reset();
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
static void dump(struct kmsg_dumper *dumper, struct kmsg_dump_detail *detail)
{
	on_dump(detail->reason);
}
#else
static void dump(struct kmsg_dumper *dumper, enum kmsg_dump_reason reason)
{
	on_dump(reason);
}
#endif

static struct kmsg_dumper dumper = { .dump = dump, .max_reason = KMSG_DUMP_EMERG };

/**
 * vni_guest_park_init() - hook into reboot, poweroff, halt and panic
 *
 * Context: module load; sleeps. Return: 0, or the first error; the other hooks stand all the same.
 */
int vni_guest_park_init(void)
{
	struct sys_off_handler *handler;
	int err, first;

	first = register_reboot_notifier(&reboot_nb);
	err = atomic_notifier_chain_register(&panic_notifier_list, &panic_nb);
	first = first ?: err;
	err = kmsg_dump_register(&dumper);
	first = first ?: err;
	handler = register_sys_off_handler(SYS_OFF_MODE_RESTART_PREPARE, SYS_OFF_PRIO_LOW,
					   on_restart, NULL);
	first = first ?: PTR_ERR_OR_ZERO(handler);
	handler = register_sys_off_handler(SYS_OFF_MODE_POWER_OFF, SYS_OFF_PRIO_HIGH, on_power_off,
					   NULL);
	return first ?: PTR_ERR_OR_ZERO(handler);
}
