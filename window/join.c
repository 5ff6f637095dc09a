// SPDX-License-Identifier: GPL-2.0
/*
 * Taking a seat: how is the window laid out, may this node sit down, and how it gets up again.
 *
 * Nothing is written before the survey has found that nobody's memory would be hurt. A section
 * whose heartbeat moves is alive; others are left-overs of an earlier life and may be replaced.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/log2.h>
#include <linux/random.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "window.h"

/* A seat gets this much where nobody says otherwise. */
#define SECTION_DEFAULT SZ_16M

/* How long a heartbeat is waited for: more than two periods of ours. */
#define SURVEY_MS (VNI_PERIOD_MS * 5 / 2)

/* One place where a section may start, for one of the possible numbers of seats. */
struct place {
	u64 offset;
	unsigned int seats, seat;
	struct vni_ident ident;
	u64 heartbeat;
	bool joined, alive;
};

struct survey {
	struct place *places;
	unsigned int count;
	bool joined;
};

static u64 section_size(u64 window_size, unsigned int seats)
{
	return round_down(div_u64(window_size, seats), VNI_SECTION_ALIGN);
}

static unsigned int default_seats(u64 window_size)
{
	u64 fit = div_u64(window_size, SECTION_DEFAULT);

	if (fit < VNI_SEATS_MIN)
		return VNI_SEATS_MIN;
	return min_t(u64, rounddown_pow_of_two(fit), VNI_SEATS_MAX);
}

static void place_read(const struct vni_window *win, struct place *place)
{
	const struct vni_section *sec = (const struct vni_section *)(win->base + place->offset);

	/* E': pairs with E in vni_window_sit() */
	place->ident.magic = cpu_to_le64(le64_to_cpu(virt_load_acquire(&sec->ident.magic)));
	place->ident.version = READ_ONCE(sec->ident.version);
	place->ident.seat = READ_ONCE(sec->ident.seat);
	place->ident.window_size = READ_ONCE(sec->ident.window_size);
	place->ident.section_size = READ_ONCE(sec->ident.section_size);
	place->ident.seats = READ_ONCE(sec->ident.seats);
	place->ident.generation = READ_ONCE(sec->ident.generation);
	place->heartbeat = le64_to_cpu(READ_ONCE(sec->life.heartbeat));
	/* read while the seat was being taken: as if it were vacant still; pairs with E'' in sit */
	virt_rmb();
	if (READ_ONCE(sec->ident.magic) != place->ident.magic)
		place->ident.magic = 0;
	place->joined = place->ident.magic == cpu_to_le64(VNI_MAGIC) &&
			le32_to_cpu(READ_ONCE(sec->life.state)) == VNI_LIFE_JOINED;
}

/* Look at every place where a section of any layout may start. */
static int survey_read(const struct vni_window *win, struct survey *sv)
{
	unsigned int seats, seat;

	sv->places = kcalloc(2 * VNI_SEATS_MAX, sizeof(*sv->places), GFP_KERNEL);
	if (!sv->places)
		return -ENOMEM;
	for (seats = VNI_SEATS_MIN; seats <= VNI_SEATS_MAX; seats *= 2) {
		u64 step = section_size(win->size, seats);

		if (step < VNI_SECTION_MIN)
			break;
		for (seat = 0; seat < seats; seat++) {
			struct place *place = &sv->places[sv->count++];

			place->offset = seat * step;
			place->seats = seats;
			place->seat = seat;
			place_read(win, place);
			sv->joined |= place->joined;
		}
	}
	return 0;
}

/* Which of the sections that call themselves joined are alive. */
static void survey_listen(const struct vni_window *win, struct survey *sv)
{
	unsigned int i;

	if (!sv->joined)
		return;
	msleep(SURVEY_MS);
	for (i = 0; i < sv->count; i++) {
		struct place *place = &sv->places[i];
		u64 before = place->heartbeat;

		if (!place->joined)
			continue;
		place_read(win, place);
		place->alive = place->joined && place->heartbeat != before;
	}
}

