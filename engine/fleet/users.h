/* users.h -- accounts: who may log in with a password, as what, for whom.
 *
 *   family `user`   name   -> version 1 | flags 1 | changed 8 | number 4 | role | unit | scope
 *                             | log2 N 1 | r 1 | p 1 | salt 16 | hash 32            text = size 1, bytes
 *
 * All of them are in memory; a change is synced to the store, together with its row of the audit, before it returns.
 * Passwords are kept as scrypt hashes (RFC 7914) with the cost each was made with; one that was made with another cost
 * than the one in force is made again when its owner next logs in.
 *
 * Threads: any but an event loop; hashing takes some 0.2 s and USER_SCRYPT_BYTES of memory. */
#ifndef ZAYTON_FLEET_USERS_H
#define ZAYTON_FLEET_USERS_H

#include "engine/fleet/audit.h"

/* accounts of one store: a township with all its enterprises has some hundred */
#define USERS_MAX 4096
/* bytes of a password: length is what makes one strong (NIST SP 800-63B, 5.1.1.2, asks for 8 and more); the upper bound
 * keeps a request small */
#define USER_PASSWORD_MIN 10
#define USER_PASSWORD_MAX 256
#define USER_SALT_SIZE 16
#define USER_HASH_SIZE 32
/* N = 2^15, r = 8, p = 3: one of the settings of equal strength that OWASP's cheat sheet on password storage gives
 * (2023), the one with the least memory: 128 * N * r bytes */
#define USER_SCRYPT_LOG2_N 15
#define USER_SCRYPT_R 8
#define USER_SCRYPT_P 3
#define USER_SCRYPT_BYTES (UINT64_C(128) << USER_SCRYPT_LOG2_N << 3)

struct user_secret {
	uint8_t log2_n, r, p; /* all 0: no password, nobody can log in */
	uint8_t salt[USER_SALT_SIZE], hash[USER_HASH_SIZE];
};

struct user {
	struct principal who;
	bool disabled;
	int64_t changed_ms;
	uint32_t number; /* of changes: what was opened under another one is over */
	struct user_secret secret;
};

/* 1 to 63 bytes: letters, digits, '.', '_', '-', '@', and whatever is beyond ASCII. "local" is nobody's. */
bool user_name_is_good(const char *name);
/* STATUS_INVALID: too short, too long, or the account's own name. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status user_secret_make(const char *name, struct span password, struct user_secret *out);
/* Takes as long for a wrong one, and for an account without password. */
bool user_secret_fits(const struct user_secret *s, struct span password);
bool user_secret_is_old(const struct user_secret *s);

struct users;
/* STATUS_CORRUPT, STATUS_BAD_VERSION, STATUS_FULL, STATUS_NO_MEMORY, STATUS_IO. */
STATUS_CHECKED enum status users_open(struct store *s, struct users **out);
/* NULL is allowed. */
void users_close(struct users *u);
size_t users_count(struct users *u);
/* STATUS_NOT_FOUND. */
STATUS_CHECKED enum status users_get(struct users *u, const char *name, struct user *out);
/* By ascending name, behind `after` ("": all); up to `max`. Returns how many. */
size_t users_list(struct users *u, const char *after, struct user *out, size_t max);
/* Makes the account or replaces it; `user->number` and `changed_ms` are set here. `by` with `action` ("user-add", ...)
 * goes to the audit. STATUS_INVALID (name, or a text without end), STATUS_FULL, STATUS_IO, STATUS_NO_SPACE. */
STATUS_CHECKED enum status users_put(struct users *u, struct user *user, const struct principal *by, const char *action,
				     const char *address, int64_t now_ms);
/* The hash made anew, of the same password; the account's number stays. STATUS_CONFLICT: it changed meanwhile. */
STATUS_CHECKED enum status users_renew(struct users *u, const struct user *user, const struct user_secret *secret);

#endif
