/* receivers.h -- what stands at the other end: an HTTP receiver and a mail server on loopback, each a thread.
 *
 * Both take one connection at a time and answer as the test says; what came is kept in order. */
#ifndef ZAYTON_TESTS_RECEIVERS_H
#define ZAYTON_TESTS_RECEIVERS_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/core/bytes.h"

#define RECEIVED_MAX 4096

struct received {
	char id[64], signature[128];
	char *body;
	bool accepted;
};

struct receiver {
	uint16_t port;
	int fd;
	pthread_t thread;
	bool mail;
	atomic_bool stop;
	pthread_mutex_t lock;
	pthread_cond_t came;
	struct received all[RECEIVED_MAX];
	size_t count;
	/* HTTP status, or SMTP code of the recipient, of an answer; NULL: 200 or 250. Under the lock. 0: the
	 * connection is closed without an answer, after the body was read. */
	int (*judge)(const struct received *r, size_t count);
	/* Held open and silent as long as it is set. */
	atomic_bool silent;
};

void receiver_open(struct receiver *r, bool mail);
/* The same port again after receiver_close. */
void receiver_reopen(struct receiver *r);
void receiver_close(struct receiver *r);
void receiver_forget(struct receiver *r);
/* Until so many came, accepted ones alone when `accepted`. */
void receiver_await(struct receiver *r, size_t count, bool accepted);

#endif
