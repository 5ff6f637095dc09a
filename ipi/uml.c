// SPDX-License-Identifier: GPL-2.0
/*
 * Doorbells between User-Mode Linux nodes: a FIFO of the host for each doorbell, beside the file
 * that is the window: <window>.bell.<node>.<line>. Its owner has the host send SIGIO when somebody
 * writes into it, which UML makes an interrupt; the others write a byte.
 *
 * Nobody can be left with a stale way: a FIFO stays when its owner goes, and its next owner opens
 * the same one. Both sides open it for reading and writing, so that a write needs no reader and
 * gives no SIGPIPE. What a dead node does not read fills the FIFO, and then a write says so and is
 * forgotten: a doorbell is a hint.
 *
 * Whatever the host reads or writes lies in memory from kmalloc(): a page of the module or of
 * vmalloc() may not be mapped in the host's view yet, and the host would say EFAULT instead of
 * faulting it in.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/slab.h>
#include <linux/stat.h>
#include <asm/unistd.h>

#include <irq_kern.h>
#include <os.h>

#include "vni_doorbell.h"

#define UML_PATH_MAX 512

struct uml_bell {
	int fd; /* -1: not requested */
	int irq;
	vni_bell_handler handler;
	void *data;
	u8 *drain; /* a page for what was written */
	char name[16];
};

struct uml_doorbells {
	struct vni_doorbells db;
	unsigned int node;
	u8 byte; /* what is written */
	char window[UML_PATH_MAX - 32];
	char path[UML_PATH_MAX]; /* used with interrupts off: by a check in any context */
	struct uml_bell bells[VNI_DOORBELLS];
	int fds[VNI_SEATS_MAX][VNI_DOORBELLS]; /* others' FIFOs, -1: not open; kept to the end */
};

static struct uml_doorbells *to_uml(struct vni_doorbells *db)
{
	return container_of(db, struct uml_doorbells, db);
}

/*
 * One read is enough. It leaves room in a FIFO that was full, and each later write, even into one
 * that is not empty, is a new edge for UML's epoll set.
 */
static irqreturn_t uml_interrupt(int irq, void *data)
{
	struct uml_bell *bell = data;

	os_read_file(bell->fd, bell->drain, PAGE_SIZE);
	bell->handler(bell->data);
	return IRQ_HANDLED;
}

/* Open a doorbell's FIFO, or make it first if it is our own. The fd or an error. */
static int uml_open(struct uml_doorbells *ud, unsigned int node, unsigned int line, bool make)
{
	unsigned long flags;
	int fd, type;

	local_irq_save(flags);
	snprintf(ud->path, sizeof(ud->path), "%s.bell.%u.%u", ud->window, node, line);
	if (make)
		syscall(__NR_mknod, ud->path, S_IFIFO | 0600, 0); /* or it is there: see next */
	type = os_file_type(ud->path);
	if (type != OS_TYPE_FIFO)
		fd = type < 0 ? type : -EEXIST;
	else
		fd = os_open_file(ud->path, of_cloexec(of_rdwr(OPENFLAGS())), 0);
	if (fd >= 0)
		os_set_fd_block(fd, 0);
	local_irq_restore(flags);
	return fd;
}

static int uml_request(struct vni_doorbells *db, unsigned int index, vni_bell_handler handler,
		       void *data)
{
	struct uml_doorbells *ud = to_uml(db);
	struct uml_bell *bell = &ud->bells[index];
	int ret;

	bell->drain = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!bell->drain)
		return -ENOMEM;
	ret = uml_open(ud, ud->node, index, true);
	if (ret < 0) {
		pr_err("no doorbell %s.bell.%u.%u: %d; expected a FIFO there, or that one can be made in that directory\n",
		       ud->window, ud->node, index, ret);
		goto no_fifo;
	}
	bell->fd = ret;
	bell->handler = handler;
	bell->data = data;
	snprintf(bell->name, sizeof(bell->name), "vni-bell%u", index);
	ret = um_request_irq(UM_IRQ_ALLOC, bell->fd, IRQ_READ, uml_interrupt, 0, bell->name, bell);
	if (ret < 0)
		goto no_irq;
	bell->irq = ret;
	return 0;

