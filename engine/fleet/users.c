#include "engine/fleet/users.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "engine/core/log.h"

#define VERSION 1
#define FLAG_DISABLED 1
#define ROW_MAX 512

struct users {
	struct store *store;
	pthread_mutex_t lock; /* of the two below, and of writing */
	struct user *all;     /* by name */
	size_t count;
};

/* --- secrets --- */

bool user_name_is_good(const char *name)
{
	size_t size = strlen(name);
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)name[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;
		if (!letter && !strchr("._-@", c))
			return false;
	}
	return size && size < sizeof((struct principal *)0)->name && strcmp(name, principal_local.name) != 0;
}

static bool derive(const struct user_secret *s, struct span password, uint8_t out[USER_HASH_SIZE])
{
	return EVP_PBE_scrypt((const char *)password.data, password.size, s->salt, sizeof s->salt,
			      UINT64_C(1) << s->log2_n, s->r, s->p, 2 * USER_SCRYPT_BYTES, out, USER_HASH_SIZE) == 1;
}

enum status user_secret_make(const char *name, struct span password, struct user_secret *out)
{
	if (password.size < USER_PASSWORD_MIN || password.size > USER_PASSWORD_MAX ||
	    span_equal(password, span_of_string(name)))
		return STATUS_INVALID;
	*out = (struct user_secret){USER_SCRYPT_LOG2_N, USER_SCRYPT_R, USER_SCRYPT_P, {0}, {0}};
	if (getrandom(out->salt, sizeof out->salt, 0) != sizeof out->salt)
		return STATUS_IO;
	return derive(out, password, out->hash) ? STATUS_OK : STATUS_NO_MEMORY;
}

bool user_secret_fits(const struct user_secret *s, struct span password)
{
	struct user_secret nobody = {USER_SCRYPT_LOG2_N, USER_SCRYPT_R, USER_SCRYPT_P, {0}, {0}};
	uint8_t hash[USER_HASH_SIZE] = {0};
	bool has_one = s->log2_n != 0;
	bool derived = password.size <= USER_PASSWORD_MAX && derive(has_one ? s : &nobody, password, hash);
	return !CRYPTO_memcmp(hash, s->hash, sizeof hash) && has_one && derived;
}

bool user_secret_is_old(const struct user_secret *s)
{
	return s->log2_n && (s->log2_n != USER_SCRYPT_LOG2_N || s->r != USER_SCRYPT_R || s->p != USER_SCRYPT_P);
}

/* --- rows --- */

static enum status put_text(struct buf *out, const char *text, size_t room)
{
	size_t size = strnlen(text, room);
	enum status status = size == room ? STATUS_INVALID : buf_append_u8(out, (uint8_t)size);
	return status ? status : buf_append(out, text, size);
}

static enum status encode(const struct user *user, struct buf *out)
{
	const struct user_secret *s = &user->secret;
	const uint8_t cost[] = {s->log2_n, s->r, s->p};
	enum status status = buf_append_u8(out, VERSION);
	if (!status)
		status = buf_append_u8(out, user->disabled ? FLAG_DISABLED : 0);
	if (!status)
		status = buf_append_be64(out, (uint64_t)user->changed_ms);
	if (!status)
		status = buf_append_be32(out, user->number);
	if (!status)
		status = put_text(out, user->who.role, sizeof user->who.role);
	if (!status)
		status = put_text(out, user->who.unit, sizeof user->who.unit);
	if (!status)
		status = put_text(out, user->who.scope, sizeof user->who.scope);
	if (!status)
		status = buf_append(out, cost, sizeof cost);
	if (!status)
		status = buf_append(out, s->salt, sizeof s->salt);
	return status ? status : buf_append(out, s->hash, sizeof s->hash);
}

static void take_bytes(struct cursor *c, size_t size, uint8_t *out)
{
	struct span bytes = cursor_take(c, size);
	if (!c->failed)
		memcpy(out, bytes.data, size);
}

static void take_text(struct cursor *c, char *out, size_t room)
{
	uint8_t size = cursor_u8(c);
	c->failed |= size >= room;
	if (!c->failed)
		take_bytes(c, size, (uint8_t *)out);
}

static enum status decode(struct span key, struct span value, struct user *out)
{
	struct cursor c = cursor_of(value);
	*out = (struct user){0};
	if (!key.size || key.size >= sizeof out->who.name)
		return STATUS_CORRUPT;
	memcpy(out->who.name, key.data, key.size);
	if (cursor_u8(&c) != VERSION)
		return STATUS_BAD_VERSION;
	out->disabled = cursor_u8(&c) & FLAG_DISABLED;
	out->changed_ms = (int64_t)cursor_be64(&c);
	out->number = cursor_be32(&c);
	take_text(&c, out->who.role, sizeof out->who.role);
	take_text(&c, out->who.unit, sizeof out->who.unit);
	take_text(&c, out->who.scope, sizeof out->who.scope);
	out->secret.log2_n = cursor_u8(&c);
	out->secret.r = cursor_u8(&c);
	out->secret.p = cursor_u8(&c);
	take_bytes(&c, sizeof out->secret.salt, out->secret.salt);
	take_bytes(&c, sizeof out->secret.hash, out->secret.hash);
	return c.failed || cursor_left(&c) || out->secret.log2_n > 20 ? STATUS_CORRUPT : STATUS_OK;
}

