// SPDX-License-Identifier: GPL-2.0
/*
 * Model of the link between two nodes: what a node does. Its work runs window/links.c and
 * window/channels.c as they are; a sender on node 0 and a receiver on node 1 use it meanwhile.
 */
#include "links.h"

struct section window[2];
struct vni_window wins[2];
struct vni_channel chans[2];

/* The channel's memory, as vni_shm_channel_open() gets it; quiet.c has the rest of the kernel. */
void *kvzalloc(size_t size, int flags)
{
	struct vni_channel *chan = &chans[m_self()];

	*chan = (struct vni_channel){};
	WRITE_ONCE(chans[1].links[0].fault, m_self() == 1 ? NULL : chans[1].links[0].fault);
	return chan;
}

/* ---- the service on the link ---- */

/* Does the other say that it holds the slot? Then that is lent, whatever was known of it. */
static bool adopt(void)
{
	if (!READ_ONCE(window[1].held))
		return false;
	m_ghost(GHOST_ADOPT, 0);
	return true;
}

static void ops_reset(void *priv, unsigned int seat, const void *peer, u64 size, u32 version)
{
	m_ghost(GHOST_CLEAN, 0);
	if (m_self() != 0)
		return;
	WRITE_ONCE(window[0].index, 0);
	if (!lending || (peer && adopt()))
		return;
	/* what was lent is taken back, and the next frame to somebody else lands there */
	m_ghost(GHOST_WRITE, 0);
	WRITE_ONCE(window[0].slot, 0);
}

static int ops_up(void *priv, unsigned int seat, const void *peer, u64 size, u32 version,
		  const char **why)
{
	/* before anybody here may send: see conn_up() */
	if (lending && m_self() == 0)
		adopt();
	m_ghost(GHOST_UP, 0);
	return 0;
}

static void ops_down(void *priv, unsigned int seat)
{
	m_ghost(GHOST_UNLINK, 0);
	m_ghost(GHOST_SYNC, 0);
	/* a service that knows no loans may take its slots back as early as here */
	if (!lending && m_self() == 0)
		WRITE_ONCE(window[0].slot, 0);
	if (lending && m_self() == 1)
		WRITE_ONCE(window[1].held, cpu_to_le32(m_ghost(GHOST_KEPT, 0)));
}

static const struct vni_channel_ops ops = { .reset = ops_reset, .up = ops_up, .down = ops_down };

static void send(const struct vni_link *link)
{
	if (lending && m_ghost(GHOST_LENT, 0))
		return;
	if (lending)
		m_ghost(GHOST_WRITE, 1);
	WRITE_ONCE(window[0].slot, cpu_to_le32(link->session));
	virt_store_release(&window[0].index, cpu_to_le32(link->session));
}

static void receive(struct vni_channel *chan, bool *used)
{
	u32 ack = chan->links[0].ack;
	u32 head = le32_to_cpu(virt_load_acquire(&window[0].index));
	u32 slot;

	if (head != ack) {
		if (head || *used)
			vni_shm_channel_fault(chan, 0, "its head went back");
		return;
	}
	slot = le32_to_cpu(READ_ONCE(window[0].slot));
	*used = true;
	if (!vni_shm_channel_fresh(chan, 0))
		return;
	if (slot != ack)
		m_fail("a frame was taken for good that had been overwritten");
	if (lending)
		m_ghost(GHOST_KEEP, 0);
}

/* ---- the nodes ---- */

static void load(const struct node *me, unsigned int n)
{
	struct vni_window *win = &wins[n];
	struct vni_channel *chan = &chans[n];

	*chan = (struct vni_channel){
		.win = win,
		.service = VNI_SERVICE_ETH,
		.version = 1,
		.ops = &ops,
		.offset = offsetof(struct section, chan),
		.size = sizeof(struct section) - offsetof(struct section, chan),
		.base = &window[n].chan,
		.enabled = me->enabled,
	};
	chan->links[!n] = (struct vni_link){
		.state = me->state,
		.session = me->session,
		.ack = me->ack,
		.told = me->told,
		.peer = me->running ? &window[!n].chan : NULL,
	};
	win->channels[0] = me->open ? chan : NULL;
}

static void step(struct node *me, unsigned int n)
{
	wins[n].next_session = m_token() - 1;
	wins[n].peers[!n].state = m_ghost(GHOST_LOOK, 0) ? VNI_PEER_ALIVE : VNI_PEER_SILENT;
	vni_links_step(&wins[n]);
	me->enabled = chans[n].enabled;
}

static void open_channel(struct node *me, unsigned int n)
{
	struct vni_channel *chan;

	if (!me->booted) {
		/* vni_window_sit() clears the head of the section, with the directory */
		WRITE_ONCE(window[n].head.channels[0].service, 0);
		virt_wmb();
		me->booted = true;
	}
	m_ghost(GHOST_OPENED, 0);
	/* a receiver's new life knows nothing of what the former one held */
	if (lending && n == 1)
		WRITE_ONCE(window[1].held, 0);
	chan = vni_shm_channel_open(&wins[n], VNI_SERVICE_ETH, 1, sizeof(struct vni_chan) + 12,
				    sizeof(struct vni_chan), &ops, NULL);
	if (IS_ERR(chan))
		m_fail("the channel does not open");
	me->open = true;
}

/* The action is over: what it decided counts. Ghost steps wrote the rest meanwhile. */
static void commit(struct links *l, const struct node *me, unsigned int n)
{
	struct node *to = &l->node[n];

	to->session = me->session;
	to->ack = me->ack;
	to->state = me->state;
	to->told = me->told;
	to->booted = me->booted;
	to->open = me->open;
	to->enabled = me->enabled;
	if (chans[n].links[!n].faults)
		m_fail("an honest peer is accused");
}

static void work(struct m_state *st, struct node *me, unsigned int n, unsigned int action)
{
	struct vni_link *link = &chans[n].links[!n];

	load(me, n);
	if (action == OPEN)
		open_channel(me, n);
	if (action == ENABLE || action == OPEN)
		chans[n].enabled = true;
	if (action == DISABLE || action == CLOSE) {
		m_ghost(GHOST_SPEND, action);
		chans[n].enabled = false;
	}
	step(me, n);
	if (action == CLOSE) {
		/* who has waited for its programs to read for long enough holds nothing */
		m_ghost(GHOST_LOSE, 0);
		vni_shm_channel_close(&chans[n]);
		me->open = false;
	}
	me->state = me->open ? link->state : VNI_LINK_RESET;
	me->session = me->open ? link->session : 0;
	me->ack = me->open ? link->ack : 0;
	me->told = me->open && link->told;
	if (me->state == VNI_LINK_FAULT)
		m_fail("an honest peer is accused");
	commit(user(st), me, n);
}

void act(struct m_state *st, unsigned int thread, unsigned int action)
{
	unsigned int n = thread & 1;
	struct links *l = user(st);
	struct node me = l->node[n];

	if (action != USE) {
		work(st, &me, n, action);
		return;
	}
	load(&me, n);
	if (thread == SENDER) {
		send(&chans[0].links[1]);
		me.used = true;
	} else {
		receive(&chans[1], &me.used);
	}
	l->node[n].used = me.used;
}
