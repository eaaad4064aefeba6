/* SPDX-License-Identifier: BSD-3-Clause */
#include "neigh/neigh.h"

#include "pkt/arp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ETH_LEN 14
#define TAGGED_LEN 18
#define ASK_NS MCR_NS_PER_S          /* one request a second at most: RFC 1122 section 2.3.2.1 */
#define WATCH_NS (10 * MCR_NS_PER_S) /* between questions to one that answers */
#define TRIES 3
#define BUCKETS 1024 /* entries come from the configuration only: thousands, not millions */
#define MAX_PORTS 256
#define MAX_OWN 16

struct entry {
	struct mcr_neigh *n;
	struct entry *next; /* in its bucket */
	struct mcr_addr addr;
	struct mcr_mac mac;
	struct mcr_timer timer;
	enum mcr_neigh_state state;
	uint8_t port;
	uint8_t unanswered; /* requests in a row; 0 = the last one was answered */
	bool was_asked, was_answered;
	bool has_counted; /* while held: its one question was counted */
	uint64_t asked_ns, answered_ns;
	uint32_t wanted; /* how many want it; a static one may have none */
	uint32_t slot;   /* in n->entry */
	void *queue[MCR_NEIGH_QUEUE];
	uint32_t n_queued;
};

struct port {
	struct mcr_mac mac;
	struct mcr_addr own[MAX_OWN];
	uint8_t len[MAX_OWN]; /* of the network of own */
	uint32_t n_own;       /* 0: no such port */
};

struct mcr_neigh {
	struct mcr_timers *timers;
	const struct mcr_neigh_ops *ops;
	void *arg;
	struct port port[MAX_PORTS];
	struct entry *bucket[BUCKETS];
	/* All of them, for the listing. Walked from the end where a callback may remove some. */
	struct entry **entry;
	uint32_t n_entries, capacity;
	bool is_held;
	struct mcr_neigh_stat stat;
};

static struct entry *find(const struct mcr_neigh *n, uint8_t port, const struct mcr_addr *addr);
static struct entry *make(struct mcr_neigh *n, uint8_t port, const struct mcr_addr *addr);
static void drop_entry(struct entry *e);
static void ask(struct entry *e);
static void ask_soon(struct entry *e);
static void on_timer(struct mcr_timer *t, void *arg);
static void set_state(struct entry *e, enum mcr_neigh_state state, const struct mcr_mac *mac);
static void forget(struct entry *e);
static void learn(struct entry *e, const struct mcr_mac *mac);
static void flush(struct entry *e, const struct mcr_mac *mac);
static void answer(struct mcr_neigh *n, uint8_t port, const struct mcr_arp *request);

struct mcr_neigh *
mcr_neigh_create(struct mcr_timers *timers, const struct mcr_neigh_ops *ops, void *arg)
{
	struct mcr_neigh *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->timers = timers;
	n->ops = ops;
	n->arg = arg;
	return n;
}

void
mcr_neigh_free(struct mcr_neigh *n)
{
	if (n == NULL)
		return;
	while (n->n_entries > 0)
		drop_entry(n->entry[n->n_entries - 1]);
	free(n->entry);
	free(n);
}

static bool
is_own(const struct port *port, const struct mcr_addr *addr)
{
	for (uint32_t i = 0; i < port->n_own; i++)
		if (mcr_addr_eq(&port->own[i], addr))
			return true;
	return false;
}

int
mcr_neigh_set_port(struct mcr_neigh *n, uint8_t port, const struct mcr_mac *mac,
	const struct mcr_prefix *own, uint32_t n_own)
{
	struct port *p = &n->port[port];
	struct port now = {0};

	for (uint32_t i = 0; i < n_own; i++) {
		if (!mcr_addr_is_v4(&own[i].addr))
			continue;
		if (now.n_own == MAX_OWN)
			return -ENOSPC;
		now.own[now.n_own] = own[i].addr;
		now.len[now.n_own++] = own[i].len;
	}
	if (now.n_own > 0)
		now.mac = *mac;
	if (memcmp(&now, p, sizeof(now)) == 0)
		return 0;
	*p = now;

	for (uint32_t i = n->n_entries; i-- > 0;) {
		struct entry *e = i < n->n_entries ? n->entry[i] : NULL;

		if (e == NULL || e->port != port || e->state == MCR_NEIGH_STATIC)
			continue;
		if (p->n_own > 0) {
			ask_soon(e);
			continue;
		}
		/* Without a port nothing is known of it; with the next port it starts anew. */
		mcr_timer_cancel(n->timers, &e->timer);
		e->unanswered = 0;
		flush(e, NULL);
		set_state(e, MCR_NEIGH_PENDING, NULL);
	}
	return 0;
}

