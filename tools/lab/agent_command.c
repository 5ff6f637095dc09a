// SPDX-License-Identifier: GPL-2.0
/* The commands that the host has asked for: processes, their pipes, their ends. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

#define MAX_ARGS 1024
#define KILL_GRACE_MS 2000 /* from SIGTERM to SIGKILL */

struct command {
	uint32_t id;
	pid_t pid; /* 0: reaped */
	int status;
	int fd[3];	     /* our ends of the pipes, -1 when closed */
	struct buffer input; /* not yet taken by the command */
	bool input_ends;
	uint32_t window[3]; /* bytes of output that we may still send */
	uint32_t timeout_ms;
	int64_t deadline_ms; /* 0: none */
	bool terminated;     /* SIGTERM was sent, SIGKILL is next */
	bool timed_out;
};

static struct command *commands[MAX_COMMANDS];
static int child_pipe[2]; /* wakes poll() when a child has ended */

static struct command *find_command(uint32_t id)
{
	for (int i = 0; i < MAX_COMMANDS; i++)
		if (commands[i] && commands[i]->id == id)
			return commands[i];
	return NULL;
}

static void free_command(struct command *c)
{
	for (int i = 0; i < MAX_COMMANDS; i++)
		if (commands[i] == c)
			commands[i] = NULL;
	for (int s = 0; s < 3; s++)
		close_fd(&c->fd[s]);
	free(c->input.data);
	free(c);
}

