// SPDX-License-Identifier: GPL-2.0
/*
 * Pairs: `ip link add NAME type vni` makes two devices that are the two seats of a window in this
 * kernel's own memory, and `ip link del` of either removes both. Each may live in a network
 * namespace of its own.
 *
 * Each device holds its vni_pair from ndo_init to ndo_uninit, which the stack calls in pairs
 * whatever fails in between; the window goes with the last of them. All here runs under the RTNL,
 * but for what is said to be called under RCU.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <net/net_namespace.h>
#include <net/rtnetlink.h>

#include "uapi/vni_link.h"
#include "vni.h"

#define SEAT_MIB_DEFAULT 8

static unsigned int pair_mib = SEAT_MIB_DEFAULT;
module_param(pair_mib, uint, 0644);
MODULE_PARM_DESC(
	pair_mib,
	"MiB of memory for each end of a pair made later by `ip link add type vni`, 2 to 64 (default: 8)");

struct vni_pair {
	refcount_t users;
	struct vni_shm_pair *shm;
};

/* How many queues a device of a pair has room for; set while the module loads. */
static unsigned int queues_max;
static struct net_device_ops pair_netdev_ops __ro_after_init;

static struct vni_pair *pair_create(struct netlink_ext_ack *extack)
{
	struct vni_pair *pair;
	int ret;

	if (pair_mib < VNI_PAIR_SEAT_MIN / SZ_1M || pair_mib > VNI_PAIR_SEAT_MAX / SZ_1M) {
		NL_SET_ERR_MSG_MOD(extack, "module parameter pair_mib must be 2 to 64");
		return ERR_PTR(-EINVAL);
	}
	pair = kzalloc(sizeof(*pair), GFP_KERNEL_ACCOUNT);
	if (!pair)
		return ERR_PTR(-ENOMEM);
	refcount_set(&pair->users, 1);
	pair->shm = vni_shm_pair_create((u64)pair_mib * SZ_1M);
	if (IS_ERR(pair->shm)) {
		ret = PTR_ERR(pair->shm);
		if (ret == -ENOMEM)
			NL_SET_ERR_MSG_MOD(extack,
					   "no memory for a window of twice pair_mib; lower that parameter, or the cgroup's limit is reached");
		else
			NL_SET_ERR_MSG_MOD(extack, "no window; the kernel's log says why");
		kfree(pair);
		return ERR_PTR(ret);
	}
	return pair;
}

static void pair_put(struct vni_pair *pair)
{
	if (!refcount_dec_and_test(&pair->users))
		return;
	vni_shm_pair_destroy(pair->shm);
	kfree(pair);
}

static int pair_init(struct net_device *ndev)
{
	struct vni_dev *vd = netdev_priv(ndev);
	struct vni_geometry geo;
	int ret;

	/* a name alone, from elsewhere than link_new() */
	if (!vd->pair)
		return -EOPNOTSUPP;
	ret = vni_dev_plan(&geo, vd->win, min(ndev->num_tx_queues, ndev->num_rx_queues));
	if (ret)
		return ret;
	ret = netif_set_real_num_tx_queues(ndev, geo.queues) ?:
		      netif_set_real_num_rx_queues(ndev, geo.queues);
	if (ret)
		return ret;
	ret = vni_dev_init(ndev, vd->win, &geo);
	if (ret)
		return ret;
	refcount_inc(&vd->pair->users);
	return 0;
}

static void pair_uninit(struct net_device *ndev)
{
	struct vni_dev *vd = netdev_priv(ndev);

	vni_dev_exit(ndev);
	pair_put(vd->pair);
}

/* Context: RTNL or RCU. */
static int pair_get_iflink(const struct net_device *ndev)
{
	const struct vni_dev *vd = netdev_priv(ndev);
	const struct net_device *peer;
	int index;

	rcu_read_lock();
	peer = rcu_dereference(vd->peer);
	index = peer ? READ_ONCE(peer->ifindex) : 0;
	rcu_read_unlock();
	return index;
}

static struct net *link_get_net(const struct net_device *ndev)
{
	const struct vni_dev *vd = netdev_priv(ndev);
	const struct net_device *peer = rtnl_dereference(vd->peer);

	return dev_net(peer ?: ndev);
}

static void link_setup(struct net_device *ndev)
{
	ether_setup(ndev);
	vni_netdev_setup(ndev);
	ndev->netdev_ops = &pair_netdev_ops;
	ndev->needs_free_netdev = true;
}

