// SPDX-License-Identifier: GPL-2.0
/* An ivshmem device itself: its registers and its interrupts, in both versions. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "ivshmem.h"

static int open_v1(struct ivshmem *iv)
{
	struct pci_dev *pdev = iv->pdev;

	if (pci_resource_len(pdev, 0) < IV1_SIZE || !pci_resource_len(pdev, 2)) {
		pci_err(pdev,
			"BAR 0 of %llu and BAR 2 of %llu bytes; expected registers and shared memory\n",
			(u64)pci_resource_len(pdev, 0), (u64)pci_resource_len(pdev, 2));
		return -ENODEV;
	}
	iv->phys = pci_resource_start(pdev, 2);
	iv->size = pci_resource_len(pdev, 2);
	iv->id = IV1_NO_ID;
	if (!pdev->msix_cap)
		return 0;
	iv->id = ioread32(iv->regs + IV1_POSITION);
	if (iv->id <= IV1_ID_LAST)
		return 0;
	pci_err(pdev,
		"IVPosition is 0x%x: the device has no connection to its server (or was unplugged); start the server, then unplug the device and plug it in again\n",
		iv->id);
	return -ENOTCONN;
}

static void read_v2(struct ivshmem *iv, struct iv2_raw *raw)
{
	struct pci_dev *pdev = iv->pdev;
	int at = pci_find_capability(pdev, PCI_CAP_ID_VNDR);

	raw->class = pdev->class;
	raw->id = ioread32(iv->regs + IV2_ID);
	raw->max_peers = ioread32(iv->regs + IV2_MAX_PEERS);
	raw->bar_base = pci_resource_len(pdev, 2) ? pci_resource_start(pdev, 2) : 0;
	raw->bar_size = pci_resource_len(pdev, 2);
	while (at && raw->cap_len < sizeof(raw->cap) && at + raw->cap_len < PCI_CFG_SPACE_SIZE) {
		pci_read_config_byte(pdev, at + raw->cap_len, &raw->cap[raw->cap_len]);
		raw->cap_len++;
	}
}

static int open_v2(struct ivshmem *iv)
{
	struct pci_dev *pdev = iv->pdev;
	struct iv2_raw raw = {};
	char why[160];

	if (pci_resource_len(pdev, 0) < IV2_REGS_SIZE) {
		pci_err(pdev, "BAR 0 of %llu bytes; expected the registers\n",
			(u64)pci_resource_len(pdev, 0));
		return -ENODEV;
	}
	read_v2(iv, &raw);
	if (iv2_parse(&raw, &iv->layout, why, sizeof(why))) {
		pci_err(pdev, "refused: %s\n", why);
		return -ENODEV;
	}
	if (iv->layout.one_shot)
		pci_write_config_byte(pdev,
				      pci_find_capability(pdev, PCI_CAP_ID_VNDR) + IV2_CAP_CONTROL,
				      raw.cap[IV2_CAP_CONTROL] & ~IV2_CONTROL_ONE_SHOT);
	iv->phys = iv->layout.base;
	iv->size = iv->layout.size;
	iv->id = iv->layout.id;
	return 0;
}

static int open_memory(struct ivshmem *iv)
{
	if (iv->size < VNI_SEATS_MIN * VNI_SECTION_MIN) {
		pci_err(iv->pdev,
			"shared memory of %llu bytes is too small; expected at least %u\n",
			iv->size, VNI_SEATS_MIN * VNI_SECTION_MIN);
		return -ENODEV;
	}
	return ivshmem_map(iv);
}

static void open_vectors(struct ivshmem *iv)
{
	struct pci_dev *pdev = iv->pdev;

	iv->vectors = 0;
	if (!pdev->msix_cap)
		return;
	pci_set_master(pdev);
	iv->vectors = pci_alloc_irq_vectors(pdev, 1, VNI_DOORBELLS, PCI_IRQ_MSIX);
	if (iv->vectors < 0) {
		pci_warn(pdev, "no MSI-X vector to be had (%d): this node polls\n", iv->vectors);
		iv->vectors = 0;
	} else if (iv->vectors < VNI_DOORBELLS) {
		pci_info(pdev,
			 "%d MSI-X vectors for %u doorbells: doorbell N uses vector N modulo %d\n",
			 iv->vectors, VNI_DOORBELLS, iv->vectors);
	}
}

/**
 * ivshmem_open() - map a device's registers and memory and get its interrupts
 * @iv: pdev and v2 are set, the rest zero
 *
 * Context: process, may sleep.
 * Return: 0, or an error whose reason was logged.
 */
int ivshmem_open(struct ivshmem *iv)
{
	struct pci_dev *pdev = iv->pdev;
	int ret = pci_enable_device(pdev);

	if (ret) {
		pci_err(pdev, "cannot be enabled: %d\n", ret);
		return ret;
	}
	ret = pci_request_regions(pdev, "vni_shm");
	if (ret)
		goto disable;
	iv->regs = pci_iomap(pdev, 0, 0);
	if (!iv->regs) {
		pci_err(pdev, "BAR 0 cannot be mapped\n");
		ret = -ENOMEM;
		goto release;
	}
	ret = iv->v2 ? open_v2(iv) : open_v1(iv);
	if (!ret)
		ret = open_memory(iv);
	if (ret)
		goto unmap;
	open_vectors(iv);
	if (iv->v2)
		iowrite32(iv->vectors ? IV2_INT_ENABLE : 0, iv->regs + IV2_INT_CONTROL);
	else
		iowrite32(0, iv->regs + IV1_INT_MASK);
	return 0;

unmap:
	pci_iounmap(pdev, iv->regs);
release:
	pci_release_regions(pdev);
disable:
	pci_disable_device(pdev);
	return ret;
}

/**
 * ivshmem_close() - undo ivshmem_open(); nobody uses the device any more
 * @iv: the device
 *
 * Context: process, may sleep.
 */
void ivshmem_close(struct ivshmem *iv)
{
	if (iv->v2) {
		iowrite32(0, iv->regs + IV2_INT_CONTROL);
		iowrite32(0, iv->regs + IV2_STATE);
	}
	if (iv->vectors)
		pci_free_irq_vectors(iv->pdev);
	ivshmem_unmap(iv);
	pci_iounmap(iv->pdev, iv->regs);
	pci_release_regions(iv->pdev);
	pci_disable_device(iv->pdev);
}
