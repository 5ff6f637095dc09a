/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The layout of the window: what the nodes of one machine share, byte for byte.
 *
 * The window is cut into equal sections, one a seat. Section N is written by node N alone, so every
 * cache line of the window has one writing node; "writer: owner" below means the node whose seat
 * the section is. All values are little-endian. All of it is input from a stranger to the other
 * nodes: Documentation/window-abi.rst says for each field what a reader must check.
 */
#ifndef VNI_ABI_H
#define VNI_ABI_H

#include <linux/types.h>
#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/stddef.h>
#else
#include <assert.h>
#include <stddef.h>
#endif

#define VNI_MAGIC		0x31304957494e5656ULL	/* "VVNIWI01" as bytes */
#define VNI_VERSION_MAJOR	1	/* another major version has another layout */
#define VNI_VERSION_MINOR	0	/* another minor version has more in reserved fields */
#define VNI_VERSION		(VNI_VERSION_MAJOR << 16 | VNI_VERSION_MINOR)

#define VNI_LINE		64	/* bytes; the unit of ownership, whatever the CPU's line */
#define VNI_PAGE		4096	/* bytes; the unit of the packet buffer, on every machine */
#define VNI_SEATS_MIN		2
#define VNI_SEATS_MAX		64
#define VNI_SECTION_ALIGN	65536	/* bytes; the largest page a node may map sections with */
#define VNI_SECTION_MIN		(256 * 1024)	/* bytes */
#define VNI_DOORBELLS		16	/* per node */
#define VNI_CHANNELS		8	/* per node */

/*
 * Line 0 of a section: who sits here. Frozen: every version of this layout keeps this line, so that
 * versions can refuse each other by name. Written once at joining, magic last (release); cleared
 * magic first. Writer: owner.
 */
struct vni_ident {
	__le64 magic;		/* VNI_MAGIC, 0 while the seat is vacant or being set up */
	__le32 version;		/* VNI_VERSION of the owner */
	__le32 seat;		/* the owner's node id: this section's number */
	__le64 window_size;	/* bytes, as the owner sees the window */
	__le64 section_size;	/* bytes, a multiple of VNI_SECTION_ALIGN */
	__le32 seats;		/* sections in the window */
	__le32 generation;	/* counts the times this seat was taken; 0 is never used */
	__le64 reserved[3];	/* zero */
};

enum vni_life_state {
	VNI_LIFE_VACANT = 0,	/* nobody is here */
	VNI_LIFE_JOINED = 1,	/* the owner is at its seat and its heartbeat counts */
	VNI_LIFE_LEFT = 2,	/* the owner left in good order */
};

/* Line 1: is the owner alive. Writer: owner. */
struct vni_life {
	__le32 state;		/* enum vni_life_state */
	__le32 period_ms;	/* milliseconds between heartbeats, 10 to 10000 */
	__le64 heartbeat;	/* counts up once a period while the owner's interrupts work */
	__le64 reserved[6];	/* zero */
};

enum vni_doorbell_kind {
	VNI_DOORBELL_NONE = 0,	/* cannot be rung: the owner polls */
	VNI_DOORBELL_LAPIC = 1,	/* target: APIC id, data: vector */
	VNI_DOORBELL_IVSHMEM = 2, /* target: peer id, data: MSI-X vector */
	VNI_DOORBELL_UML = 3,	/* target: node id, data: line number */
	VNI_DOORBELL_LOCAL = 4,	/* nodes of one kernel; target: node id, data: line number */
};

/*
 * How to ring one of the owner's doorbells. Set while joining; where is stored again, as one 8-byte
 * access, when the interrupt moves to another CPU. Writer: owner.
 */
struct vni_bell {
	__le32 kind;		/* enum vni_doorbell_kind */
	__le32 reserved;	/* zero */
	__le64 where;		/* bits 0-31: target, bits 32-63: data; see the kind */
};

/*
 * Nodes that are not told their seat choose one. While a seat is vacant, the last 16th of its
 * section is lines by which nodes claim it: each node writes the line of its own number, e.g. its
 * peer id, and the lowest wins. Writer: one node a line; the owner, once the seat is taken.
 */
#define VNI_CLAIM_MAGIC	0x31304d49414c4356ULL	/* "VCLAIM01" as bytes */
#define VNI_CLAIM_SHARE	16	/* of a section */
#define VNI_CLAIMS_MAX	65536

struct vni_claim {
	__le64 magic;		/* VNI_CLAIM_MAGIC while the claim stands; written last */
	__le64 nonce;		/* tells who claims, in case two use one line */
	__le64 beat;		/* moves while the claim stands */
	__le64 reserved[5];	/* zero */
};

enum vni_service {
	VNI_SERVICE_NONE = 0,	/* the entry is free */
	VNI_SERVICE_ETH = 1,	/* Ethernet frames: struct vni_eth */
};