/* --- life --- */

static enum status load_row(void *context, struct span key, struct span value)
{
	struct users *u = context;
	if (u->count == USERS_MAX)
		return STATUS_FULL;
	enum status status = decode(key, value, &u->all[u->count]);
	if (status)
		log_error("users", "account %.*s cannot be read: %s", (int)key.size, (const char *)key.data,
			  status_text(status));
	else
		u->count++;
	return status;
}

enum status users_open(struct store *s, struct users **out)
{
	struct users *u = calloc(1, sizeof *u);
	if (!u)
		return STATUS_NO_MEMORY;
	u->store = s;
	pthread_mutex_init(&u->lock, NULL);
	u->all = calloc(USERS_MAX, sizeof *u->all);
	enum status status = u->all ? store_scan(s, STORE_USER, span_of(NULL, 0), load_row, u) : STATUS_NO_MEMORY;
	if (status)
		users_close(u);
	else
		*out = u;
	return status;
}

void users_close(struct users *u)
{
	if (!u)
		return;
	pthread_mutex_destroy(&u->lock);
	free(u->all);
	free(u);
}

/* Where `name` is, or would be. */
static size_t place_of(const struct users *u, const char *name, bool *found)
{
	size_t low = 0, high = u->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (strcmp(u->all[middle].who.name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*found = low < u->count && !strcmp(u->all[low].who.name, name);
	return low;
}

size_t users_count(struct users *u)
{
	pthread_mutex_lock(&u->lock);
	size_t count = u->count;
	pthread_mutex_unlock(&u->lock);
	return count;
}

enum status users_get(struct users *u, const char *name, struct user *out)
{
	bool found;
	pthread_mutex_lock(&u->lock);
	size_t at = place_of(u, name, &found);
	if (found)
		*out = u->all[at];
	pthread_mutex_unlock(&u->lock);
	return found ? STATUS_OK : STATUS_NOT_FOUND;
}

size_t users_list(struct users *u, const char *after, struct user *out, size_t max)
{
	bool found;
	size_t n = 0;
	pthread_mutex_lock(&u->lock);
	for (size_t at = place_of(u, after, &found) + found; at < u->count && n < max; at++)
		out[n++] = u->all[at];
	pthread_mutex_unlock(&u->lock);
	return n;
}

/* Under the lock: the row, and what goes with it, then the table. */
static enum status commit(struct users *u, const struct user *user, const struct audit_entry *entry)
{
	bool found;
	struct buf row = buf_init(ROW_MAX);
	struct store_batch *batch = NULL;
	size_t at = place_of(u, user->who.name, &found);
	enum status status = found || u->count < USERS_MAX ? encode(user, &row) : STATUS_FULL;
	if (!status)
		status = store_batch_new(u->store, &batch);
	if (!status && entry)
		status = audit_put(batch, entry);
	if (!status) {
		store_batch_put(batch, STORE_USER, span_of_string(user->who.name), buf_view(&row));
		status = store_commit(u->store, batch, true);
	}
	if (!status && !found) {
		memmove(&u->all[at + 1], &u->all[at], (u->count - at) * sizeof *u->all);
		u->count++;
	}
	if (!status)
		u->all[at] = *user;
	store_batch_free(batch);
	buf_deinit(&row);
	return status;
}

enum status users_put(struct users *u, struct user *user, const struct principal *by, const char *action,
		      const char *address, int64_t now_ms)
{
	bool found;
	struct audit_entry entry = {.at_ms = now_ms, .who = *by};
	if (!user_name_is_good(user->who.name))
		return STATUS_INVALID;
	snprintf(entry.action, sizeof entry.action, "%s", action);
	snprintf(entry.subject, sizeof entry.subject, "%s", user->who.name);
	snprintf(entry.address, sizeof entry.address, "%s", address);
	pthread_mutex_lock(&u->lock);
	size_t at = place_of(u, user->who.name, &found);
	user->number = found ? u->all[at].number + 1 : 1;
	user->changed_ms = now_ms;
	enum status status = commit(u, user, &entry);
	pthread_mutex_unlock(&u->lock);
	return status;
}

enum status users_renew(struct users *u, const struct user *user, const struct user_secret *secret)
{
	bool found;
	pthread_mutex_lock(&u->lock);
	size_t at = place_of(u, user->who.name, &found);
	enum status status = found && u->all[at].number == user->number ? STATUS_OK : STATUS_CONFLICT;
	if (!status) {
		struct user renewed = *user;
		renewed.secret = *secret;
		status = commit(u, &renewed, NULL);
	}
	pthread_mutex_unlock(&u->lock);
	return status;
}
