/* mqtt_broker.h -- Debian's mosquitto as a child, a publisher, and a wire between a client and it that can be cut.
 *
 *   client ── wire (a thread; counts, keeps what goes up, cuts) ── mosquitto
 *
 * Start the broker before any store is opened: it is a child process. */
#ifndef ZAYTON_TESTS_MQTT_BROKER_H
#define ZAYTON_TESTS_MQTT_BROKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

struct broker {
	char dir[64];
	int port;
	bool tls;
	pid_t pid;
};
/* A folder of its own; with `tls` certificates are made there: ca.pem is what a client trusts. Returns when it
 * listens. */
void broker_start(struct broker *b, bool tls);
/* End it by `signal`, and begin it again with what it has on its disk. */
void broker_again(struct broker *b, int signal);
void broker_stop(struct broker *b);

/* Publish with QoS 1 and wait until the broker has it. */
struct mosquitto *publisher_open(const struct broker *b);
void publisher_say(struct mosquitto *p, const char *topic, const char *text);
void publisher_close(struct mosquitto *p);

struct wire {
	int listener, port, to_port;
	pthread_t thread;
	_Atomic bool stop;
	_Atomic long cut_down, cut_up; /* bytes of the next connections after which it is cut; -1: never */
	_Atomic unsigned connections, cuts, acknowledged; /* PUBACKs that went up */
};
void wire_start(struct wire *w, int to_port);
void wire_stop(struct wire *w);

#endif