/*
 * One entry of the section's directory: a channel of a service. Filled before the channel is used
 * and cleared after its last use; service is written last (release) and cleared first.
 * Writer: owner.
 */
struct vni_chan_entry {
	__le32 service;		/* enum vni_service */
	__le32 version;		/* of the service's own layout, major << 16 | minor */
	__le64 offset;		/* bytes from the section's start, a multiple of VNI_PAGE */
	__le64 size;		/* bytes, a multiple of VNI_PAGE */
	__le32 bell_first;	/* the service's first doorbell in vni_section.bells */
	__le32 bell_count;	/* how many it has */
	__le64 reserved[4];	/* zero */
};

/* The start of each section. Writer: owner. */
struct vni_section {
	struct vni_ident ident;
	struct vni_life life;
	__le64 reserved0[16];	/* zero */
	struct vni_bell bells[VNI_DOORBELLS];	/* bell 0 is the window's own: links changed */
	struct vni_chan_entry channels[VNI_CHANNELS];
	__le64 reserved1[384];	/* zero */
};

/*
 * What the owner says to one other seat about one channel. session names one life of the owner's
 * ring ends towards that seat; ack repeats the seat's own session once the owner has accepted it.
 * The link is up where both sides' ack equals the other's session. Writer: owner.
 */
struct vni_link_cell {
	__le32 session;		/* 0: the owner's ends are not ready */
	__le32 ack;		/* 0: the owner does not touch the other's ends */
	__le64 reserved;	/* zero */
};

/* The start of every channel, whatever its service. Writer: owner. */
struct vni_chan {
	struct vni_link_cell links[VNI_SEATS_MAX];	/* by seat; the owner's own is unused */
};

/*
 * One end of a ring between two nodes. The producer's end lies in the producer's section, the
 * consumer's in the consumer's. Both run freely modulo 2^32 in units of the ring and start at 0
 * with every session. Index and wake lie on lines of their own, because the other side reads
 * them at different times. Writer: owner.
 */
struct vni_ring_end {
	__le32 index;		/* producer: head, one past the last unit written; consumer: tail */
	__u8 pad0[60];
	__le32 wake;		/* ring me once the other side's index has passed this */
	__u8 pad1[60];
};

/* ---- service 1: Ethernet ---- */

#define VNI_ETH_VERSION		(2 << 16 | 2)
#define VNI_ETH_QUEUES_MAX	8
#define VNI_ETH_MTU_MIN		68
#define VNI_ETH_MTU_MAX		(65535 - 14 - 4)	/* less an Ethernet and a VLAN header */
#define VNI_ETH_FRAME_MIN	14	/* bytes */
#define VNI_ETH_INLINE_MAX	65568	/* bytes; a 64 KiB GSO frame and its headers, in the ring */
#define VNI_ETH_FRAME_MAX	262176	/* bytes; a 256 KiB one ("BIG TCP"), in slots or direct */
#define VNI_ETH_SLOTS_MAX	65	/* slots a frame: VNI_ETH_FRAME_MAX in pages */
#define VNI_ETH_RING_LINES_MIN	2048	/* a ring holds at least one VNI_ETH_INLINE_MAX */
#define VNI_ETH_RING_LINES_MAX	(1 << 20)
#define VNI_ETH_RETURNS_MIN	128	/* at least one frame's slots */
#define VNI_ETH_RETURNS_MAX	(1 << 20)

/* Feature bits of a node's Ethernet service: what it can receive. */
#define VNI_ETH_F_CSUM		(1u << 0)	/* frames whose checksum is not filled in */
#define VNI_ETH_F_TSO4		(1u << 1)	/* TCP over IPv4 larger than the MTU */
#define VNI_ETH_F_TSO6		(1u << 2)	/* TCP over IPv6 larger than the MTU */
#define VNI_ETH_F_USO		(1u << 3)	/* UDP to be cut into datagrams */
#define VNI_ETH_F_DIRECT	(1u << 4)	/* frames that lie in the sender's own memory */

#define VNI_ETH_RAMS		8	/* pieces in which a node's own memory is told */
#define VNI_ETH_SEGS_MAX	17	/* pieces of a frame in the sender's own memory */
#define VNI_ETH_SEG_ALIGN	32768	/* bytes; no piece of a frame goes across such a border */
#define VNI_ETH_HEAD_MAX	256	/* bytes of such a frame that travel in the ring */

/*
 * One seat's share of the owner's channel, per queue: its ends of the four rings between the two.
 * Writer: owner.
 */
struct vni_eth_ends {
	struct vni_ring_end tx;		/* frames to that seat: head */
	struct vni_ring_end rx;		/* frames from that seat: tail */
	struct vni_ring_end give;	/* that seat's slots going back to it: head */
	struct vni_ring_end take;	/* the owner's slots coming back: tail */
};

