/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of the kernel's hvc interface that we use. Its own header lies in drivers/tty/hvc and
 * is in no package, so this states the same ABI: hvc_alloc, hvc_kick and hvc_remove are exported.
 */
#ifndef VNI_GUEST_HVC_H
#define VNI_GUEST_HVC_H

#include <linux/types.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
typedef ssize_t vni_hvc_ret;
typedef u8 vni_hvc_char;
typedef size_t vni_hvc_len;
#else
typedef int vni_hvc_ret;
typedef char vni_hvc_char;
typedef int vni_hvc_len;
#endif

struct hvc_struct;

/* All after put_chars is optional, and NULL here. */
struct hv_ops {
	vni_hvc_ret (*get_chars)(u32 vtermno, vni_hvc_char *buf, vni_hvc_len count);
	vni_hvc_ret (*put_chars)(u32 vtermno, const vni_hvc_char *buf, vni_hvc_len count);
	int (*flush)(u32 vtermno, bool wait);
	int (*notifier_add)(struct hvc_struct *hp, int irq);
	void (*notifier_del)(struct hvc_struct *hp, int irq);
	void (*notifier_hangup)(struct hvc_struct *hp, int irq);
	int (*tiocmget)(struct hvc_struct *hp);
	int (*tiocmset)(struct hvc_struct *hp, unsigned int set, unsigned int clear);
	void *dtr_rts;
};

struct hvc_struct *hvc_alloc(u32 vtermno, int data, const struct hv_ops *ops, int outbuf_size);
void hvc_kick(void);

#endif /* VNI_GUEST_HVC_H */
