/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The doorbell: the one contract that each way to interrupt another node fulfils.
 *
 * A doorbell is a hint. It may come late, once for several rings, or without cause; the handler
 * looks at shared memory to learn what happened. A back-end knows nothing of rings.
 */
#ifndef VNI_DOORBELL_H
#define VNI_DOORBELL_H

#include <linux/types.h>
#include "vni_abi.h"

struct vni_doorbells;

/**
 * typedef vni_bell_handler - a doorbell was rung
 * @data: as given to vni_doorbells_ops.request()
 *
 * Context: hard interrupt.
 * Return: true if there was something to do lately; one that polls then looks again soon.
 */
typedef bool (*vni_bell_handler)(void *data);

/**
 * struct vni_bell_target - a peer's doorbell, copied out of the window and checked
 * @kind: enum vni_doorbell_kind
 * @target: see the kind
 * @data: see the kind
 */
struct vni_bell_target {
	u32 kind;
	u32 target;
	u32 data;
};

/**
 * struct vni_doorbells_ops - a back-end
 * @name: for messages
 * @request: prepare doorbell @index for @handler; may sleep
 * @release: undo that; the handler does not run any more when it returns; may sleep
 * @describe: say how the others ring doorbell @index now; any context
 * @check: may this node ring @target? A peer wrote it. 0, -EPROTO, or -EOPNOTSUPP if this node can
 *	ring nobody; any context
 * @ring: ring a target that passed @check; any context but NMI
 * @deaf: optional: is there a living peer that has no doorbell and so, for all this node knows,
 *	does not ring either? Then the handlers must be called every now and then; any context
 * @hurry: optional: a peer that cannot be rung was sent something, so an answer may come; any
 *	context but NMI
 * @free: the last call; may sleep
 */
struct vni_doorbells_ops {
	const char *name;
	int (*request)(struct vni_doorbells *db, unsigned int index, vni_bell_handler handler,
		       void *data);
	void (*release)(struct vni_doorbells *db, unsigned int index);
	void (*describe)(struct vni_doorbells *db, unsigned int index, struct vni_bell_target *out);
	int (*check)(struct vni_doorbells *db, const struct vni_bell_target *target);
	void (*ring)(struct vni_doorbells *db, const struct vni_bell_target *target);
	void (*deaf)(struct vni_doorbells *db, bool deaf);
	void (*hurry)(struct vni_doorbells *db);
	void (*free)(struct vni_doorbells *db);
};

/**
 * struct vni_doorbells - one node's doorbells at one window
 * @ops: the back-end
 * @moved: called when an interrupt went to another CPU, so that @describe says something else; set
 *	by the window before the first request; any context
 * @moved_data: its argument
 */
struct vni_doorbells {
	const struct vni_doorbells_ops *ops;
	void (*moved)(void *data);
	void *moved_data;
};

/**
 * vni_lapic_doorbells() - doorbells that are inter-processor interrupts of the x86 local APIC
 *
 * Context: process, may sleep.
 * Return: the doorbells, or an ERR_PTR().
 */
struct vni_doorbells *vni_lapic_doorbells(void);

/**
 * vni_uml_doorbells() - doorbells that are FIFOs of the host, for nodes that are User-Mode Linux
 * @node: this node's id
 * @window_fd: the host's descriptor of the file that is the window; they lie beside it
 *
 * Context: process, may sleep.
 * Return: the doorbells, or an ERR_PTR() whose reason was logged.
 */
struct vni_doorbells *vni_uml_doorbells(unsigned int node, int window_fd);

/**
 * vni_poll_doorbells() - call the handlers by a timer where nobody rings
 * @ringer: rings the others, and is rung while no peer is deaf; NULL: this node can neither. It is
 *	freed with the result, also on failure
 * @always: nobody rings this node: poll whatever the peers are
 *
 * Context: process, may sleep.
 * Return: the doorbells, or an ERR_PTR().
 */
struct vni_doorbells *vni_poll_doorbells(struct vni_doorbells *ringer, bool always);

/**
 * vni_local_doorbells() - doorbells of two nodes of one kernel, which interrupt another processor
 * @ends: set to the doorbells of seat 0 and of seat 1; each is freed for itself
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int vni_local_doorbells(struct vni_doorbells *ends[2]);

#endif /* VNI_DOORBELL_H */
