// SPDX-License-Identifier: GPL-2.0
/* CPUs taken from node 0 and given back. */
#define pr_fmt(fmt) "vni_node: " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <asm/apic.h>

#include "node.h"

/* The node that owns a CPU, 0: node 0. Written under vni_nodes_lock, read when a CPU comes up. */
static u8 owner[NR_CPUS];
static int hp_state;

static int cpu_prepare(unsigned int cpu)
{
	u8 node = READ_ONCE(owner[cpu]);

	if (!node)
		return 0;
	pr_info_ratelimited("CPU %u belongs to node %u: it stays offline; unload the node first\n",
			    cpu, node);
	return -EBUSY;
}

int vni_cpus_init(void)
{
	hp_state = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "vni/node:owner", cpu_prepare,
					     NULL);
	return hp_state < 0 ? hp_state : 0;
}

void vni_cpus_exit(void)
{
	cpuhp_remove_state_nocalls(hp_state);
}

/**
 * vni_cpus_boot_apicid() - the local APIC id of the machine's boot CPU
 *
 * Context: any. Return: the id.
 */
u32 vni_cpus_boot_apicid(void)
{
	return apic->cpu_present_to_apicid(0);
}

static int check_one(u32 cpu, struct vni_say *say)
{
	if (cpu == 0)
		return vni_say(say, -EINVAL, "CPU 0 cannot be given away: node 0 runs on it");
	if (cpu >= nr_cpu_ids || !cpu_possible(cpu) || !cpu_present(cpu))
		return vni_say(say, -ENXIO, "CPU %u does not exist", cpu);
	if (owner[cpu])
		return vni_say(say, -EBUSY, "CPU %u belongs to node %u", cpu, owner[cpu]);
	if (!cpu_online(cpu))
		return vni_say(say, -EBUSY,
			       "CPU %u was taken offline by somebody else: bring it online first (echo 1 >/sys/devices/system/cpu/cpu%u/online)",
			       cpu, cpu);
	return 0;
}

/**
 * vni_cpus_check() - whether a node may have these CPUs
 * @req: the request; its ncpus was checked
 * @say: gets the reason of a refusal
 *
 * Context: vni_nodes_lock. Touches nothing. Return: 0 or a negative error.
 */
int vni_cpus_check(const struct vni_node_load *req, struct vni_say *say)
{
	u32 i, j;
	int err;

	for (i = 0; i < req->ncpus; i++) {
		err = check_one(req->cpu[i], say);
		if (err)
			return err;
		for (j = 0; j < i; j++)
			if (req->cpu[i] == req->cpu[j])
				return vni_say(say, -EINVAL, "CPU %u is given twice", req->cpu[i]);
	}
	if (num_online_cpus() <= req->ncpus)
		return vni_say(say, -EINVAL, "node 0 would be left without a CPU");
	return 0;
}

static void give_first(struct vni_node *node, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		WRITE_ONCE(owner[node->cpu[i]], 0);
		if (add_cpu(node->cpu[i]))
			pr_warn("CPU %u does not come back online\n", node->cpu[i]);
	}
}

/**
 * vni_cpus_take() - take a node's CPUs offline and own them
 * @node: with cpu and ncpus; gets apicid
 * @say: gets the reason of a failure
 *
 * Context: process, vni_nodes_lock; sleeps. Return: 0, or a negative error with all CPUs back.
 */
int vni_cpus_take(struct vni_node *node, struct vni_say *say)
{
	u32 i;
	int err;

	for (i = 0; i < node->ncpus; i++) {
		u32 cpu = node->cpu[i];

		node->apicid[i] = apic->cpu_present_to_apicid(cpu);
		WRITE_ONCE(owner[cpu], node->id);
		err = remove_cpu(cpu);
		if (err > 0) /* somebody was faster */
			err = -EBUSY;
		if (!err)
			continue;
		WRITE_ONCE(owner[cpu], 0);
		give_first(node, i);
		return vni_say(say, err, "CPU %u cannot be taken offline: error %d", cpu, err);
	}
	return 0;
}

/**
 * vni_cpus_give() - give a node's CPUs back to node 0, online
 * @node: its CPUs are held or were never started
 *
 * Context: process, vni_nodes_lock; sleeps.
 */
void vni_cpus_give(struct vni_node *node)
{
	give_first(node, node->ncpus);
}