/*
 * Behind struct vni_chan. Constant from the channel's start to its end, but for mac and mtu.
 * Offsets count from the channel's start, in bytes, and are multiples of VNI_LINE. Arrays are
 * indexed [seat][queue]. Writer: owner.
 */
struct vni_eth {
	__le64 mac;		/* the address as it goes over the wire, in the low 6 bytes */
	__le32 mtu;		/* bytes; for people: a receiver takes any frame that fits */
	__le32 features;	/* VNI_ETH_F_* */
	__le32 frame_max;	/* bytes, the largest frame that the owner takes */
	__le32 queues;		/* 1 to VNI_ETH_QUEUES_MAX: so many have rings and slots */
	__le32 ring_lines;	/* units of VNI_LINE in each frame ring, a power of two */
	__le32 returns;		/* units of 4 bytes in each return ring, a power of two */
	__le32 slots;		/* pages in the packet buffer */
	__le32 used;		/* queues in use, 1 to queues; a pair uses the smaller count */
	__le64 ends;		/* struct vni_eth_ends [seats][queues] */
	__le64 rings;		/* frame rings [seats][queues], ring_lines * VNI_LINE bytes each */
	__le64 give_rings;	/* return rings [seats][queues], returns * 4 bytes each */
	__le64 table;		/* offset manager's table: __le64 [slots], a bit a seat */
	__le64 buffer;		/* the packet buffer: [slots] pages, a multiple of VNI_PAGE */
	__le64 ram;		/* struct vni_eth_ram [VNI_ETH_RAMS]; 0: none */
	__le64 direct;		/* a bit a seat: the owner takes frames in that seat's own memory */
	__le32 keep;		/* slots of a queue that one receiver may leave in use; changes */
	__le32 held_slots;	/* bits in each map of held, whole lines of them */
	__le64 held;		/* struct vni_eth_held [seats], each with its map; 0: none */
	__le64 reserved1[2];	/* zero */
};

/*
 * What the owner still holds of one other seat's packet buffer, as its last link with it ended:
 * slots that its programs have not read. Written before the owner's ack is taken back, and constant
 * until its next link with that seat has ended. The next link's return rings take these slots home,
 * if the seat's buffer is still where it was. Behind it lies a map: __le64 [held_slots / 64], a bit
 * a slot. Writer: owner.
 */
struct vni_eth_held {
	__le64 buffer;		/* bytes from the window's start to the packet buffer meant */
	__le32 slots;		/* that seat's vni_eth.slots */
	__le32 queues;		/* that seat's vni_eth.queues */
	__le64 reserved[6];	/* zero */
};

/*
 * A piece of the owner's own memory, in which frames of the direct form lie. Told only by a node
 * that was set to trust the others (VNI_ETH_F_DIRECT); constant while a link is up. Writer: owner.
 */
struct vni_eth_ram {
	__le64 base;		/* address in bytes, see window-abi.rst; of 2 MiB, UML 32 KiB */
	__le64 size;		/* bytes, a multiple likewise; 0: the entry is free */
};

enum vni_rec_kind {
	VNI_REC_INLINE = 1,	/* head/tail form: the frame follows in the ring */
	VNI_REC_SLOTS = 2,	/* offset-manager form: slot numbers (__le32) follow */
	VNI_REC_DIRECT = 3,	/* struct vni_seg [nslots] follow, then head bytes of the frame */
};

/* A piece of a frame in the sender's own memory. Writer: owner. */
struct vni_seg {
	__le64 addr;		/* physical address in bytes */
	__le32 len;		/* bytes, 1 to VNI_ETH_SEG_ALIGN */
	__le32 reserved;	/* zero */
};

/*
 * One frame in a frame ring: this header, and behind it the frame itself or the numbers of the
 * slots that hold it. A record starts on a line, may wrap around the ring's end, and is padded to
 * whole lines. The checksum and segmentation fields are those of struct virtio_net_hdr (virtio 1.x,
 * section 5.1.6), little-endian. Writer: owner.
 */
struct vni_rec {
	__le32 len;		/* bytes of the frame */
	__le16 lines;		/* units of the ring that the record takes */
	__u8 kind;		/* enum vni_rec_kind */
	__u8 nslots;		/* slots or pieces that follow, 0 for VNI_REC_INLINE */
	__u8 virtio[10];	/* struct virtio_net_hdr */
	__le16 head;		/* VNI_REC_DIRECT: bytes of the frame behind the pieces, else 0 */
	__le32 token;		/* VNI_REC_DIRECT: a slot to give back for the frame, else 0 */
	__u8 reserved[8];	/* zero */
};

