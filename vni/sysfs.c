// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/class/net/DEV/vni/: form: which form of the source documents frames take; ageing_ms: for how
 * long a learned address is known without being seen. Both may change any time.
 */
#include <linux/sysfs.h>

#include "vni.h"

static const char *const form_names[] = {
	[VNI_FORM_MIXED] = "mixed",
	[VNI_FORM_HEADTAIL] = "headtail",
	[VNI_FORM_OFFSET] = "offset",
};

static ssize_t form_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const struct vni_dev *vd = netdev_priv(to_net_dev(dev));

	return sysfs_emit(buf, "%s\n", form_names[READ_ONCE(vd->form)]);
}

static ssize_t form_store(struct device *dev, struct device_attribute *attr, const char *buf,
			  size_t len)
{
	struct vni_dev *vd = netdev_priv(to_net_dev(dev));
	int form = sysfs_match_string(form_names, buf);

	if (form < 0) {
		netdev_err(vd->ndev, "form: expected mixed, headtail or offset, got %.*s\n",
			   (int)min_t(size_t, strcspn(buf, "\n"), 16), buf);
		return form;
	}
	WRITE_ONCE(vd->form, form);
	vni_frame_max(vd);
	return len;
}
static DEVICE_ATTR_RW(form);

static ssize_t ageing_ms_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const struct vni_dev *vd = netdev_priv(to_net_dev(dev));

	return sysfs_emit(buf, "%u\n", jiffies_to_msecs(READ_ONCE(vd->ageing)));
}

static ssize_t ageing_ms_store(struct device *dev, struct device_attribute *attr, const char *buf,
			       size_t len)
{
	struct vni_dev *vd = netdev_priv(to_net_dev(dev));
	unsigned int ms;

	if (kstrtouint(buf, 0, &ms) || ms > VNI_AGEING_MS_MAX) {
		netdev_err(vd->ndev, "ageing_ms: expected 0 (learn nothing) to %u\n",
			   VNI_AGEING_MS_MAX);
		return -EINVAL;
	}
	WRITE_ONCE(vd->ageing, msecs_to_jiffies(ms));
	return len;
}
static DEVICE_ATTR_RW(ageing_ms);

static struct attribute *vni_attrs[] = {
	&dev_attr_form.attr,
	&dev_attr_ageing_ms.attr,
	NULL,
};

const struct attribute_group vni_sysfs_group = {
	.name = "vni",
	.attrs = vni_attrs,
};
