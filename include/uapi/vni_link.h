/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * RTM_NEWLINK with IFLA_INFO_KIND "vni" makes a pair of devices in this kernel. What may stand in
 * its IFLA_INFO_DATA.
 */
#ifndef _UAPI_VNI_LINK_H
#define _UAPI_VNI_LINK_H

/**
 * enum - attributes of IFLA_INFO_DATA
 * @IFLA_VNI_PEER: the other end: struct ifinfomsg and behind it IFLA_* attributes (IFLA_IFNAME,
 *	IFLA_ADDRESS, IFLA_MTU, IFLA_NET_NS_PID, IFLA_NET_NS_FD, ...), in the form that veth's
 *	VETH_INFO_PEER has. Without it the other end of NAME is called NAME-p.
 */
enum {
	IFLA_VNI_UNSPEC,
	IFLA_VNI_PEER,
	__IFLA_VNI_MAX
};

#define IFLA_VNI_MAX (__IFLA_VNI_MAX - 1)

#endif /* _UAPI_VNI_LINK_H */
