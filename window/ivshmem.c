// SPDX-License-Identifier: GPL-2.0
/*
 * Windows that are PCI devices of the ivshmem kind: QEMU's ivshmem-doorbell and ivshmem-plain
 * (version 1), and those of Jailhouse's specification (version 2). Each device is a window; the PCI
 * core says when they come and go.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dmi.h>
#include <linux/err.h>
#include <linux/jhash.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "ipi/vni_ivshmem.h"
#include "ivshmem.h"

#define PCI_VENDOR_SIEMENS    0x110a
#define PCI_DEVICE_IVSHMEM_V1 0x1110
#define PCI_DEVICE_IVSHMEM_V2 0x4106

#define GUARD_MS  250
#define REJOIN_MS 10000

/*
 * The windows of one node differ in where their devices sit, and the nodes of one window in their
 * seats: a device's address is these two. So that the same slot and seat of two machines at two
 * windows make two addresses as well, there is the machine's UUID in it, where it has one.
 */
static u64 identity(struct pci_dev *pdev)
{
	const char *uuid = dmi_get_system_info(DMI_PRODUCT_UUID);
	u32 place = pci_domain_nr(pdev->bus) << 16 | pci_dev_id(pdev);
	u32 salt = uuid ? jhash(uuid, strlen(uuid), 0) & 0xffff : 0;

	return (u64)(place ^ salt) << 16;
}

static struct vni_doorbells *make_doorbells(struct ivshmem *iv)
{
	struct vni_ivshmem_regs regs = {
		.pdev = iv->pdev,
		.doorbell = iv->regs + (iv->v2 ? IV2_DOORBELL : IV1_DOORBELL),
		.vectors = iv->vectors,
		.own = iv->id,
		.last = iv->v2 ? iv->layout.peers - 1 : IV1_ID_LAST,
	};

	iv->ringer = NULL;
	/* without an id there is no server, and so nobody to ring */
	if (iv->id != IV1_NO_ID) {
		iv->ringer = vni_ivshmem_doorbells(&regs);
		if (IS_ERR(iv->ringer))
			return iv->ringer;
	}
	return vni_poll_doorbells(iv->ringer, !iv->vectors);
}

/*
 * The seat: as a person says, or as the device says (version 2, where it cannot be another), or the
 * peer id where that is one, or whichever is free.
 */
static void choose_seat(const struct ivshmem *iv, struct vni_window_setup *setup,
			struct vni_claimant *claimant)
{
	setup->seat = iv->v2 ? iv->id : VNI_SEAT_ANY;
	if (iv->v2)
		return;
	claimant->number = iv->id;
	claimant->bell = iv->vectors ? iv->id : VNI_CLAIM_NO_NUMBER;
	claimant->wish = iv->id;
	if (vni_params.node >= 0) {
		setup->seat = vni_params.node;
		claimant->wish = vni_params.node;
		claimant->only = true;
	}
	setup->claimant = claimant;
}

static int check_params(const struct ivshmem *iv)
{
	if (iv->v2 && vni_params.format) {
		pci_err(iv->pdev,
			"format=1: not here, each node can write to its own section only; restart the nodes whose sections are in the way\n");
		return -EINVAL;
	}
	if (iv->v2 && vni_params.node >= 0 && vni_params.node != iv->id) {
		pci_err(iv->pdev,
			"node=%d, but this device can write to section %u only; leave node= out\n",
			vni_params.node, iv->id);
		return -EINVAL;
	}
	if (iv->v2 && vni_params.seats && vni_params.seats != iv->layout.seats) {
		pci_err(iv->pdev,
			"seats=%u, but this device has %u output sections; leave seats= out\n",
			vni_params.seats, iv->layout.seats);
		return -EINVAL;
	}
	return 0;
}

static int join(struct ivshmem *iv)
{
	struct vni_claimant claimant = {};
	struct vni_window_setup setup = {
		.name = pci_name(iv->pdev),
		.dev = &iv->pdev->dev,
		.base = iv->base,
		.size = iv->size,
		.identity = identity(iv->pdev),
		.seats = iv->v2 ? iv->layout.seats : vni_params.seats,
		.format = vni_params.format,
		.paged = iv->paged,
		/* of version 2 a hypervisor lets only its owner write to a section */
		.writable = !iv->v2,
	};
	struct vni_window *win;
	int ret = check_params(iv);

	if (ret)
		return ret;
	choose_seat(iv, &setup, &claimant);
	setup.db = make_doorbells(iv);
	if (IS_ERR(setup.db)) {
		pci_err(iv->pdev, "no doorbells: %ld\n", PTR_ERR(setup.db));
		return PTR_ERR(setup.db);
	}
	win = vni_window_create(&setup);
	if (IS_ERR(win)) {
		setup.db->ops->free(setup.db);
		return PTR_ERR(win);
	}
	iv->win = win;
	return 0;
}