int
mcr_neigh_want(struct mcr_neigh *n, uint8_t port, const struct mcr_addr *addr)
{
	struct entry *e = find(n, port, addr);

	if (!mcr_addr_is_v4(addr))
		return -EAFNOSUPPORT;
	if (e == NULL)
		e = make(n, port, addr);
	if (e == NULL)
		return -ENOMEM;
	if (e->wanted++ == 0 && e->state != MCR_NEIGH_STATIC)
		ask_soon(e);
	return 0;
}

void
mcr_neigh_unwant(struct mcr_neigh *n, uint8_t port, const struct mcr_addr *addr)
{
	struct entry *e = find(n, port, addr);

	if (e == NULL || e->wanted == 0)
		return;
	e->wanted--;
	if (e->wanted == 0 && e->state != MCR_NEIGH_STATIC)
		drop_entry(e);
}

int
mcr_neigh_set_static(
	struct mcr_neigh *n, uint8_t port, const struct mcr_addr *addr, const struct mcr_mac *mac)
{
	struct entry *e = find(n, port, addr);

	if (mac == NULL) {
		if (e == NULL || e->state != MCR_NEIGH_STATIC)
			return 0;
		if (e->wanted == 0) {
			drop_entry(e);
			return 0;
		}
		forget(e);
		return 0;
	}
	if (!mcr_addr_is_v4(addr))
		return -EAFNOSUPPORT;
	if (e == NULL)
		e = make(n, port, addr);
	if (e == NULL)
		return -ENOMEM;
	mcr_timer_cancel(n->timers, &e->timer);
	flush(e, mac);
	set_state(e, MCR_NEIGH_STATIC, mac);
	return 0;
}

void
mcr_neigh_clear(struct mcr_neigh *n)
{
	for (uint32_t i = n->n_entries; i-- > 0;)
		if (i < n->n_entries && n->entry[i]->state != MCR_NEIGH_STATIC)
			forget(n->entry[i]);
}

void
mcr_neigh_hold(struct mcr_neigh *n, bool is_held)
{
	n->is_held = is_held;
	for (uint32_t i = 0; i < n->n_entries; i++)
		n->entry[i]->has_counted = false;
}

void
mcr_neigh_queue(struct mcr_neigh *n, uint8_t port, const struct mcr_addr *addr, void *packet)
{
	struct entry *e = find(n, port, addr);
	bool is_known = e != NULL && (e->state == MCR_NEIGH_UP || e->state == MCR_NEIGH_STATIC);

	if (e != NULL && e->state == MCR_NEIGH_PENDING && e->n_queued < MCR_NEIGH_QUEUE) {
		e->queue[e->n_queued++] = packet;
		return;
	}
	if (!is_known)
		n->stat.queue_drops++;
	n->ops->release(n->arg, port, packet, is_known ? &e->mac : NULL);
}

/* Request and reply alike with sender and target the same: somebody tells where he is now. */
static bool
is_gratuitous(const struct mcr_arp *a)
{
	return mcr_addr_eq(&a->sender, &a->target);
}

/*
 * What may change an entry: an answer to our question, a question to us, and a gratuitous message.
 * Nothing makes an entry (RFC 826 would, for a question to us): an attacker has no way to fill it.
 */
static bool
may_learn(const struct entry *e, const struct mcr_arp *a, bool is_for_us)
{
	if (e == NULL || e->state == MCR_NEIGH_STATIC)
		return false;
	if (is_gratuitous(a))
		return true;
	return is_for_us &&
	       (a->op == MCR_ARP_REQUEST || e->unanswered > 0 || e->state != MCR_NEIGH_UP);
}

void
mcr_neigh_input(
	struct mcr_neigh *n, uint8_t port, const uint8_t *frame, uint32_t len, uint32_t l2_len)
{
	static const struct mcr_mac no_mac;
	const struct port *p = &n->port[port];
	struct mcr_arp a;
	struct entry *e;
	bool is_for_us;

	/* Our addresses live outside all VLANs; a priority tag (VID 0) is none. */
	if (l2_len != ETH_LEN && (l2_len != TAGGED_LEN || len < TAGGED_LEN ||
					 (frame[14] & 0x0f) != 0 || frame[15] != 0)) {
		n->stat.ignored++;
		return;
	}
	if (len < l2_len || mcr_arp_parse(frame + l2_len, len - l2_len, &a) != 0 ||
		(a.sender_mac.b[0] & 1) != 0 ||
		memcmp(&a.sender_mac, &no_mac, sizeof(no_mac)) == 0) {
		n->stat.malformed++;
		return;
	}
	if (a.op == MCR_ARP_REQUEST)
		n->stat.requests_in++;
	else if (a.op == MCR_ARP_REPLY)
		n->stat.replies_in++;
	if (p->n_own == 0 || (a.op != MCR_ARP_REQUEST && a.op != MCR_ARP_REPLY)) {
		n->stat.ignored++;
		return;
	}