static int link_validate(struct nlattr *tb[], struct nlattr *data[], struct netlink_ext_ack *extack)
{
	struct nlattr *address = tb[IFLA_ADDRESS];

	if (!address)
		return 0;
	if (nla_len(address) != ETH_ALEN) {
		NL_SET_ERR_MSG_ATTR(extack, address, "an Ethernet address has 6 bytes");
		return -EINVAL;
	}
	if (!is_valid_ether_addr(nla_data(address))) {
		NL_SET_ERR_MSG_ATTR(extack, address, "expected a unicast address other than zero");
		return -EADDRNOTAVAIL;
	}
	return 0;
}

static int queues_check(const struct net_device *ndev, struct netlink_ext_ack *extack)
{
	if (min(ndev->num_tx_queues, ndev->num_rx_queues) <= queues_max)
		return 0;
	NL_SET_ERR_MSG_MOD(extack,
			   "more queues than a pair has: vni's parameter queues, or one a CPU up to 4");
	return -EINVAL;
}

/* What is asked of the other end: @tb is filled, and @ifm set if there is anything. */
static int peer_parse(struct nlattr *data[], struct nlattr *tb[], struct ifinfomsg **ifm,
		      struct netlink_ext_ack *extack)
{
	int ret;

	*ifm = NULL;
	memset(tb, 0, (IFLA_MAX + 1) * sizeof(*tb));
	if (!data || !data[IFLA_VNI_PEER])
		return 0;
	*ifm = nla_data(data[IFLA_VNI_PEER]);
	ret = rtnl_nla_parse_ifinfomsg(tb, data[IFLA_VNI_PEER], extack);
	return ret ?: link_validate(tb, NULL, extack);
}

/* NAME-p, or the next free vni%d where the first end's name is not known yet either. */
static int peer_name(char *name, const struct net_device *ndev, struct nlattr *tb[],
		     unsigned char *assign, struct netlink_ext_ack *extack)
{
	*assign = NET_NAME_USER;
	if (tb[IFLA_IFNAME]) {
		nla_strscpy(name, tb[IFLA_IFNAME], IFNAMSIZ);
		return 0;
	}
	if (strchr(ndev->name, '%')) {
		*assign = NET_NAME_ENUM;
		strscpy(name, "vni%d", IFNAMSIZ);
		return 0;
	}
	if (snprintf(name, IFNAMSIZ, "%s-p", ndev->name) < IFNAMSIZ)
		return 0;
	NL_SET_ERR_MSG_MOD(extack,
			   "the peer is named NAME-p: give a NAME of at most 13 characters, or IFLA_VNI_PEER with a name");
	return -EINVAL;
}

/* The peer's namespace, if it was told one and the caller may make devices there. */
static struct net *peer_net(struct net *net, struct nlattr *tb[], struct netlink_ext_ack *extack)
{
	struct net *there = rtnl_link_get_net(net, tb);

	if (IS_ERR(there)) {
		NL_SET_ERR_MSG_MOD(extack, "the peer's network namespace is not there");
		return there;
	}
	if (ns_capable(there->user_ns, CAP_NET_ADMIN))
		return there;
	put_net(there);
	NL_SET_ERR_MSG_MOD(extack, "no right to make the peer in its network namespace");
	return ERR_PTR(-EPERM);
}

static struct net_device *peer_alloc(struct net *src_net, const struct net_device *ndev,
				     struct nlattr *tb[], struct netlink_ext_ack *extack)
{
	struct net_device *peer;
	unsigned char assign;
	char name[IFNAMSIZ];
	struct net *net;
	int ret = peer_name(name, ndev, tb, &assign, extack);

	if (ret)
		return ERR_PTR(ret);
	net = peer_net(src_net, tb, extack);
	if (IS_ERR(net))
		return ERR_CAST(net);
	if (__dev_get_by_name(net, name)) {
		NL_SET_ERR_MSG_MOD(extack, "a device with the peer's name is there already");
		peer = ERR_PTR(-EEXIST);
	} else {
		peer = rtnl_create_link(net, name, assign, ndev->rtnl_link_ops, tb, extack);
	}
	put_net(net);
	return peer;
}

static int end_register(struct net_device *ndev, struct vni_pair *pair, unsigned int seat,
			struct netlink_ext_ack *extack)
{
	struct vni_dev *vd = netdev_priv(ndev);
	int ret = queues_check(ndev, extack);