/* A living section decides the layout, or tells why this node cannot join. */
static int survey_adopt(const struct vni_window *win, const struct survey *sv, unsigned int *seats)
{
	unsigned int i;

	for (i = 0; i < sv->count; i++) {
		const struct place *place = &sv->places[i];
		u32 version = le32_to_cpu(place->ident.version);
		u32 theirs = le32_to_cpu(place->ident.seats);
		u64 size = le64_to_cpu(place->ident.window_size);

		if (!place->alive)
			continue;
		if (version >> 16 != VNI_VERSION_MAJOR) {
			pr_err("%s: refused: a living node uses version %u.%u of the window, this module %u.%u; load modules of one version on all nodes\n",
			       win->name, version >> 16, version & 0xffff, VNI_VERSION_MAJOR,
			       VNI_VERSION_MINOR);
			return -EPROTO;
		}
		if (size != win->size) {
			pr_err("%s: refused: a living node sees a window of %llu bytes, this node one of %llu; give all nodes the same window=\n",
			       win->name, size, win->size);
			return -EPROTO;
		}
		/* the same bytes also stand where other numbers of seats would start a section */
		if (theirs != place->seats)
			continue;
		if (*seats && *seats != theirs) {
			pr_err("%s: refused: living node %u uses %u seats, this node was told %u; give seats=%u or leave it out\n",
			       win->name, place->seat, theirs, *seats, theirs);
			return -EPROTO;
		}
		*seats = theirs;
	}
	return 0;
}

static bool is_garbage(const struct place *place)
{
	return place->ident.magic && place->ident.magic != cpu_to_le64(VNI_MAGIC);
}

/* Clear the starts of all sections: the owner of the machine says that nothing there counts. */
static int survey_format(struct vni_window *win, const struct survey *sv)
{
	unsigned int i;

	for (i = 0; i < sv->count; i++) {
		if (sv->places[i].alive) {
			pr_err("%s: not formatted: node %u is alive in it; load without format=1\n",
			       win->name, le32_to_cpu(sv->places[i].ident.seat));
			return -EBUSY;
		}
	}
	for (i = 0; i < sv->count; i++)
		memset(win->base + sv->places[i].offset, 0, VNI_PAGE);
	pr_info("%s: formatted\n", win->name);
	return 0;
}

static int survey_seat(const struct vni_window *win, const struct survey *sv)
{
	unsigned int i, garbage = 0;
	const struct place *own = NULL;
	u64 sample = 0;

	for (i = 0; i < sv->count; i++) {
		const struct place *place = &sv->places[i];

		if (place->seats != win->seats)
			continue;
		if (place->seat == win->seat)
			own = place;
		if (!is_garbage(place))
			continue;
		garbage++;
		if (!sample || place->seat == win->seat)
			sample = le64_to_cpu(place->ident.magic);
	}
	if (own->alive) {
		pr_err("%s: refused: seat %u is taken by a living node; give this node another node= (below %u)\n",
		       win->name, win->seat, win->seats);
		return -EBUSY;
	}
	if (garbage == win->seats || is_garbage(own)) {
		pr_err("%s: refused: expected zeros or a VNI section at seat %u, found 0x%016llx in %u of %u seats: check window=; if it is right and nothing else uses that memory, load with format=1\n",
		       win->name, win->seat, sample, garbage, win->seats);
		return -EUCLEAN;
	}
	return 0;
}

/* Where no seat was given: choose one, in competition with others that do so now. */
static int survey_claim(struct vni_window *win, const struct survey *sv,
			const struct vni_claimant *claimant)
{
	struct vni_seat_seen *seen = kcalloc(win->seats, sizeof(*seen), GFP_KERNEL);
	unsigned int i;
	int ret;

	if (!seen)
		return -ENOMEM;
	for (i = 0; i < sv->count; i++) {
		const struct place *place = &sv->places[i];

		if (place->seats != win->seats)
			continue;
		seen[place->seat] = (struct vni_seat_seen){
			.garbage = !win->format && is_garbage(place),
			.joined = !win->format && place->joined,
			.alive = place->alive,
			.heartbeat = place->heartbeat,
		};
		if (!win->format && place->ident.magic == cpu_to_le64(VNI_MAGIC))
			seen[place->seat].generation = le32_to_cpu(place->ident.generation);
	}
	ret = vni_window_claim(win, claimant, seen);
	kfree(seen);
	return ret;
}

