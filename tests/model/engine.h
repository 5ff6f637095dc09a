/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small explicit-state model checker that runs the project's own C code.
 *
 * The code under test is compiled with plat.h in the place of include/vni_plat.h, so every marked
 * access to shared memory comes here. An action of a thread is run again from its start for every
 * one of its accesses: the answers of earlier accesses come from a log, the next access is done,
 * and at the one after that the run is left. A state is therefore plain data, and all interleavings
 * and all values that a load may see can be tried.
 *
 * Memory is weak: a location is a list of messages, a thread has a view (how far it has seen of
 * each location), a load may return any message that its view does not exclude. Release attaches
 * the view to the message, acquire joins it, a full barrier joins it with a global one. This is
 * release-acquire with relaxed accesses and SC fences; it has store buffering, stale loads and
 * stores seen in another order, more than x86's TSO, and all that arm64 does but for stores that
 * overtake earlier loads. For those, payload loads can be deferred (m_load_late()).
 */
#ifndef VNI_MODEL_ENGINE_H
#define VNI_MODEL_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#define M_LOCS 10 /* shared locations */
#define M_MSGS 6 /* messages of one that somebody may still see; nobody lags more */
#define M_THREADS 4
#define M_LOG 40   /* accesses of one action */
#define M_USER 128 /* bytes of the model's own state */

enum m_order { M_RELAXED, M_ACQUIRE, M_RELEASE };
enum m_fence { M_FULL, M_READ, M_WRITE };

struct m_msg {
	uint32_t val;
	uint8_t view[M_LOCS];
};

struct m_thread {
	uint8_t view[M_LOCS]; /* newest message seen, by location */
	uint8_t acq[M_LOCS];  /* what a read barrier would join */
	uint8_t rel[M_LOCS];  /* what a write barrier attached to later stores */
	uint8_t action;	      /* running, 0: none */
	uint8_t nlog;
	uint8_t late_loc, late_min; /* a deferred load; late_loc 0: none, else location + 1 */
	uint8_t dead;		    /* its node crashed */
	uint32_t late_want;
	uint32_t fresh; /* a token that nobody has, for this action */
	uint32_t log[M_LOG];
	uint8_t token[M_LOG]; /* the logged value is a token, see m_loc.token */
};

struct m_state {
	uint32_t tokens; /* names in use: 1 to this */
	uint8_t len[M_LOCS];
	uint8_t sc[M_LOCS];
	struct m_msg msg[M_LOCS][M_MSGS];
	struct m_thread thread[M_THREADS];
	uint64_t user[M_USER / 8];
};

/* A shared location. Tokens are values that are only compared: they are renamed, 0 stays. */
struct m_loc {
	const char *name;
	void *at;
	bool token;
	uint32_t readers; /* threads that read it, a bit each */
};

struct m_model {
	const char *name;
	const struct m_loc *locs;
	unsigned int nlocs, nthreads, nenvs;
	const char *const *thread_names, *const *action_names, *const *env_names;
	bool sc; /* loads see the newest store only */
	void (*init)(struct m_state *st);
	/* a bit for each action that an idle thread may start */
	uint32_t (*actions)(const struct m_state *st, unsigned int thread);
	void (*run)(struct m_state *st, unsigned int thread, unsigned int action);
	/* one step of the world; false: not now */
	bool (*env)(struct m_state *st, unsigned int env);
	/* rename the model's own tokens through m_rename() */
	void (*canon)(struct m_state *st);
	/* nothing can move: is that how it should end? */
	bool (*at_rest)(const struct m_state *st);
	/* for the search for livelocks, or NULL */
	bool (*good)(const struct m_state *st);
	bool (*quiet)(const struct m_state *st);
	/* the barrier switched off, or NULL: the function and thread it stands in */
	const char *off_func;
	int off_thread;
	uint32_t fair; /* threads that go on for ever, for the search for livelocks */
	uint64_t max_states;
};

/* What happened in a move; see m_move(). */
struct m_event {
	int thread;	      /* -1: the world */
	bool finished;	      /* an action ended */
	unsigned int options; /* messages that the load could have returned */
};

/* Results of a search. */
struct m_result {
	uint64_t states, moves;
	const char *error; /* NULL: none; else what broke */
	bool cut;	   /* max_states was reached */
};

struct m_result m_check(const struct m_model *model, bool show_trace);

/* For the search. A move is a thread's next access, a deferred load, or a step outside. */
#define M_MOVE_LATE 0x40000000u
#define M_MOVE_ENV 0x80000000u
#define M_MOVE(thread, action, choice) ((thread) << 16 | (action) << 8 | (choice))

extern const struct m_model *m_model;
extern bool m_verbose;
extern const char *m_error;
bool m_move(struct m_state *st, uint32_t move, struct m_event *event);
void m_tidy(struct m_state *st);

/* For the code under test, through plat.h. */
uint64_t m_load(const void *at, uint64_t plain, enum m_order order, const char *func);
bool m_store(void *at, uint64_t val, enum m_order order, const char *func);
void m_fence(enum m_fence fence, const char *func);
void *m_memset(void *at, int c, unsigned long n);

/* For models, inside an action. */
void m_load_late(const void *at, uint32_t want);
uint32_t m_ghost(unsigned int what, uint32_t arg);
void m_fail(const char *why);
struct m_state *m_now(void);
unsigned int m_self(void);
uint32_t m_token(void);

/* A model supplies this: one atomic step on its own state; false: blocked, try again later. */
bool m_ghost_step(struct m_state *st, unsigned int thread, unsigned int what, uint32_t arg,
		  uint32_t *answer);

/* For env, ghost steps and canon. */
void m_put(struct m_state *st, unsigned int loc, uint32_t val);
void m_thread_kill(struct m_state *st, unsigned int thread);
void m_thread_start(struct m_state *st, unsigned int thread);
void m_view_join(struct m_state *st, unsigned int to, unsigned int from);
uint32_t m_rename(uint32_t token);

#endif /* VNI_MODEL_ENGINE_H */
