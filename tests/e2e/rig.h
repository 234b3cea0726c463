/* rig.h -- the real program from outside: its process, a terminal of any edition, a question over HTTP.
 *
 * Nothing here is part of the program but the encoders of ingest/jt808. Every wait is for a condition, bounded by
 * RIG_WAIT_S; what does not come within it fails the test. Single-threaded. */
#ifndef ZAYTON_TESTS_RIG_H
#define ZAYTON_TESTS_RIG_H

#include <sys/types.h>

#include "ingest/jt808/jt808.h"

#define RIG_WAIT_S 60

/* --- programs --- */

struct run {
	int code;        /* exit status, or 128 + signal */
	char *out, *err; /* NUL-terminated */
};
/* Run `words` (NULL-terminated) to its end. `extra` (may be NULL) is added to the environment. */
struct run rig_run(const char *const *words, const char *const *extra);
void run_free(struct run *r);
/* zayton with these words. */
#define RIG_ZAYTON(...) rig_run((const char *const[]){E2E_ZAYTON, __VA_ARGS__, NULL}, NULL)

/* Begin `words`, whose output nobody reads, and go on when it has read `bytes` from files; it must still run then. */
pid_t rig_run_until_read(const char *const *words, unsigned long long bytes);
/* Signal and wait: the exit status, or 128 + signal. */
int rig_end(pid_t pid, int signal);

/* A folder of its own under the temporary folder, removed by rig_folder_remove. */
char *rig_folder(void);
void rig_folder_remove(char *folder);
/* FOLDER/NAME, and the same with this content; the caller's to free. */
char *rig_path(const char *folder, const char *name);
char *rig_file(const char *folder, const char *name, const char *text);
char *rig_file_of(const char *folder, const char *name, struct span content);

struct server {
	pid_t pid;
	int out; /* its standard output */
	int tcp, udp, http, jt809;
	bool tls;
};
/* `extra` (NULL-terminated, may be NULL): further words. Returns when the server said that it is ready. */
struct server server_start(const char *folder, const char *const *extra);
/* Signal and wait: the exit status, or 128 + signal. */
int server_stop(struct server *s, int signal);

/* --- HTTP --- */

struct answer {
	int code;
	char *head, *body; /* NUL-terminated */
};
struct answer http_ask(const struct server *s, const char *method, const char *body, const char *path_format, ...)
	__attribute__((format(printf, 4, 5)));
#define HTTP_GET_OF(s, ...) http_ask(s, "GET", NULL, __VA_ARGS__)
void answer_free(struct answer *a);
/* The value of a metric without labels, or with them as written; -1 when there is none. */
long long metric_of(const struct server *s, const char *name);
size_t text_count(const char *text, const char *part);

/* --- a terminal --- */

struct client {
	int fd;
	bool datagrams;
	enum jt808_edition edition;
	struct jt808_header like;
	char phone[JT808_PHONE_TEXT_MAX];
	char code[64];
	uint16_t serial;
	struct buf in;
};
struct client client_dial(const struct server *s, enum jt808_edition edition, const char *phone);
struct client client_dial_udp(const struct server *s, enum jt808_edition edition, const char *phone);
void client_close(struct client *c);
void client_write(struct client *c, struct span bytes);
/* The frames of a message onto the wire; returns the serial of the last. */
uint16_t client_send(struct client *c, uint16_t message_id, struct span body);
/* Next message from the server: false when the connection ended. `content` (JT808_FRAME_MAX bytes) holds it. */
bool client_next(struct client *c, uint8_t *content, struct jt808_header *out);
/* Read until the 0x8001 for `serial`; its result, -1 when the connection ended. Checks edition and phone of every
 * header on the way. */
int client_acked(struct client *c, uint16_t message_id, uint16_t serial);
/* 0x0100; the result of 0x8100 (the code is kept with 0), -1 at the end. */
int client_register(struct client *c, const char *plate);
/* 0x0102 with this code; the result. */
int client_auth(struct client *c, const char *code);
/* Register and authenticate, both successful. */
void client_log_in(struct client *c, const char *plate);

/* A 0x0200 body at `time_ms`, number `n` of a way, with items known and unknown. */
void body_make(int64_t time_ms, unsigned n, struct buf *out);
/* Send it and see it acknowledged with 0. */
void client_report(struct client *c, int64_t time_ms, unsigned n);

#endif