	if (is_own(p, &a.sender)) {
		/* Our own frames may come back from a loop; others that use our address are told.
		 */
		if (memcmp(&a.sender_mac, &p->mac, sizeof(p->mac)) != 0)
			n->stat.conflicts++;
		return;
	}
	is_for_us = is_own(p, &a.target);
	e = find(n, port, &a.sender);
	if (a.op == MCR_ARP_REQUEST && is_for_us)
		answer(n, port, &a);
	if (may_learn(e, &a, is_for_us))
		learn(e, &a.sender_mac);
	else if (a.op == MCR_ARP_REPLY || !is_for_us)
		n->stat.ignored++;
}

bool
mcr_neigh_find(const struct mcr_neigh *n, uint8_t port, const struct mcr_addr *addr,
	struct mcr_neigh_info *info)
{
	const struct entry *e = find(n, port, addr);
	uint32_t cursor = e != NULL ? e->slot : 0;

	return e != NULL && mcr_neigh_next(n, &cursor, info);
}

bool
mcr_neigh_next(const struct mcr_neigh *n, uint32_t *cursor, struct mcr_neigh_info *info)
{
	const struct entry *e;

	if (*cursor >= n->n_entries)
		return false;
	e = n->entry[(*cursor)++];
	*info = (struct mcr_neigh_info){
		.port = e->port,
		.addr = e->addr,
		.mac = e->mac,
		.state = e->state,
		.queued = e->n_queued,
		.wanted = e->wanted,
	};
	if (e->was_answered)
		info->age_s = (mcr_timers_now(n->timers) - e->answered_ns) / MCR_NS_PER_S;
	return true;
}

const struct mcr_neigh_stat *
mcr_neigh_stat(const struct mcr_neigh *n)
{
	return &n->stat;
}

static uint32_t
bucket_of(uint8_t port, const struct mcr_addr *addr)
{
	uint32_t hash = 2166136261u ^ port; /* FNV-1a */

	for (unsigned i = 0; i < sizeof(addr->b); i++)
		hash = (hash ^ addr->b[i]) * 16777619u;
	return (hash ^ hash >> 16) % BUCKETS;
}

static struct entry *
find(const struct mcr_neigh *n, uint8_t port, const struct mcr_addr *addr)
{
	struct entry *e = n->bucket[bucket_of(port, addr)];

	while (e != NULL && (e->port != port || !mcr_addr_eq(&e->addr, addr)))
		e = e->next;
	return e;
}

static struct entry *
make(struct mcr_neigh *n, uint8_t port, const struct mcr_addr *addr)
{
	struct entry **head = &n->bucket[bucket_of(port, addr)];
	struct entry *e;

	if (n->n_entries == n->capacity) {
		uint32_t capacity = n->capacity > 0 ? n->capacity * 2 : 16;
		struct entry **grown = realloc(n->entry, capacity * sizeof(struct entry *));

		if (grown == NULL)
			return NULL;
		n->entry = grown;
		n->capacity = capacity;
	}
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		return NULL;
	*e = (struct entry){
		.n = n, .next = *head, .addr = *addr, .port = port, .slot = n->n_entries};
	mcr_timer_init(&e->timer, on_timer, e);
	n->entry[n->n_entries++] = e;
	*head = e;
	return e;
}

static void
drop_entry(struct entry *e)
{
	struct mcr_neigh *n = e->n;
	struct entry **at = &n->bucket[bucket_of(e->port, &e->addr)];
	struct entry *last = n->entry[n->n_entries - 1];

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	last->slot = e->slot;
	n->entry[e->slot] = last;
	n->n_entries--;
	mcr_timer_cancel(n->timers, &e->timer);
	flush(e, NULL);
	free(e);
}

/* Of our addresses the one in the neighbour's network, else the first. */
static const struct mcr_addr *
source_for(const struct port *p, const struct mcr_addr *addr)
{
	for (uint32_t i = 0; i < p->n_own; i++) {
		struct mcr_prefix net = {.addr = p->own[i], .len = p->len[i]};

		if (mcr_prefix_covers(&net, addr))
			return &p->own[i];
	}
	return &p->own[0];
}

static void
set_timer(struct entry *e, uint64_t delay_ns)
{
	/*
	 * Out of memory leaves it as it is, unwatched, until the next message or command about it:
	 * better than to cut off a neighbour that answers.
	 */
	(void)mcr_timer_set_in(e->n->timers, &e->timer, delay_ns);
}

