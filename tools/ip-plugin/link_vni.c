// SPDX-License-Identifier: GPL-2.0
/*
 * A plug-in for iproute2's ip, so that it knows the options of `type vni`:
 *
 *	ip link add NAME type vni [ peer [ name ] PEER [ address MAC ] [ mtu BYTES ] [ netns NS ] ]
 *
 * ip looks for link_vni.so in its library directory, or in $IP_LIB_DIR, and there for a symbol
 * vni_link_util. The structure behind it is no published interface; but its first four members,
 * which are all that is used for adding, have stood unchanged since plug-ins came to ip, and the
 * rest is zero here. Without this file ip makes pairs too, only the peer's name cannot be chosen.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "uapi/vni_link.h"

/* The buffer behind the message that ip hands over; ip itself allows for no more. */
#define MESSAGE_MAX 1024

struct link_util {
	struct link_util *next;
	const char *id;
	int maxattr;
	int (*parse_opt)(struct link_util *self, int argc, char **argv, struct nlmsghdr *message);
	void *others[16];
};

static void fail(const char *what, const char *came)
{
	fprintf(stderr, "vni: expected %s, got \"%s\"\n", what, came);
	exit(1);
}

/* Room for len bytes at the end of the message, zeroed. */
static void *append(struct nlmsghdr *message, size_t len)
{
	size_t at = NLMSG_ALIGN(message->nlmsg_len);
	char *end = (char *)message + at;

	if (at + NLMSG_ALIGN(len) > MESSAGE_MAX)
		fail("fewer options", "too many");
	memset(end, 0, NLMSG_ALIGN(len));
	message->nlmsg_len = at + NLMSG_ALIGN(len);
	return end;
}

static void attribute(struct nlmsghdr *message, unsigned short type, const void *data, size_t len)
{
	struct rtattr *rta = append(message, RTA_LENGTH(len));

	rta->rta_type = type;
	rta->rta_len = RTA_LENGTH(len);
	memcpy(RTA_DATA(rta), data, len);
}

static void add_number(struct nlmsghdr *message, unsigned short type, const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);
	uint32_t word = value;

	if (!*text || *end || value > UINT32_MAX)
		fail("a number", text);
	attribute(message, type, &word, sizeof(word));
}

static void add_name(struct nlmsghdr *message, const char *text)
{
	if (!*text || strlen(text) >= IFNAMSIZ || strchr(text, '/'))
		fail("the name of a device, at most 15 characters", text);
	attribute(message, IFLA_IFNAME, text, strlen(text) + 1);
}

static void add_address(struct nlmsghdr *message, const char *text)
{
	unsigned char mac[ETHER_ADDR_LEN];
	int used = 0;

	if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2], &mac[3],
		   &mac[4], &mac[5], &used) != 6 || text[used])
		fail("an address as 02:00:00:00:00:01", text);
	attribute(message, IFLA_ADDRESS, mac, sizeof(mac));
}

/* A name that `ip netns` knows, a path, or the number of a process. */
static void add_namespace(struct nlmsghdr *message, const char *text)
{
	char path[256];
	uint32_t word;
	int fd;

	snprintf(path, sizeof(path), strchr(text, '/') ? "%s" : "/run/netns/%s", text);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		if (!*text || text[strspn(text, "0123456789")])
			fail("a network namespace or a process", text);
		add_number(message, IFLA_NET_NS_PID, text);
		return;
	}
	word = fd;
	attribute(message, IFLA_NET_NS_FD, &word, sizeof(word));
}

static void add_option(struct nlmsghdr *message, const char *word, const char *value)
{
	if (!strcmp(word, "name"))
		add_name(message, value);
	else if (!strcmp(word, "address"))
		add_address(message, value);
	else if (!strcmp(word, "mtu"))
		add_number(message, IFLA_MTU, value);
	else if (!strcmp(word, "netns"))
		add_namespace(message, value);
	else
		fail("name, address, mtu or netns", word);
}

static int parse(struct link_util *self, int argc, char **argv, struct nlmsghdr *message)
{
	struct rtattr *peer = (struct rtattr *)((char *)message + NLMSG_ALIGN(message->nlmsg_len));

	(void)self;
	if (strcmp(argv[0], "peer") || argc < 2)
		fail("peer [ name ] NAME ...", argv[0]);
	argc--, argv++;
	attribute(message, IFLA_VNI_PEER, &(struct ifinfomsg){}, sizeof(struct ifinfomsg));
	if (argc % 2) {
		add_name(message, *argv);
		argc--, argv++;
	}
	for (; argc; argc -= 2, argv += 2)
		add_option(message, argv[0], argv[1]);
	peer->rta_len = (char *)message + message->nlmsg_len - (char *)peer;
	return 0;
}

struct link_util vni_link_util = {
	.id = "vni",
	.maxattr = IFLA_VNI_MAX,
	.parse_opt = parse,
};
