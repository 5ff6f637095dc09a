// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzing: a peer whose section holds anything at any time. The input is a program of what the peer
 * writes and when this node looks. This node's code is that of the receive and the transmit side:
 * read records, take slots back, learn the tail. What must hold: nothing outside of the peer's
 * memory is read (each piece is an allocation of its own, under the address sanitizer), nothing
 * loops longer than its ring, no slot beyond the buffer is accepted, and the offset manager's books
 * stay right.
 */
#include <stdio.h>
#include <stdlib.h>

#include "vni_offset_mgr.h"
#include "vni_rec.h"

#define LINES 64 /* small, so that wrapping is common; the code does not care */
#define BYTES (LINES * VNI_LINE)
#define RETURNS 32
#define SLOTS 48
#define SEAT 9
#define STEPS 400 /* of one input */

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static u8 peer_buffer[SLOTS][VNI_PAGE];

struct input {
	const u8 *at, *end;
};

struct node {
	/* the peer's memory */
	u8 *store;
	__le32 *returns;
	struct vni_ring_end *peer_tx, *peer_rx, *peer_give;
	__le64 *peer_held; /* one word: SLOTS and more */
	/* ours */
	struct vni_ring_end rx_end, tx_end, take_end;
	struct vni_ring rx, tx, take;
	struct vni_omgr om;
	u32 free[SLOTS];
	u64 holders[SLOTS];
	__le64 table[SLOTS];
	u64 sum; /* of what was read, so that reading is not optimised away */
};