static void
ask(struct entry *e)
{
	static const struct mcr_mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	struct mcr_neigh *n = e->n;
	const struct port *p = &n->port[e->port];
	/* The first question to a known neighbour disturbs nobody else; it may have a new MAC,
	 * though. */
	bool is_poll = e->state == MCR_NEIGH_UP && e->unanswered == 0;
	struct mcr_arp a = {.op = MCR_ARP_REQUEST, .sender_mac = p->mac, .target = e->addr};
	uint8_t frame[MCR_ARP_FRAME_LEN];
	uint32_t len;

	if (p->n_own == 0)
		return;
	a.sender = *source_for(p, &e->addr);
	len = mcr_arp_write(frame, is_poll ? &e->mac : &broadcast, &a);
	e->asked_ns = mcr_timers_now(n->timers);
	e->was_asked = true;
	if (e->unanswered < UINT8_MAX && !(e->has_counted && e->unanswered > 0))
		e->unanswered++;
	e->has_counted = n->is_held;
	n->stat.requests_out++;
	set_timer(e, ASK_NS);
	n->ops->send(n->arg, e->port, frame, len);
}

/* At once, or when a second has gone by since the last question. */
static void
ask_soon(struct entry *e)
{
	uint64_t now = mcr_timers_now(e->n->timers);

	if (!e->was_asked || now - e->asked_ns >= ASK_NS)
		ask(e);
	else
		set_timer(e, e->asked_ns + ASK_NS - now);
}

static void
on_timer(struct mcr_timer *t, void *arg)
{
	struct entry *e = arg;
	bool is_silent = e->unanswered >= TRIES && !e->has_counted && e->state != MCR_NEIGH_DOWN;

	(void)t;
	ask(e);
	if (!is_silent)
		return;
	flush(e, NULL);
	set_state(e, MCR_NEIGH_DOWN, NULL);
}

/* True when whoever wants the entry should know. */
static bool
become(struct entry *e, enum mcr_neigh_state state, const struct mcr_mac *mac)
{
	static const struct mcr_mac none;
	bool is_same;

	if (mac == NULL)
		mac = &none;
	is_same = e->state == state && memcmp(&e->mac, mac, sizeof(*mac)) == 0;
	e->state = state;
	e->mac = *mac;
	return !is_same && e->wanted > 0;
}

/* The last thing that a function does with the entry: the callback may remove it. */
static void
tell(const struct entry *e)
{
	bool has_mac = e->state == MCR_NEIGH_UP || e->state == MCR_NEIGH_STATIC;
	struct mcr_addr addr = e->addr;
	struct mcr_mac mac = e->mac;

	e->n->ops->changed(e->n->arg, e->port, &addr, e->state, has_mac ? &mac : NULL);
}

static void
set_state(struct entry *e, enum mcr_neigh_state state, const struct mcr_mac *mac)
{
	if (become(e, state, mac))
		tell(e);
}

/* Start over as if it were wanted just now. */
static void
forget(struct entry *e)
{
	bool is_news = become(e, MCR_NEIGH_PENDING, NULL);

	e->unanswered = 0;
	e->was_answered = false;
	ask_soon(e);
	if (is_news)
		tell(e);
}

static void
learn(struct entry *e, const struct mcr_mac *mac)
{
	e->unanswered = 0;
	e->was_answered = true;
	e->answered_ns = mcr_timers_now(e->n->timers);
	set_timer(e, WATCH_NS);
	flush(e, mac);
	set_state(e, MCR_NEIGH_UP, mac);
}

static void
flush(struct entry *e, const struct mcr_mac *mac)
{
	struct mcr_neigh *n = e->n;
	uint32_t n_queued = e->n_queued;
	void *queue[MCR_NEIGH_QUEUE];

	memcpy(queue, e->queue, sizeof(queue));
	e->n_queued = 0;
	if (mac == NULL)
		n->stat.queue_drops += n_queued;
	for (uint32_t i = 0; i < n_queued; i++)
		n->ops->release(n->arg, e->port, queue[i], mac);
}

static void
answer(struct mcr_neigh *n, uint8_t port, const struct mcr_arp *request)
{
	struct mcr_arp a = {
		.op = MCR_ARP_REPLY,
		.sender_mac = n->port[port].mac,
		.target_mac = request->sender_mac,
		.sender = request->target,
		.target = request->sender,
	};
	uint8_t frame[MCR_ARP_FRAME_LEN];
	uint32_t len = mcr_arp_write(frame, &request->sender_mac, &a);

	n->stat.replies_out++;
	n->ops->send(n->arg, port, frame, len);
}