#define VNI_ASSERT_AT(type, field, at) \
	static_assert(offsetof(struct type, field) == (at), #type "." #field)
#define VNI_ASSERT_SIZE(type, size) static_assert(sizeof(struct type) == (size), #type)

VNI_ASSERT_SIZE(vni_ident, 64);
VNI_ASSERT_AT(vni_ident, version, 8);
VNI_ASSERT_AT(vni_ident, seat, 12);
VNI_ASSERT_AT(vni_ident, window_size, 16);
VNI_ASSERT_AT(vni_ident, section_size, 24);
VNI_ASSERT_AT(vni_ident, seats, 32);
VNI_ASSERT_AT(vni_ident, generation, 36);
VNI_ASSERT_SIZE(vni_life, 64);
VNI_ASSERT_AT(vni_life, period_ms, 4);
VNI_ASSERT_AT(vni_life, heartbeat, 8);
VNI_ASSERT_SIZE(vni_bell, 16);
VNI_ASSERT_AT(vni_bell, where, 8);
VNI_ASSERT_SIZE(vni_claim, 64);
VNI_ASSERT_AT(vni_claim, nonce, 8);
VNI_ASSERT_AT(vni_claim, beat, 16);
VNI_ASSERT_SIZE(vni_chan_entry, 64);
VNI_ASSERT_AT(vni_chan_entry, version, 4);
VNI_ASSERT_AT(vni_chan_entry, offset, 8);
VNI_ASSERT_AT(vni_chan_entry, size, 16);
VNI_ASSERT_AT(vni_chan_entry, bell_first, 24);
VNI_ASSERT_AT(vni_chan_entry, bell_count, 28);
VNI_ASSERT_SIZE(vni_section, 4096);
VNI_ASSERT_AT(vni_section, life, 64);
VNI_ASSERT_AT(vni_section, bells, 256);
VNI_ASSERT_AT(vni_section, channels, 512);
VNI_ASSERT_AT(vni_section, reserved1, 1024);
VNI_ASSERT_SIZE(vni_link_cell, 16);
VNI_ASSERT_AT(vni_link_cell, ack, 4);
VNI_ASSERT_SIZE(vni_chan, 1024);
VNI_ASSERT_SIZE(vni_ring_end, 128);
VNI_ASSERT_AT(vni_ring_end, wake, 64);
VNI_ASSERT_SIZE(vni_eth_ends, 512);
VNI_ASSERT_AT(vni_eth_ends, rx, 128);
VNI_ASSERT_AT(vni_eth_ends, give, 256);
VNI_ASSERT_AT(vni_eth_ends, take, 384);
VNI_ASSERT_SIZE(vni_eth, 128);
VNI_ASSERT_AT(vni_eth, mtu, 8);
VNI_ASSERT_AT(vni_eth, features, 12);
VNI_ASSERT_AT(vni_eth, frame_max, 16);
VNI_ASSERT_AT(vni_eth, queues, 20);
VNI_ASSERT_AT(vni_eth, ring_lines, 24);
VNI_ASSERT_AT(vni_eth, returns, 28);
VNI_ASSERT_AT(vni_eth, slots, 32);
VNI_ASSERT_AT(vni_eth, used, 36);
VNI_ASSERT_AT(vni_eth, ends, 40);
VNI_ASSERT_AT(vni_eth, rings, 48);
VNI_ASSERT_AT(vni_eth, give_rings, 56);
VNI_ASSERT_AT(vni_eth, table, 64);
VNI_ASSERT_AT(vni_eth, buffer, 72);
VNI_ASSERT_AT(vni_eth, ram, 80);
VNI_ASSERT_AT(vni_eth, direct, 88);
VNI_ASSERT_AT(vni_eth, keep, 96);
VNI_ASSERT_AT(vni_eth, held_slots, 100);
VNI_ASSERT_AT(vni_eth, held, 104);
VNI_ASSERT_SIZE(vni_eth_held, 64);
VNI_ASSERT_AT(vni_eth_held, slots, 8);
VNI_ASSERT_AT(vni_eth_held, queues, 12);
VNI_ASSERT_SIZE(vni_eth_ram, 16);
VNI_ASSERT_AT(vni_eth_ram, size, 8);
VNI_ASSERT_SIZE(vni_seg, 16);
VNI_ASSERT_AT(vni_seg, len, 8);
VNI_ASSERT_SIZE(vni_rec, 32);
VNI_ASSERT_AT(vni_rec, lines, 4);
VNI_ASSERT_AT(vni_rec, kind, 6);
VNI_ASSERT_AT(vni_rec, nslots, 7);
VNI_ASSERT_AT(vni_rec, virtio, 8);
VNI_ASSERT_AT(vni_rec, head, 18);
VNI_ASSERT_AT(vni_rec, token, 20);

#endif /* VNI_ABI_H */
