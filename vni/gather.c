// SPDX-License-Identifier: GPL-2.0
/* The bytes of an skb in their order, wherever they lie, each read once. */
#include <linux/skbuff.h>

#include "vni.h"

/**
 * vni_gather_begin() - start at the first byte
 * @gather: filled in
 * @skb: what to read; not to be changed until vni_gather_end()
 *
 * Context: any; between begin and end nothing may sleep.
 */
void vni_gather_begin(struct vni_gather *gather, struct sk_buff *skb)
{
	gather->taken = 0;
	gather->linear = !skb_is_nonlinear(skb);
	if (gather->linear) {
		gather->data = skb->data;
		gather->left = skb->len;
		return;
	}
	gather->left = 0;
	skb_prepare_seq_read(skb, 0, skb->len, &gather->seq);
}

/**
 * vni_gather() - copy the next bytes
 * @gather: where we are
 * @to: where they go
 * @len: how many
 *
 * Return: 0, or -EINVAL if the skb has no more, or they cannot be read.
 */
int vni_gather(struct vni_gather *gather, void *to, u32 len)
{
	while (len) {
		u32 part;

		if (!gather->left && !gather->linear)
			gather->left = skb_seq_read(gather->taken, &gather->data, &gather->seq);
		if (unlikely(!gather->left))
			return -EINVAL;
		part = min(len, gather->left);
		vni_copy(to, gather->data, part);
		to += part;
		len -= part;
		gather->data += part;
		gather->left -= part;
		gather->taken += part;
	}
	return 0;
}

/**
 * vni_gather_end() - no more is read
 * @gather: wherever we are
 */
void vni_gather_end(struct vni_gather *gather)
{
	if (!gather->linear)
		skb_abort_seq_read(&gather->seq);
}
