/* link.h -- a ring of things that are in a list or not: the head is a link too, empty when it points to itself. */
#ifndef ZAYTON_INGEST_LINK_H
#define ZAYTON_INGEST_LINK_H

#include <stdbool.h>
#include <stddef.h>

struct link {
	struct link *next, *prev;
};

#define LINK_OWNER(l, type, member) ((type *)((char *)(l)-offsetof(type, member)))

static inline void link_init(struct link *l)
{
	l->next = l->prev = l;
}
static inline bool link_empty(const struct link *head)
{
	return head->next == head;
}
/* At the end of the ring; nothing when it is in a ring already. */
static inline void link_add(struct link *head, struct link *l)
{
	if (l->next != l)
		return;
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}
static inline void link_remove(struct link *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	link_init(l);
}
/* Move all of `from` to the end of `to`. */
static inline void link_move_all(struct link *to, struct link *from)
{
	while (!link_empty(from)) {
		struct link *l = from->next;
		link_remove(l);
		link_add(to, l);
	}
}

#endif