	if (ret)
		return ret;
	vd->pair = pair;
	vd->win = vni_shm_pair_window(pair->shm, seat);
	if (is_zero_ether_addr(ndev->dev_addr))
		eth_hw_addr_random(ndev);
	netif_carrier_off(ndev);
	ret = register_netdevice(ndev);
	if (ret)
		NL_SET_ERR_MSG_MOD(extack, "the device could not be registered");
	return ret;
}

/* Both ends, the second one first, as its name and namespace are the more likely to be refused. */
static int ends_register(struct net_device *ndev, struct net_device *peer,
			 const struct ifinfomsg *ifm, struct netlink_ext_ack *extack)
{
	struct vni_pair *pair = pair_create(extack);
	int ret;

	if (IS_ERR(pair)) {
		free_netdev(peer);
		return PTR_ERR(pair);
	}
	ret = end_register(peer, pair, 1, extack);
	if (ret) {
		free_netdev(peer);
		goto out;
	}
	ret = rtnl_configure_link(peer, ifm, 0, NULL);
	if (!ret)
		ret = end_register(ndev, pair, 0, extack);
	if (ret)
		unregister_netdevice(peer);
out:
	pair_put(pair);
	return ret;
}

static int link_new(struct net *src_net, struct net_device *ndev, struct nlattr *tb[],
		    struct nlattr *data[], struct netlink_ext_ack *extack)
{
	struct nlattr *peer_tb[IFLA_MAX + 1];
	struct net_device *peer;
	struct ifinfomsg *ifm;
	int ret = peer_parse(data, peer_tb, &ifm, extack);

	if (ret)
		return ret;
	peer = peer_alloc(src_net, ndev, peer_tb, extack);
	if (IS_ERR(peer))
		return PTR_ERR(peer);
	ret = ends_register(ndev, peer, ifm, extack);
	if (ret)
		return ret;
	rcu_assign_pointer(((struct vni_dev *)netdev_priv(ndev))->peer, peer);
	rcu_assign_pointer(((struct vni_dev *)netdev_priv(peer))->peer, ndev);
	return 0;
}

/*
 * May be called for both ends in one batch. The namespace's end that calls this waits for a grace
 * period before it frees the devices, so a reader of peer under RCU finds one that is there.
 */
static void link_del(struct net_device *ndev, struct list_head *head)
{
	struct vni_dev *vd = netdev_priv(ndev);
	struct net_device *peer = rtnl_dereference(vd->peer);

	RCU_INIT_POINTER(vd->peer, NULL);
	unregister_netdevice_queue(ndev, head);
	if (!peer)
		return;
	vd = netdev_priv(peer);
	RCU_INIT_POINTER(vd->peer, NULL);
	unregister_netdevice_queue(peer, head);
}

static unsigned int link_queues(void)
{
	return queues_max;
}

static const struct nla_policy link_policy[IFLA_VNI_MAX + 1] = {
	[IFLA_VNI_PEER] = { .len = sizeof(struct ifinfomsg) },
};

static struct rtnl_link_ops link_ops __read_mostly = {
	.kind = "vni",
	.setup = link_setup,
	.validate = link_validate,
	.newlink = link_new,
	.dellink = link_del,
	.policy = link_policy,
	.maxtype = IFLA_VNI_MAX,
	.get_link_net = link_get_net,
	.get_num_tx_queues = link_queues,
	.get_num_rx_queues = link_queues,
};

/**
 * vni_link_register() - let people make pairs
 * @queues: how many each device has
 *
 * Context: process, may sleep.
 * Return: 0 or an error.
 */
int __init vni_link_register(unsigned int queues)
{
	queues_max = queues;
	link_ops.priv_size = struct_size((struct vni_dev *)NULL, queues, queues);
	pair_netdev_ops = vni_netdev_ops;
	pair_netdev_ops.ndo_init = pair_init;
	pair_netdev_ops.ndo_uninit = pair_uninit;
	pair_netdev_ops.ndo_get_iflink = pair_get_iflink;
	return rtnl_link_register(&link_ops);
}

/**
 * vni_link_unregister() - no more pairs; those that there are go
 *
 * Context: process, may sleep.
 */
void vni_link_unregister(void)
{
	rtnl_link_unregister(&link_ops);
}

MODULE_ALIAS_RTNL_LINK("vni");
