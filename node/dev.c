// SPDX-License-Identifier: GPL-2.0
/* /dev/vni-node: see uapi/vni_node.h. */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "node.h"

static_assert(sizeof(struct vni_node_load) == 80 + 4 * VNI_NODE_MAX_CPUS + VNI_NODE_MESSAGE);
static_assert(sizeof(struct vni_node_op) == 8 + VNI_NODE_MESSAGE);
static_assert(sizeof(struct vni_node_attach) == 16 + VNI_NODE_MESSAGE);
static_assert(sizeof(struct vni_node_info) == 120 + 4 * VNI_NODE_MAX_CPUS + VNI_NODE_REASON);

static int check_version(u32 version, struct vni_say *say)
{
	if (version == VNI_NODE_VERSION)
		return 0;
	return vni_say(say, -EPROTO, "the command speaks version %u, the module %u: update one",
		       version, VNI_NODE_VERSION);
}

static int ioctl_load(void __user *arg, struct vni_say *say)
{
	struct vni_node_load *req = memdup_user(arg, sizeof(*req));
	int err;

	if (IS_ERR(req))
		return PTR_ERR(req);
	err = check_version(req->version, say);
	if (!err) {
		mutex_lock(&vni_nodes_lock);
		err = vni_node_load(req, say);
		mutex_unlock(&vni_nodes_lock);
	}
	kfree(req);
	if (copy_to_user(arg + offsetof(struct vni_node_load, message), say->text,
			 sizeof(say->text)))
		err = err ?: -EFAULT;
	return err;
}

static int run_op(unsigned int cmd, u32 id, struct vni_say *say)
{
	struct vni_node *node;
	int err = 0;

	if (cmd == VNI_NODE_IOC_UNLOAD)
		return vni_node_unload(id, say);
	mutex_lock(&vni_nodes_lock);
	node = vni_node_find(id, say);
	if (!node)
		err = -ENOENT;
	else if (cmd == VNI_NODE_IOC_STOP)
		err = vni_node_stop(node, say);
	else if (cmd == VNI_NODE_IOC_RESTART && node->state != VNI_NODE_LOADED)
		err = vni_node_stop(node, say);
	if (!err && cmd != VNI_NODE_IOC_STOP)
		err = vni_node_start(node, say);
	mutex_unlock(&vni_nodes_lock);
	return err;
}

static int ioctl_op(unsigned int cmd, void __user *arg, struct vni_say *say)
{
	struct vni_node_op __user *user = arg;
	u32 version, id;
	int err;

	if (get_user(version, &user->version) || get_user(id, &user->node))
		return -EFAULT;
	err = check_version(version, say);
	if (!err)
		err = run_op(cmd, id, say);
	if (copy_to_user(user->message, say->text, sizeof(say->text)))
		err = err ?: -EFAULT;
	return err;
}

static int ioctl_attach(void __user *arg, struct vni_say *say)
{
	struct vni_node_attach req;
	int ret;

	if (copy_from_user(&req, arg, offsetof(struct vni_node_attach, message)))
		return -EFAULT;
	ret = check_version(req.version, say);
	if (!ret)
		ret = vni_stream_attach(req.node, req.channel, req.flags, say);
	/* A descriptor that exists cannot be taken back: a fault here only loses the text. */
	if (copy_to_user(arg + offsetof(struct vni_node_attach, message), say->text,
			 sizeof(say->text)))
		return ret < 0 ? -EFAULT : ret;
	return ret;
}

static int ioctl_list(void __user *arg, struct vni_say *say)
{
	struct vni_node_info *info;
	u32 head[2], id;
	int err;

	if (copy_from_user(head, arg, sizeof(head)))
		return -EFAULT;
	err = check_version(head[0], say);
	if (err)
		return err;
	info = kmalloc(sizeof(*info), GFP_KERNEL);
	if (!info)
		return -ENOMEM;
	err = -ENOENT;
	mutex_lock(&vni_nodes_lock);
	for (id = max_t(u32, head[1], VNI_NODE_MIN_ID); id <= VNI_NODE_MAX_ID; id++) {
		if (!vni_nodes[id])
			continue;
		vni_node_info(vni_nodes[id], info);
		err = 0;
		break;
	}
	mutex_unlock(&vni_nodes_lock);
	if (!err && copy_to_user(arg, info, sizeof(*info)))
		err = -EFAULT;
	kfree(info);
	return err;
}

static long dev_ioctl(struct file *file, unsigned int cmd, unsigned long ptr)
{
	void __user *arg = (void __user *)ptr;
	struct vni_say say = {};

	switch (cmd) {
	case VNI_NODE_IOC_LOAD:
		return ioctl_load(arg, &say);
	case VNI_NODE_IOC_START:
	case VNI_NODE_IOC_STOP:
	case VNI_NODE_IOC_RESTART:
	case VNI_NODE_IOC_UNLOAD:
		return ioctl_op(cmd, arg, &say);
	case VNI_NODE_IOC_LIST:
		return ioctl_list(arg, &say);
	case VNI_NODE_IOC_ATTACH:
		return ioctl_attach(arg, &say);
	default:
		return -ENOTTY;
	}
}

static int dev_open(struct inode *inode, struct file *file)
{
	return capable(CAP_SYS_ADMIN) && capable(CAP_SYS_BOOT) ? 0 : -EPERM;
}

static const struct file_operations dev_fops = {
	.owner = THIS_MODULE,
	.open = dev_open,
	.unlocked_ioctl = dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vni-node",
	.fops = &dev_fops,
	.mode = 0600,
};

int vni_dev_init(void)
{
	return misc_register(&dev);
}

void vni_dev_exit(void)
{
	misc_deregister(&dev);
}
