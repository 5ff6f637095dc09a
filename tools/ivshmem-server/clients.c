// SPDX-License-Identifier: GPL-2.0
/*
 * The clients, and what each has been told.
 *
 * There is no queue. What a client has to hear next is the difference between what it has been told
 * and what is so; it is worked out whenever its socket has room. A client that never reads costs
 * neither memory nor time, and one that reads late hears how things are by then.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"

#define PROTOCOL_VERSION	0
/*
 * Room in a client's socket for a few messages. What lies there holds references to eventfds, of
 * which a user may have only so many under way.
 */
#define SOCKET_ROOM		4608

enum step { STEP_VERSION, STEP_ID, STEP_WINDOW, STEP_PEERS };

static struct client {
	bool there;
	bool waits;		/* for room in its socket */
	int socket;
	int window;
	enum step step;
	/* Of each peer: which eventfds it knows (0: none), and how many of them. */
	unsigned int known[CLIENTS_MAX];
	unsigned int vectors[CLIENTS_MAX];
	/* The rest of a message that did not fit in one piece. */
	unsigned char rest[sizeof(int64_t)];
	size_t left;
} clients[CLIENTS_MAX];

static bool someone_refused;

static void drop(const struct options *opt, int id, bool silent, const char *why)
{
	struct client *client = &clients[id];

	if (silent)
		say(opt, "client %d has gone: %s", id, why);
	else
		complain("client %d is thrown out: %s", id, why);
	close(client->socket);
	client->there = false;
	someone_refused = false;
	seat_leave(opt, id, silent);
}

/* What a client must hear about a peer; false: it knows. */
static bool next_about(const struct options *opt, struct client *client, int peer, int64_t *message,
		       int *fd)
{
	unsigned int now = seat_generation(peer);

	if (client->known[peer] && client->known[peer] != now) {
		client->known[peer] = 0;
		client->vectors[peer] = 0;
		*message = peer;
		*fd = -1;
		return true;
	}
	if (!seat_taken(peer) && !client->known[peer])
		return false;
	if (client->vectors[peer] == opt->vectors)
		return false;
	client->known[peer] = now;
	*message = peer;
	*fd = seat_eventfd(peer, client->vectors[peer]++);
	return true;
}

/* The next message for a client; false: it knows everything. Its own eventfds come last. */
static bool next(const struct options *opt, int id, int64_t *message, int *fd)
{
	struct client *client = &clients[id];

	*fd = -1;
	switch (client->step) {
	case STEP_VERSION:
		*message = PROTOCOL_VERSION;
		client->step = STEP_ID;
		return true;
	case STEP_ID:
		*message = id;
		client->step = STEP_WINDOW;
		return true;
	case STEP_WINDOW:
		*message = -1;
		*fd = client->window;
		client->step = STEP_PEERS;
		return true;
	case STEP_PEERS:
		break;
	}
	for (unsigned int peer = 0; peer < opt->clients; peer++)
		if ((int)peer != id && next_about(opt, client, (int)peer, message, fd))
			return true;
	return next_about(opt, client, id, message, fd);
}

/* How many bytes went, as send(). */
static ssize_t post(int socket, const void *bytes, size_t size, int fd)
{
	struct iovec piece = { .iov_base = (void *)bytes, .iov_len = size };
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr head = { .msg_iov = &piece, .msg_iovlen = 1 };
	struct cmsghdr *extra;

	if (fd >= 0) {
		head.msg_control = &control;
		head.msg_controllen = sizeof(control);
		extra = CMSG_FIRSTHDR(&head);
		extra->cmsg_level = SOL_SOCKET;
		extra->cmsg_type = SCM_RIGHTS;
		extra->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(extra), &fd, sizeof(int));
	}
	return sendmsg(socket, &head, MSG_DONTWAIT | MSG_NOSIGNAL);
}

enum outcome { SENT, FULL, LATER, FAILED };

static enum outcome outcome(ssize_t sent)
{
	if (sent >= 0)
		return SENT;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return FULL;
	/* Too many descriptors under way, or no memory: both pass. */
	if (errno == ETOOMANYREFS || errno == ENOBUFS || errno == ENOMEM || errno == EINTR)
		return LATER;
	return FAILED;
}

static enum outcome send_rest(struct client *client)
{
	ssize_t sent = post(client->socket, client->rest + sizeof(client->rest) - client->left,
			    client->left, -1);

	if (sent > 0)
		client->left -= (size_t)sent;
	return outcome(sent);
}

static enum outcome send_next(const struct options *opt, int id, bool *done)
{
	struct client *client = &clients[id];
	struct client before = *client;
	int64_t message;
	ssize_t sent;
	int fd;

	*done = !next(opt, id, &message, &fd);
	if (*done)
		return SENT;
	message = (int64_t)htole64((uint64_t)message);
	memcpy(client->rest, &message, sizeof(message));
	sent = post(client->socket, &message, sizeof(message), fd);
	if (sent < 0) {
		enum outcome result = outcome(sent);

		*client = before;	/* it has not been told after all */
		return result;
	}
	client->left = sizeof(message) - (size_t)sent;
	return SENT;
}

/* Whether the client has to be tried again without anything having happened to its socket. */
static bool tell(const struct options *opt, int id)
{
	struct client *client = &clients[id];
	enum outcome result = SENT;
	bool done = false;

	client->waits = false;
	/* Ends: the socket has little room, and a client knows everything sooner or later. */
	while (result == SENT && !done)
		result = client->left ? send_rest(client) : send_next(opt, id, &done);
	client->waits = result == FULL;
	if (result == FAILED)
		drop(opt, id, true, strerror(errno));
	return result == LATER;
}

bool clients_tell(const struct options *opt)
{
	bool again = false;

	for (unsigned int id = 0; id < opt->clients; id++)
		if (clients[id].there && !clients[id].waits && tell(opt, (int)id))
			again = true;
	return again;
}

void client_accept(const struct options *opt, int listener, int window)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int room = SOCKET_ROOM;
	struct ucred who = { .pid = -1 };
	socklen_t size = sizeof(who);
	int id;

	if (fd < 0) {
		if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
			complain("accept: %s", strerror(errno));
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)))
		complain("a client's socket: %s", strerror(errno));
	id = seat_take(opt, who.pid);
	if (id < 0) {
		if (!someone_refused)
			complain("process %d is refused: all %u numbers are in use", who.pid,
				 opt->clients);
		someone_refused = true;
		close(fd);
		return;
	}
	clients[id] = (struct client){ .there = true, .socket = fd, .window = window };
	say(opt, "client %d is process %d", id, who.pid);
}

int client_socket(int id, bool *waits)
{
	*waits = clients[id].waits;
	return clients[id].there ? clients[id].socket : -1;
}

void client_ready(const struct options *opt, int id)
{
	char byte;
	ssize_t got = recv(clients[id].socket, &byte, sizeof(byte), MSG_DONTWAIT);

	clients[id].waits = false;
	if (got > 0)
		drop(opt, id, false, "it has sent something, which clients never do");
	else if (!got)
		drop(opt, id, true, "it has ended the connection");
	else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
		drop(opt, id, true, strerror(errno));
}