#define MUST(cond)                                                                           \
	do {                                                                                 \
		if (!(cond)) {                                                               \
			fprintf(stderr, "%s:%d: violated: %s\n", __FILE__, __LINE__, #cond); \
			abort();                                                             \
		}                                                                            \
	} while (0)

static u32 next(struct input *in, u32 bytes)
{
	u32 val = 0;

	while (bytes-- && in->at < in->end)
		val = val << 8 | *in->at++;
	return val;
}

/* An index near the present one is worth more than a wild one. */
static u32 next_index(struct input *in, u32 near)
{
	u32 how = next(in, 1);

	if (how < 192)
		return near + (how & 63);
	return how < 224 ? near - (how & 31) : next(in, 4);
}

static void peer_writes(struct node *n, struct input *in)
{
	u32 at = next(in, 2) % BYTES, len = 1 + next(in, 1) % 64, i;

	for (i = 0; i < len; i++)
		n->store[(at + i) % BYTES] = next(in, 1);
}

/* A header that may be good, where this node will look. */
static void peer_writes_header(struct node *n, struct input *in)
{
	u32 at = vni_ring_at(&n->rx) * VNI_LINE, len = next(in, 2) + next(in, 1),
	    flaw = next(in, 1), i;
	u32 nslots = len & 1 || len > BYTES ? vni_rec_slots(len) : 0;
	struct vni_rec rec = {};
	__le32 raw[VNI_ETH_SLOTS_MAX];

	vni_rec_header(&rec, len, nslots);
	if (flaw < sizeof(rec))
		((u8 *)&rec)[flaw] = next(in, 1);
	at = vni_ring_copy_in(n->store, BYTES, at, &rec, sizeof(rec));
	for (i = 0; i < VNI_ETH_SLOTS_MAX; i++)
		raw[i] = cpu_to_le32(next(in, 1) % (SLOTS + (flaw & 1)));
	if (nslots)
		vni_ring_copy_in(n->store, BYTES, at, raw, sizeof(raw));
}

/* Likewise of the direct form, with pieces that may make up the frame. */
static void peer_writes_direct(struct node *n, struct input *in)
{
	u32 at = vni_ring_at(&n->rx) * VNI_LINE, nsegs = next(in, 1) % (VNI_ETH_SEGS_MAX + 2);
	u32 head = next(in, 1) + (next(in, 1) & 1), part = next(in, 2), flaw = next(in, 1), i;
	struct vni_seg segs[VNI_ETH_SEGS_MAX + 1] = {};
	struct vni_rec rec = {};

	vni_rec_header_direct(&rec, head + nsegs * part + !flaw, nsegs, head, next(in, 1));
	if (flaw < sizeof(rec))
		((u8 *)&rec)[flaw] = next(in, 1);
	at = vni_ring_copy_in(n->store, BYTES, at, &rec, sizeof(rec));
	for (i = 0; i < nsegs; i++) {
		segs[i].addr = cpu_to_le64((u64)next(in, 2) << 8);
		segs[i].len = cpu_to_le32(part);
	}
	vni_ring_copy_in(n->store, BYTES, at, segs, nsegs * sizeof(segs[0]));
}

static void read_bytes(struct node *n, const u8 *from, u32 len)
{
	while (len--)
		n->sum += from[len];
}

static bool receive_one(struct node *n, struct input *in, u32 avail)
{
	u32 at = vni_ring_at(&n->rx) * VNI_LINE, slots[VNI_ETH_SLOTS_MAX], i;
	struct vni_rec_view view;
	u8 frame[BYTES];

	if (vni_rec_read(&view, n->store, BYTES, at, avail))
		return false;
	MUST(view.len >= VNI_ETH_FRAME_MIN && view.len <= VNI_ETH_FRAME_MAX);
	MUST(view.lines >= 1 && view.lines <= avail && view.nslots <= VNI_ETH_SLOTS_MAX);
	/* the peer writes on while this node reads */
	if (next(in, 1) & 1)
		peer_writes(n, in);
	if (view.kind == VNI_REC_DIRECT) {
		struct vni_rec_seg segs[VNI_ETH_SEGS_MAX];
		u32 sum = view.head;

		MUST(view.nslots && view.head >= VNI_ETH_FRAME_MIN &&
		     view.head <= VNI_ETH_HEAD_MAX && view.head < view.len);
		if (vni_rec_read_segs(&view, segs, n->store, BYTES, at))
			return false;
		for (i = 0; i < view.nslots; i++) {
			MUST(segs[i].len && segs[i].addr % VNI_ETH_SEG_ALIGN + segs[i].len <=
						    VNI_ETH_SEG_ALIGN);
			sum += segs[i].len;
		}
		MUST(sum == view.len);
	} else if (!view.nslots) {
		MUST(sizeof(struct vni_rec) + view.len <= view.lines * VNI_LINE);
		vni_ring_copy_out(frame, n->store, BYTES, (at + sizeof(struct vni_rec)) % BYTES,
				  view.len);
		read_bytes(n, frame, view.len);
	} else {
		if (vni_rec_read_slots(&view, slots, n->store, BYTES, at, SLOTS))
			return false;
		for (i = 0; i < view.nslots; i++) {
			MUST(slots[i] < SLOTS);
			read_bytes(n, peer_buffer[slots[i]], 16);
		}
	}
	vni_ring_advance(&n->rx, view.lines);
	return true;
}

static void receive(struct node *n, struct input *in)
{
	u32 records = 0, lines = n->rx.mine;
	s32 avail;

	/* without a new head there are at most a ring's lines, at least one a record */
	while ((avail = vni_ring_avail(&n->rx)) > 0) {
		MUST(avail <= LINES && ++records <= LINES);
		if (!receive_one(n, in, avail))
			break;
	}
	MUST(n->rx.mine - lines <= LINES);
	vni_ring_publish(&n->rx);
	n->sum += vni_ring_must_wake(&n->rx);
	if (avail == 0)
		n->sum += vni_ring_arm(&n->rx, next(in, 1) % 4);
}

static void check_books(const struct node *n)
{
	bool free[SLOTS] = {};
	u32 i, lent = 0;

	MUST(n->om.nfree <= SLOTS);
	for (i = 0; i < n->om.nfree; i++) {
		MUST(n->om.free[i] < SLOTS && !free[n->om.free[i]]);
		free[n->om.free[i]] = true;
	}
	for (i = 0; i < SLOTS; i++) {
		MUST(free[i] == !n->holders[i]);
		lent += n->holders[i] == 1ULL << SEAT;
	}
	MUST(lent == n->om.lent[SEAT] && lent + n->om.nfree == SLOTS);
}

static void send(struct node *n, struct input *in)
{
	u32 slots[VNI_ETH_SLOTS_MAX], want = 1 + next(in, 1) % VNI_ETH_SLOTS_MAX;
	s32 space = vni_ring_space(&n->tx, want);

	MUST(space <= LINES);
	if (space < (s32)want || n->om.lent[SEAT] + want > RETURNS ||
	    !vni_omgr_claim(&n->om, want, slots))
		return;
	vni_omgr_lend(&n->om, want, slots, 1ULL << SEAT);
	vni_ring_advance(&n->tx, want);
	vni_ring_publish(&n->tx);
	n->sum += vni_ring_must_wake(&n->tx);
	MUST(n->tx.mine - n->tx.theirs <= LINES);
}

/* What vni/room.c does: learn the tail, and take slots back. */
static void take_back(struct node *n)
{
	s32 i, avail = vni_ring_avail(&n->take), space = vni_ring_space(&n->tx, LINES);
	u32 before = n->om.nfree;

	MUST(space == -EPROTO || (space >= 0 && space <= LINES));
	MUST(n->tx.mine - n->tx.theirs <= LINES);
	MUST(avail == -EPROTO || (avail >= 0 && avail <= RETURNS));
	for (i = 0; i < avail; i++) {
		u32 slot = le32_to_cpu(READ_ONCE(n->returns[vni_ring_at(&n->take)]));

		if (vni_omgr_take_back(&n->om, slot, SEAT))
			break;
		vni_ring_advance(&n->take, 1);
	}
	MUST(n->om.nfree - before == (u32)(i < 0 ? 0 : i));
	vni_ring_publish(&n->take);
}

/* What vni/conn.c does when a link comes up: the peer says which slots it still holds. */
static void relink(struct node *n, struct input *in)
{
	struct vni_held held = { n->peer_held, SLOTS };
	u32 most = next(in, 1) % SLOTS, before;

	vni_omgr_reclaim(&n->om, SEAT, held);
	check_books(n);
	/* the peer changes its word meanwhile */
	if (next(in, 1) & 1)
		*n->peer_held = cpu_to_le64((u64)next(in, 4) << 32 | next(in, 4));
	before = n->om.lent[SEAT];
	if (vni_omgr_adopt(&n->om, SEAT, held, most))
		MUST(n->om.lent[SEAT] == before + most);
	else
		MUST(n->om.lent[SEAT] <= before + most);
}

static void step(struct node *n, struct input *in)
{
	switch (next(in, 1) % 13) {
	case 0:
		WRITE_ONCE(n->peer_tx->index, cpu_to_le32(next_index(in, n->rx.mine)));
		break;
	case 1:
		WRITE_ONCE(n->peer_rx->index, cpu_to_le32(next_index(in, n->tx.theirs)));
		break;
	case 2:
		WRITE_ONCE(n->peer_give->index, cpu_to_le32(next_index(in, n->take.mine)));
		break;
	case 3:
		WRITE_ONCE(n->peer_tx->wake, cpu_to_le32(next(in, 4)));
		WRITE_ONCE(n->peer_rx->wake, cpu_to_le32(next_index(in, n->tx.mine)));
		break;
	case 4:
		peer_writes(n, in);
		break;
	case 5:
		peer_writes_header(n, in);
		break;
	case 6:
		n->returns[next(in, 1) % RETURNS] =
			cpu_to_le32(next(in, 1) & 1 ? next(in, 4) : next(in, 1) % SLOTS);
		break;
	case 7:
		receive(n, in);
		break;
	case 8:
		send(n, in);
		break;
	case 9:
		peer_writes_direct(n, in);
		break;
	case 10:
		*n->peer_held = cpu_to_le64((u64)next(in, 4) << 32 | next(in, 4));
		break;
	case 11:
		relink(n, in);
		break;
	default:
		take_back(n);
		break;
	}
}

static void start(struct node *n, u32 index)
{
	n->store = calloc(1, BYTES);
	n->returns = calloc(RETURNS, sizeof(*n->returns));
	n->peer_tx = calloc(1, sizeof(*n->peer_tx));
	n->peer_rx = calloc(1, sizeof(*n->peer_rx));
	n->peer_give = calloc(1, sizeof(*n->peer_give));
	n->peer_held = calloc(1, sizeof(*n->peer_held));
	MUST(n->store && n->returns && n->peer_tx && n->peer_rx && n->peer_give && n->peer_held);
	vni_ring_attach(&n->rx, &n->rx_end, n->peer_tx, LINES);
	vni_ring_attach(&n->tx, &n->tx_end, n->peer_rx, LINES);
	vni_ring_attach(&n->take, &n->take_end, n->peer_give, RETURNS);
	n->rx.mine = n->rx.published = n->rx.checked = n->rx.theirs = index;
	n->tx.mine = n->tx.published = n->tx.checked = n->tx.theirs = index;
	n->take.mine = n->take.published = n->take.checked = n->take.theirs = index;
	n->peer_tx->index = n->peer_rx->index = n->peer_give->index = cpu_to_le32(index);
	vni_omgr_init(&n->om, 0, SLOTS, n->free, n->holders, n->table);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, data + size };
	static struct node n;
	u32 i;

	memset(&n, 0, sizeof(n));
	start(&n, next(&in, 1) & 1 ? 0xffffffc0 : 0);
	for (i = 0; i < STEPS && in.at < in.end; i++) {
		step(&n, &in);
		check_books(&n);
	}
	vni_omgr_reclaim(&n.om, SEAT, (struct vni_held){});
	MUST(n.om.nfree == SLOTS && !n.om.lent[SEAT]);
	free(n.store);
	free(n.returns);
	free(n.peer_tx);
	free(n.peer_rx);
	free(n.peer_give);
	free(n.peer_held);
	return 0;
}