/*
 * A server that was started anew, or a migration, may have changed this node's peer id. A device
 * that has gone may read as any id, and shows none.
 */
static void look_at_id(struct ivshmem *iv)
{
	u32 id = ioread32(iv->regs + IV1_POSITION);

	if (iv->id == IV1_NO_ID || id == iv->id || id > IV1_ID_LAST)
		return;
	if (!pci_device_is_present(iv->pdev))
		return;
	pci_info(iv->pdev, "peer id %u, was %u: doorbells are shown anew\n", id, iv->id);
	iv->id = id;
	if (iv->win) {
		vni_ivshmem_set_id(iv->ringer, id);
		vni_window_show_bells(iv->win);
	}
}

static void leave(struct ivshmem *iv, bool present)
{
	if (present)
		pci_warn(iv->pdev,
			 "another node has this one's seat, because this one stood still: it leaves the window\n");
	else
		pci_warn(iv->pdev,
			 "the device does not answer any more, and its memory has gone with it: this node leaves the window\n");
	vni_window_destroy(iv->win);
	iv->win = NULL;
}

static void guard_look(struct work_struct *work)
{
	struct ivshmem *iv = container_of(to_delayed_work(work), struct ivshmem, guard);
	bool present;

	look_at_id(iv);
	if (iv->win && vni_window_check_seat(iv->win)) {
		schedule_delayed_work(&iv->guard, msecs_to_jiffies(GUARD_MS));
		return;
	}
	present = pci_device_is_present(iv->pdev);
	if (iv->win)
		leave(iv, present);
	if (vni_params.node >= 0 || !present)
		return;
	join(iv);
	schedule_delayed_work(&iv->guard, msecs_to_jiffies(iv->win ? GUARD_MS : REJOIN_MS));
}

static int ivshmem_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct ivshmem *iv = kzalloc(sizeof(*iv), GFP_KERNEL);
	int ret;

	if (!iv)
		return -ENOMEM;
	iv->pdev = pdev;
	iv->v2 = id->driver_data;
	ret = ivshmem_open(iv);
	if (ret)
		goto free;
	pci_info(pdev, "ivshmem, %s: %llu KiB at 0x%llx, peer id %d, %d MSI-X vectors\n",
		 iv->v2 ? "version 2" : "version 1", iv->size >> 10, iv->phys, (int)iv->id,
		 iv->vectors);
	ret = join(iv);
	if (ret)
		goto close;
	pci_set_drvdata(pdev, iv);
	INIT_DELAYED_WORK(&iv->guard, guard_look);
	if (iv->v2)
		iowrite32(IV2_STATE_JOINED, iv->regs + IV2_STATE);
	else
		schedule_delayed_work(&iv->guard, msecs_to_jiffies(GUARD_MS));
	return 0;

close:
	ivshmem_close(iv);
free:
	kfree(iv);
	return ret;
}

static void ivshmem_pci_remove(struct pci_dev *pdev)
{
	struct ivshmem *iv = pci_get_drvdata(pdev);

	cancel_delayed_work_sync(&iv->guard);
	if (iv->win)
		vni_window_destroy(iv->win);
	ivshmem_close(iv);
	kfree(iv);
}

static const struct pci_device_id ivshmem_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_REDHAT_QUMRANET, PCI_DEVICE_IVSHMEM_V1), .driver_data = false },
	{ PCI_DEVICE(PCI_VENDOR_SIEMENS, PCI_DEVICE_IVSHMEM_V2), .driver_data = true },
	{}
};
MODULE_DEVICE_TABLE(pci, ivshmem_ids);

static struct pci_driver ivshmem_driver = {
	.name = "vni_shm",
	.id_table = ivshmem_ids,
	.probe = ivshmem_pci_probe,
	.remove = ivshmem_pci_remove,
};

static bool registered;

/**
 * vni_ivshmem_probe() - serve ivshmem devices, those that are there and those that come
 *
 * Context: process, may sleep.
 * Return: 0, or an error whose reason was logged.
 */
int vni_ivshmem_probe(void)
{
	int ret = pci_register_driver(&ivshmem_driver);

	if (ret)
		pr_err("cannot serve ivshmem devices: %d\n", ret);
	registered = !ret;
	return ret;
}

/**
 * vni_ivshmem_remove() - leave the windows of all ivshmem devices
 *
 * Context: process, may sleep.
 */
void vni_ivshmem_remove(void)
{
	if (registered)
		pci_unregister_driver(&ivshmem_driver);
	registered = false;
}