/* In the child: become the command. Only returns by exiting. */
static void become(char **argv, int pipes[3][2])
{
	setsid();
	dup2(pipes[0][0], 0);
	dup2(pipes[1][1], 1);
	dup2(pipes[2][1], 2);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	if (chdir("/"))
		_exit(126);
	execvp(argv[0], argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static void send_exit(uint32_t id, uint32_t kind, uint32_t value)
{
	uint32_t payload[2] = { kind, value };

	send_frame(FRAME_EXIT, 0, id, payload, sizeof(payload));
}

static void refuse(uint32_t id, const char *why)
{
	send_frame(FRAME_DATA, 2, id, why, (uint32_t)strlen(why));
	send_exit(id, EXIT_CODE, 126);
}

static bool open_pipes(int pipes[3][2])
{
	for (int s = 0; s < 3; s++) {
		if (pipe2(pipes[s], O_CLOEXEC) == 0)
			continue;
		while (s-- > 0) {
			close(pipes[s][0]);
			close(pipes[s][1]);
		}
		return false;
	}
	return true;
}

static void start_command(uint32_t id, uint32_t timeout_ms, char **argv)
{
	struct command *c = NULL;
	int pipes[3][2], slot;

	for (slot = 0; slot < MAX_COMMANDS && commands[slot]; slot++)
		;
	if (slot == MAX_COMMANDS || !open_pipes(pipes)) {
		refuse(id, "agent: too many commands at once\n");
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		exit(1);
	c->id = id;
	c->timeout_ms = timeout_ms;
	c->deadline_ms = timeout_ms ? now_ms() + timeout_ms : 0;
	for (int s = 0; s < 3; s++) {
		c->fd[s] = pipes[s][s == 0];
		c->window[s] = FRAME_WINDOW;
		fcntl(c->fd[s], F_SETFL, O_NONBLOCK);
	}
	c->pid = fork();
	if (c->pid == 0)
		become(argv, pipes);
	for (int s = 0; s < 3; s++)
		close(pipes[s][s != 0]);
	commands[slot] = c;
	if (c->pid < 0) {
		refuse(id, "agent: cannot fork\n");
		free_command(c);
	}
}

/* The payload of RUN: strings that each end with a NUL; port_in holds them until we return. */
void on_run(uint32_t id, char *payload, uint32_t len)
{
	char *argv[MAX_ARGS + 1], *end = payload + len, *at;
	unsigned long timeout;
	int argc = 0;

	if (find_command(id) || len < 4 || end[-1] != '\0') {
		refuse(id, "agent: malformed request\n");
		return;
	}
	timeout = strtoul(payload, NULL, 10);
	for (at = payload + strlen(payload) + 1; at < end; at += strlen(at) + 1) {
		if (argc == MAX_ARGS) {
			refuse(id, "agent: too many arguments\n");
			return;
		}
		argv[argc++] = at;
	}
	argv[argc] = NULL;
	if (argc == 0) {
		refuse(id, "agent: no command\n");
		return;
	}
	start_command(id, (uint32_t)timeout, argv);
}

static void terminate(struct command *c)
{
	if (!c->pid)
		return;
	kill(-c->pid, c->terminated ? SIGKILL : SIGTERM);
	c->terminated = true;
	c->deadline_ms = now_ms() + KILL_GRACE_MS;
}

void on_kill(uint32_t id)
{
	struct command *c = find_command(id);

	if (c)
		terminate(c);
}

/* The host has taken so many bytes of a stream. */
void on_ack(uint32_t id, uint8_t stream, uint32_t bytes)
{
	struct command *c = find_command(id);

	if (c && stream < 3)
		c->window[stream] += bytes;
}

void on_data(uint32_t id, const uint8_t *payload, uint32_t len)
{
	struct command *c = find_command(id);

	if (!c || c->fd[0] < 0) {
		if (len)
			send_ack(id, 0, len);
		return;
	}
	if (len)
		buffer_add(&c->input, payload, len);
	else
		c->input_ends = true;
	if (c->input_ends && !c->input.len)
		close_fd(&c->fd[0]);
}

/* A new session begins: end what the one before has left running. */
void cancel_commands(void)
{
	for (int i = 0; i < MAX_COMMANDS; i++) {
		if (!commands[i])
			continue;
		if (commands[i]->pid)
			kill(-commands[i]->pid, SIGKILL);
		free_command(commands[i]);
	}
}

static void write_input(struct command *c)
{
	ssize_t n = write(c->fd[0], c->input.data, c->input.len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) { /* it has closed its input: swallow the rest */
		n = (ssize_t)c->input.len;
		close_fd(&c->fd[0]);
	}
	send_ack(c->id, 0, (uint32_t)n);
	buffer_drop(&c->input, (size_t)n);
	if (c->input_ends && !c->input.len)
		close_fd(&c->fd[0]);
}

static void read_output(struct command *c, int stream)
{
	uint8_t chunk[FRAME_CHUNK];
	size_t room = c->window[stream] < sizeof(chunk) ? c->window[stream] : sizeof(chunk);
	ssize_t n = read(c->fd[stream], chunk, room);

	if (n > 0) {
		c->window[stream] -= (uint32_t)n;
		send_frame(FRAME_DATA, (uint8_t)stream, c->id, chunk, (uint32_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR) || (errno == EAGAIN && !c->pid)) {
		/*
		 * The end; or the command is gone and has been read to the last byte, and only a
		 * process that it left behind still holds the pipe.
		 */
		close_fd(&c->fd[stream]);
		send_frame(FRAME_DATA, (uint8_t)stream, c->id, NULL, 0);
	}
}

void reap(void)
{
	char drain[64];
	int status;
	pid_t pid;

	while (read(child_pipe[0], drain, sizeof(drain)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < MAX_COMMANDS; i++) {
			if (!commands[i] || commands[i]->pid != pid)
				continue;
			commands[i]->pid = 0;
			commands[i]->status = status;
			commands[i]->deadline_ms = 0;
		}
	}
}

/* Report commands that have ended and whose output has been sent; read what they left behind. */
void finish_commands(void)
{
	for (int i = 0; i < MAX_COMMANDS; i++) {
		struct command *c = commands[i];

		if (!c || c->pid)
			continue;
		for (int s = 1; s < 3; s++)
			while (c->fd[s] >= 0 && c->window[s] && port_has_room())
				read_output(c, s);
		if (c->fd[1] >= 0 || c->fd[2] >= 0)
			continue;
		if (c->timed_out)
			send_exit(c->id, EXIT_TIMEOUT, c->timeout_ms);
		else if (WIFSIGNALED(c->status))
			send_exit(c->id, EXIT_SIGNAL, (uint32_t)WTERMSIG(c->status));
		else
			send_exit(c->id, EXIT_CODE, (uint32_t)WEXITSTATUS(c->status));
		free_command(c);
	}
}

/* End commands whose time is up. Returns how many ms the next one has left, at most 60000. */
int64_t commands_deadline(void)
{
	int64_t now = now_ms(), next = 60000;

	for (int i = 0; i < MAX_COMMANDS; i++) {
		struct command *c = commands[i];

		if (!c || !c->pid || !c->deadline_ms)
			continue;
		if (now >= c->deadline_ms) {
			if (!c->terminated)
				c->timed_out = true;
			terminate(c);
		}
		if (c->deadline_ms - now < next)
			next = c->deadline_ms - now;
	}
	return next;
}

void watch_commands(struct pollfd *p, bool room)
{
	for (int i = 0; i < MAX_COMMANDS; i++) {
		for (int s = 0; s < 3; s++) {
			struct command *c = commands[i];
			short events = 0;

			if (c && c->fd[s] >= 0 && s == 0)
				events = c->input.len ? POLLOUT : 0;
			else if (c && c->fd[s] >= 0)
				events = room && c->window[s] ? POLLIN : 0;
			watch(&p[i * 3 + s], c ? c->fd[s] : -1, events);
		}
	}
}

void serve_commands(const struct pollfd *p)
{
	for (int i = 0; i < MAX_COMMANDS; i++) {
		for (int s = 0; s < 3; s++) {
			/* None is freed here: the slot still has the command that was watched. */
			if (!p[i * 3 + s].revents)
				continue;
			if (s == 0)
				write_input(commands[i]);
			else
				read_output(commands[i], s);
		}
	}
}

static void on_child(int sig)
{
	int saved = errno;

	(void)sig;
	if (write(child_pipe[1], "", 1) < 0) {
		/* The pipe is full: the loop will be woken anyway. */
	}
	errno = saved;
}

/* Returns the descriptor that becomes readable when there is something to reap(), or -1. */
int watch_children(void)
{
	struct sigaction on_chld = { .sa_handler = on_child, .sa_flags = SA_NOCLDSTOP };

	if (pipe2(child_pipe, O_CLOEXEC | O_NONBLOCK))
		return -1;
	sigaction(SIGCHLD, &on_chld, NULL);
	return child_pipe[0];
}