no_irq:
	os_close_file(bell->fd);
	bell->fd = -1;
no_fifo:
	kfree(bell->drain);
	bell->drain = NULL;
	return ret;
}

static void uml_release(struct vni_doorbells *db, unsigned int index)
{
	struct uml_bell *bell = &to_uml(db)->bells[index];

	um_free_irq(bell->irq, bell);
	os_close_file(bell->fd);
	bell->fd = -1;
	kfree(bell->drain);
	bell->drain = NULL;
}

static void uml_describe(struct vni_doorbells *db, unsigned int index, struct vni_bell_target *out)
{
	struct uml_doorbells *ud = to_uml(db);

	*out = (struct vni_bell_target){ .kind = VNI_DOORBELL_NONE };
	if (ud->bells[index].fd < 0)
		return;
	out->kind = VNI_DOORBELL_UML;
	out->target = ud->node;
	out->data = index;
}

/* Only FIFOs that their owners made are opened, one for each number that can be. */
static int uml_check(struct vni_doorbells *db, const struct vni_bell_target *target)
{
	struct uml_doorbells *ud = to_uml(db);
	int *fd;

	if (target->kind != VNI_DOORBELL_UML || target->target >= VNI_SEATS_MAX ||
	    target->target == ud->node || target->data >= VNI_DOORBELLS)
		return -EPROTO;
	fd = &ud->fds[target->target][target->data];
	if (*fd < 0)
		*fd = uml_open(ud, target->target, target->data, false);
	return *fd < 0 ? -EPROTO : 0;
}

static void uml_ring(struct vni_doorbells *db, const struct vni_bell_target *target)
{
	struct uml_doorbells *ud = to_uml(db);

	os_write_file(ud->fds[target->target][target->data], &ud->byte, 1);
}

static void uml_free(struct vni_doorbells *db)
{
	struct uml_doorbells *ud = to_uml(db);
	unsigned int seat, line;

	for (seat = 0; seat < VNI_SEATS_MAX; seat++) {
		for (line = 0; line < VNI_DOORBELLS; line++) {
			if (ud->fds[seat][line] >= 0)
				os_close_file(ud->fds[seat][line]);
		}
	}
	kfree(ud);
}

static const struct vni_doorbells_ops uml_ops = {
	.name = "FIFO",
	.request = uml_request,
	.release = uml_release,
	.describe = uml_describe,
	.check = uml_check,
	.ring = uml_ring,
	.free = uml_free,
};

/* The host's name of the window's file, from the descriptor by which UML has it mapped. */
static int uml_window_path(struct uml_doorbells *ud, int window_fd)
{
	static const char gone[] = " (deleted)";
	size_t max = sizeof(ud->window);
	long len;

	snprintf(ud->path, sizeof(ud->path), "/proc/self/fd/%d", window_fd);
	len = syscall(__NR_readlink, ud->path, ud->window, max);
	if (len <= 0 || len >= max) {
		pr_err("the name of the window's file (iomem=) cannot be read or is longer than %zu characters\n",
		       max - 1);
		return len < 0 ? -ENOENT : -ENAMETOOLONG;
	}
	ud->window[len] = '\0';
	if (len < sizeof(gone) || strcmp(ud->window + len - (sizeof(gone) - 1), gone))
		return 0;
	pr_err("the window's file %s: doorbells lie beside it and nodes find them by its name; give a file that stays\n",
	       ud->window);
	return -ENOENT;
}

struct vni_doorbells *vni_uml_doorbells(unsigned int node, int window_fd)
{
	struct uml_doorbells *ud = kzalloc(sizeof(*ud), GFP_KERNEL);
	unsigned int i;
	int ret;

	if (!ud)
		return ERR_PTR(-ENOMEM);
	ud->db.ops = &uml_ops;
	ud->node = node;
	for (i = 0; i < VNI_DOORBELLS; i++)
		ud->bells[i].fd = -1;
	memset(ud->fds, 0xff, sizeof(ud->fds));
	ret = uml_window_path(ud, window_fd);
	if (!ret)
		return &ud->db;
	kfree(ud);
	return ERR_PTR(ret);
}
