/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A server for QEMU's ivshmem-doorbell devices: gives each client a number, the window, and the
 * eventfds by which the clients interrupt each other. QEMU's docs/specs/ivshmem-spec.txt has the
 * protocol. Each message is a number of 64 bits, little endian, with or without a file descriptor.
 */
#ifndef IVSHMEM_SERVER_H
#define IVSHMEM_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CLIENTS_MAX	64
#define VECTORS_MAX	64

struct options {
	const char *socket;
	const char *window;
	uint64_t size;		/* bytes */
	unsigned int vectors;	/* for each client */
	unsigned int clients;
	mode_t mode;		/* of socket and window */
	gid_t group;		/* of both; (gid_t)-1: as it comes */
	bool announce;		/* tell clients that another one has gone */
	bool keep;		/* leave the window's file behind */
	bool quiet;
};

/* Sets what the command line says; ends the program where that makes no sense. */
void options_parse(struct options *opt, int argc, char **argv);

/* A file descriptor that clients may have, or -1 after a message about why not. */
int window_open(const struct options *opt);
/* Removes the file, if this server has created it and is not told to keep it. */
void window_close(const struct options *opt);

/* A listening socket, or -1 after a message. */
int listen_open(const struct options *opt);
void listen_close(const struct options *opt);

/*
 * The number of a client, and the eventfds that interrupt it. They stay the same for every client
 * that has this number, one after the other; see seats.c.
 */
int seat_take(const struct options *opt, pid_t pid);
/* @silent: the client has ended the connection; else it may go on listening to its eventfds. */
void seat_leave(const struct options *opt, int id, bool silent);
bool seat_taken(int id);
/* Changes when an id's eventfds do. */
unsigned int seat_generation(int id);
int seat_eventfd(int id, unsigned int vector);
/* What to poll to learn that a client which was thrown out has ended, or -1. */
int seat_watch(int id);
void seat_watched(int id);

void client_accept(const struct options *opt, int listener, int window);
/* The client's socket, or -1, and whether it waits for room in it. */
int client_socket(int id, bool *waits);
/* Its socket can be read, has ended, or can be written to again. */
void client_ready(const struct options *opt, int id);
/* Sends to everybody what there is room for; whether somebody has to be tried again later. */
bool clients_tell(const struct options *opt);

/* Tells systemd (NOTIFY_SOCKET) how things are; nothing where nobody wants to know. */
void notify(const char *state);

void say(const struct options *opt, const char *format, ...) __attribute__((format(printf, 2, 3)));
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
