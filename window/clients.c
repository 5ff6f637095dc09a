// SPDX-License-Identifier: GPL-2.0
/* Clients and windows find each other here, in whatever order they come and go. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/export.h>
#include <linux/slab.h>

#include "window.h"

/* A client that took part in a window, and its pointer for it. */
struct binding {
	struct list_head entry;
	struct vni_shm_client *client;
	struct vni_window *win;
	void *priv;
};

static DEFINE_MUTEX(clients_lock);
static LIST_HEAD(clients);
static LIST_HEAD(windows);
static LIST_HEAD(bindings);

static int bind(struct vni_shm_client *client, struct vni_window *win)
{
	struct binding *b = kzalloc(sizeof(*b), GFP_KERNEL);

	if (!b)
		return -ENOMEM;
	b->client = client;
	b->win = win;
	b->priv = client->add(win);
	if (IS_ERR(b->priv)) {
		int ret = PTR_ERR(b->priv);

		pr_err("%s: %s could not start: %d\n", win->name, client->name, ret);
		kfree(b);
		return ret;
	}
	list_add(&b->entry, &bindings);
	return 0;
}

static void unbind(const struct vni_shm_client *client, const struct vni_window *win)
{
	struct binding *b, *next;

	list_for_each_entry_safe(b, next, &bindings, entry) {
		if ((client && b->client != client) || (win && b->win != win))
			continue;
		b->client->remove(b->win, b->priv);
		list_del(&b->entry);
		kfree(b);
	}
}

int vni_shm_client_register(struct vni_shm_client *client)
{
	struct vni_window *win;
	int ret = 0, one, good = 0;

	mutex_lock(&clients_lock);
	list_for_each_entry(win, &windows, entry) {
		one = bind(client, win);
		if (one && !ret)
			ret = one;
		good += !one;
	}
	if (good)
		ret = 0;
	if (!ret)
		list_add(&client->entry, &clients);
	mutex_unlock(&clients_lock);
	return ret;
}
EXPORT_SYMBOL_GPL(vni_shm_client_register);

void vni_shm_client_unregister(struct vni_shm_client *client)
{
	mutex_lock(&clients_lock);
	list_del(&client->entry);
	unbind(client, NULL);
	mutex_unlock(&clients_lock);
}
EXPORT_SYMBOL_GPL(vni_shm_client_unregister);

/**
 * vni_clients_have_window() - is there any window
 *
 * Context: process, may sleep.
 */
bool vni_clients_have_window(void)
{
	bool have;

	mutex_lock(&clients_lock);
	have = !list_empty(&windows);
	mutex_unlock(&clients_lock);
	return have;
}

/**
 * vni_clients_add_window() - tell the clients of a new window
 * @win: the window
 *
 * Context: process, may sleep.
 * Return: 0; a client that fails says so in the log and goes without.
 */
int vni_clients_add_window(struct vni_window *win)
{
	struct vni_shm_client *client;

	mutex_lock(&clients_lock);
	list_add(&win->entry, &windows);
	list_for_each_entry(client, &clients, entry)
		bind(client, win);
	mutex_unlock(&clients_lock);
	return 0;
}

/**
 * vni_clients_remove_window() - have the clients leave a window
 * @win: the window
 *
 * Context: process, may sleep.
 */
void vni_clients_remove_window(struct vni_window *win)
{
	mutex_lock(&clients_lock);
	list_del_init(&win->entry);
	unbind(NULL, win);
	mutex_unlock(&clients_lock);
}

/**
 * vni_clients_flush() - have what programs have read of a window that has gone freed, soon
 *
 * Context: process, may sleep.
 */
void vni_clients_flush(void)
{
	struct vni_shm_client *client;

	mutex_lock(&clients_lock);
	list_for_each_entry(client, &clients, entry)
		client->flush();
	mutex_unlock(&clients_lock);
}