/**
 * vni_window_survey() - learn the layout of the window and whether this node may sit down
 * @win: base, size, seat and format are set; seats, section_size and generation are set here
 * @seats: as given by a person, 0: any
 * @claimant: how to choose the seat if it is VNI_SEAT_ANY, or NULL; a claim that stands is ended
 *	with vni_window_claim_end()
 *
 * Context: process; sleeps for a few heartbeats where others are at the window.
 * Return: 0, or an error whose reason was logged; nothing of a section was written then.
 */
int vni_window_survey(struct vni_window *win, unsigned int seats,
		      const struct vni_claimant *claimant)
{
	struct survey sv = {};
	int ret;

	if (seats && (!is_power_of_2(seats) || seats < VNI_SEATS_MIN || seats > VNI_SEATS_MAX)) {
		pr_err("%s: refused: seats=%u; expected a power of two from %u to %u\n", win->name,
		       seats, VNI_SEATS_MIN, VNI_SEATS_MAX);
		return -EINVAL;
	}
	ret = survey_read(win, &sv);
	if (ret)
		return ret;
	survey_listen(win, &sv);
	ret = survey_adopt(win, &sv, &seats);
	if (ret)
		goto out;
	win->seats = seats ?: default_seats(win->size);
	win->section_size = section_size(win->size, win->seats);
	if (win->section_size < VNI_SECTION_MIN) {
		pr_err("%s: refused: %llu bytes for %u seats; expected at least %u a seat: give a larger window or fewer seats=\n",
		       win->name, win->size, win->seats, VNI_SECTION_MIN);
		ret = -EINVAL;
	} else if (win->seat != VNI_SEAT_ANY && win->seat >= win->seats) {
		pr_err("%s: refused: node=%u in a window of %u seats; expected a node below that, or more seats=\n",
		       win->name, win->seat, win->seats);
		ret = -EINVAL;
	} else if (win->format) {
		ret = survey_format(win, &sv);
	} else if (win->seat != VNI_SEAT_ANY) {
		ret = survey_seat(win, &sv);
	}
	if (!ret && claimant)
		ret = survey_claim(win, &sv, claimant);
out:
	kfree(sv.places);
	return ret;
}

/**
 * vni_window_sit() - take the seat: from here on the others can see this node
 * @win: after a successful vni_window_survey()
 *
 * Context: process.
 */
void vni_window_sit(struct vni_window *win)
{
	struct vni_section *own = vni_window_own(win);
	u32 before = 0;

	if (own->ident.magic == cpu_to_le64(VNI_MAGIC))
		before = le32_to_cpu(own->ident.generation);
	win->generation = before + 1 ?: 1;
	win->next_session = get_random_u32();

	WRITE_ONCE(own->ident.magic, 0);
	/* E'': the old magic is gone before the contents; pairs with the second look at it */
	virt_wmb();
	memset((u8 *)own + sizeof(own->ident.magic), 0, sizeof(*own) - sizeof(own->ident.magic));
	own->ident.version = cpu_to_le32(VNI_VERSION);
	own->ident.seat = cpu_to_le32(win->seat);
	own->ident.window_size = cpu_to_le64(win->size);
	own->ident.section_size = cpu_to_le64(win->section_size);
	own->ident.seats = cpu_to_le32(win->seats);
	own->ident.generation = cpu_to_le32(win->generation);
	own->life.period_ms = cpu_to_le32(VNI_PERIOD_MS);
	own->life.heartbeat = cpu_to_le64(1);
	own->life.state = cpu_to_le32(VNI_LIFE_JOINED);
	vni_window_show_bells(win);
	/*
	 * E: all of the section before its magic; pairs with E' in vni_peers_look(), place_read()
	 */
	virt_store_release(&own->ident.magic, cpu_to_le64(VNI_MAGIC));
}

/**
 * vni_window_leave() - get up in good order
 * @win: the channels are closed
 *
 * Context: process.
 */
void vni_window_leave(struct vni_window *win)
{
	if (!win->lost)
		WRITE_ONCE(vni_window_own(win)->life.state, cpu_to_le32(VNI_LIFE_LEFT));
}
