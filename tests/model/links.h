/* SPDX-License-Identifier: GPL-2.0 */
/* Model of the link between two nodes: what the nodes (links_node.c) and the world share. */
#ifndef MODEL_LINKS_H
#define MODEL_LINKS_H

#include "window/window.h"

#include "report.h"

enum { WORK0, WORK1, SENDER, RECEIVER };
enum { STEP = 1, DISABLE, ENABLE, CLOSE, OPEN, USE };
enum {
	GHOST_LOOK,
	GHOST_CLEAN,
	GHOST_UP,
	GHOST_UNLINK,
	GHOST_SYNC,
	GHOST_OPENED,
	GHOST_SPEND,
	GHOST_LENT,
	GHOST_WRITE,
	GHOST_KEEP,
	GHOST_KEPT,
	GHOST_LOSE,
	GHOST_ADOPT
};
enum { CRASH0, CRASH1, BOOT0, BOOT1, DOUBT0, DOUBT1, TRUST0, TRUST1, READ };
enum { SERVICE0, SERVICE1, SESSION0, SESSION1, ACK0, ACK1, HEAD, SLOT, HELD, FAULT1 };

/* What the world may still do to the nodes. */
struct budget {
	u8 crashes, disables, reloads, doubts;
};

struct node {
	u32 session, ack;
	u32 up_session, up_ack; /* while running */
	u8 state;		/* enum vni_link_state */
	bool booted, open, enabled;
	bool alive;   /* what the other is taken for */
	bool looked;  /* what it was taken for when this action began */
	bool running; /* ops->up() was called and ops->down() was not */
	bool sync;    /* ops->down() waits for the end of running uses */
	bool used;    /* sender: something was sent; receiver: something came */
	bool told;    /* vni_link.told */
	bool lent;    /* sender: the slot is not free */
	bool keeps;   /* receiver: a program has what lies in the slot, and has not read it */
};

struct links {
	struct node node[2];
	struct budget left;
};

struct section {
	struct vni_section head;
	struct vni_chan chan;
	__le32 index; /* of a ring's end */
	__le32 slot;  /* a frame in the packet buffer: the session that it belongs to */
	__le32 held;  /* whether the other's slot is held here, as this node says */
	u8 pad[VNI_PAGE - sizeof(struct vni_chan) - 12];
};

extern bool lending; /* programs keep what came in */
extern struct section window[2];
extern struct vni_window wins[2];
extern struct vni_channel chans[2];

static inline struct links *user(struct m_state *st)
{
	_Static_assert(sizeof(struct links) <= M_USER, "the model's state fits");
	return (struct links *)st->user;
}

void act(struct m_state *st, unsigned int thread, unsigned int action);

#endif /* MODEL_LINKS_H */
