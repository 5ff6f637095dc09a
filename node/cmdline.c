// SPDX-License-Identifier: GPL-2.0
/* The node's command line: the starter's own pieces, then the user's. */
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/tsc.h>

#include "node.h"

/* Whether the user gave this piece: the same word, or the same name before a '='. */
static bool given(const char *user, const char *piece)
{
	size_t len = strcspn(piece, "=");
	const char *at = user;

	while (*at) {
		size_t word = strcspn(at, " \t\n");

		if (word >= len && !strncmp(at, piece, len) && (word == len || at[len] == '='))
			return true;
		at += word;
		at += strspn(at, " \t\n");
	}
	return false;
}

/**
 * vni_cmdline_make() - the complete command line of a node
 * @node: with ncpus
 * @user: the user's text, appended; a piece of ours whose name it contains is left out
 * @max: bytes that the kernel takes, without the final NUL
 * @say: gets the reason of a refusal
 *
 * Context: process; sleeps. Return: text for kfree(), or an error pointer.
 */
char *vni_cmdline_make(const struct vni_node *node, const char *user, size_t max,
		       struct vni_say *say)
{
	static const char *const fixed[] = {
		"console=hvc0",	  "8250.nr_uarts=0",	"pci=off",	 "reboot=acpi",
		"tsc=reliable",	  "apic_extnmi=none",	"dis_ucode_ldr", "panic=0",
		"nmi_watchdog=0", "no_ipi_broadcast=1",
	};
	char number[4][40], *made, *at, *end;
	const char *piece;
	u32 i;

	/*
	 * 6.1 leaves the machine's boot CPU alone only if told so, and then counts it as one that
	 * could come later unless told the number; 6.12 finds out by itself.
	 */
	snprintf(number[0], sizeof(number[0]), "tsc_early_khz=%u", tsc_khz);
	snprintf(number[1], sizeof(number[1]), "nr_cpus=%u", node->ncpus);
	snprintf(number[2], sizeof(number[2]), "possible_cpus=%u", node->ncpus);
	snprintf(number[3], sizeof(number[3]), "disable_cpu_apicid=%u", vni_cpus_boot_apicid());

	made = kzalloc(max + 2, GFP_KERNEL);
	if (!made)
		return ERR_PTR(-ENOMEM);
	at = made;
	end = made + max + 2;
	for (i = 0; i < ARRAY_SIZE(fixed) + ARRAY_SIZE(number); i++) {
		piece = i < ARRAY_SIZE(fixed) ? fixed[i] : number[i - ARRAY_SIZE(fixed)];
		if (!given(user, piece))
			at += scnprintf(at, end - at, "%s ", piece);
	}
	at += scnprintf(at, end - at, "%s", user);
	if (at - made <= max)
		return made;
	kfree(made);
	vni_say(say, -E2BIG, "the command line with the starter's pieces is over %zu bytes", max);
	return ERR_PTR(-E2BIG);
}
