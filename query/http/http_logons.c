#include "query/http/http_logons.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define CHAINS 4096
#define DIGEST_SIZE 32
#define NONE UINT16_MAX

struct slot {
	uint8_t digest[DIGEST_SIZE];
	struct principal who;
	uint32_t number;
	int64_t began_ms, used_ms;
	uint16_t next; /* in its chain, or among the free ones */
	bool taken;
};

struct logons {
	pthread_mutex_t lock;
	uint16_t chains[CHAINS];
	uint16_t free;
	size_t count;
	struct slot slots[SESSIONS_MAX];
};

enum status logons_new(struct logons **out)
{
	struct logons *s = calloc(1, sizeof *s);
	if (!s)
		return STATUS_NO_MEMORY;
	pthread_mutex_init(&s->lock, NULL);
	memset(s->chains, 0xff, sizeof s->chains);
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		s->slots[i].next = i + 1 < SESSIONS_MAX ? (uint16_t)(i + 1) : NONE;
	*out = s;
	return STATUS_OK;
}

void logons_free(struct logons *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	OPENSSL_cleanse(s, sizeof *s);
	free(s);
}

static uint16_t *chain_of(struct logons *s, const uint8_t digest[DIGEST_SIZE])
{
	return &s->chains[load_be16(digest) % CHAINS];
}

static void let_go(struct logons *s, struct slot *slot)
{
	uint16_t index = (uint16_t)(slot - s->slots), *at = chain_of(s, slot->digest);
	while (*at != index)
		at = &s->slots[*at].next;
	*at = slot->next;
	*slot = (struct slot){.next = s->free};
	s->free = index;
	s->count--;
}

static bool is_over(const struct slot *slot, int64_t now_ms)
{
	return now_ms - slot->used_ms >= SESSION_IDLE_MS || now_ms - slot->began_ms >= SESSION_LONGEST_MS;
}

/* Room for one more of `name`. */
static void sweep(struct logons *s, const char *name, int64_t now_ms)
{
	struct slot *oldest = NULL;
	unsigned own = 0;
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		struct slot *slot = &s->slots[i];
		if (slot->taken && is_over(slot, now_ms))
			let_go(s, slot);
		if (!slot->taken || strcmp(slot->who.name, name) != 0)
			continue;
		own++;
		if (!oldest || slot->used_ms < oldest->used_ms)
			oldest = slot;
	}
	if (own >= SESSIONS_OF_ONE_MAX)
		let_go(s, oldest);
}

size_t logons_count(struct logons *s, int64_t now_ms)
{
	size_t count = 0;
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		count += s->slots[i].taken && !is_over(&s->slots[i], now_ms);
	pthread_mutex_unlock(&s->lock);
	return count;
}

/* Of the text, digits and all: what is kept cannot be sent back as a cookie. */
static bool digest_of(struct span text, uint8_t out[DIGEST_SIZE])
{
	return text.size == SESSION_TEXT_MAX - 1 && EVP_Digest(text.data, text.size, out, NULL, EVP_sha256(), NULL);
}

enum status logons_begin(struct logons *s, const struct user *user, int64_t now_ms, char out[SESSION_TEXT_MAX])
{
	uint8_t secret[SESSION_SECRET_SIZE], digest[DIGEST_SIZE];
	if (getrandom(secret, sizeof secret, 0) != sizeof secret)
		return STATUS_IO;
	hex_encode(out, span_of(secret, sizeof secret));
	OPENSSL_cleanse(secret, sizeof secret);
	if (!digest_of(span_of_string(out), digest))
		return STATUS_IO;
	pthread_mutex_lock(&s->lock);
	sweep(s, user->who.name, now_ms);
	uint16_t index = s->free;
	if (index != NONE) {
		struct slot *slot = &s->slots[index];
		uint16_t *chain = chain_of(s, digest);
		s->free = slot->next;
		*slot = (struct slot){.who = user->who,
				      .number = user->number,
				      .began_ms = now_ms,
				      .used_ms = now_ms,
				      .next = *chain,
				      .taken = true};
		memcpy(slot->digest, digest, sizeof digest);
		*chain = index;
		s->count++;
	}
	pthread_mutex_unlock(&s->lock);
	return index == NONE ? STATUS_FULL : STATUS_OK;
}

/* Under the lock. */
static struct slot *find(struct logons *s, struct span text)
{
	uint8_t digest[DIGEST_SIZE];
	if (!digest_of(text, digest))
		return NULL;
	for (uint16_t i = *chain_of(s, digest); i != NONE; i = s->slots[i].next)
		if (!CRYPTO_memcmp(s->slots[i].digest, digest, sizeof digest))
			return &s->slots[i];
	return NULL;
}

enum status logons_use(struct logons *s, struct span text, int64_t now_ms, struct principal *out, int64_t *out_left_ms)
{
	pthread_mutex_lock(&s->lock);
	struct slot *slot = find(s, text);
	if (slot && is_over(slot, now_ms)) {
		let_go(s, slot);
		slot = NULL;
	}
	if (slot) {
		int64_t left_ms = slot->began_ms + SESSION_LONGEST_MS - now_ms;
		slot->used_ms = now_ms;
		*out = slot->who;
		if (out_left_ms)
			*out_left_ms = left_ms < SESSION_IDLE_MS ? left_ms : SESSION_IDLE_MS;
	}
	pthread_mutex_unlock(&s->lock);
	return slot ? STATUS_OK : STATUS_DENIED;
}

void logons_end(struct logons *s, struct span text)
{
	pthread_mutex_lock(&s->lock);
	struct slot *slot = find(s, text);
	if (slot)
		let_go(s, slot);
	pthread_mutex_unlock(&s->lock);
}

void logons_end_others(struct logons *s, const char *name, uint32_t number)
{
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		struct slot *slot = &s->slots[i];
		if (slot->taken && slot->number != number && !strcmp(slot->who.name, name))
			let_go(s, slot);
	}
	pthread_mutex_unlock(&s->lock);
}

/* --- the cookie --- */

/* The prefix tells a browser to take the cookie only over TLS, for all paths, from this very host (RFC
 * 6265bis, 4.1.3.2).
 */
static const char *cookie_name(bool tls)
{
	return tls ? "__Host-zayton" : "zayton";
}

struct span session_of_cookie(const char *cookies, bool tls)
{
	const char *name = cookie_name(tls);
	size_t size = strlen(name);
	while (*cookies) {
		cookies += strspn(cookies, " ;,\t");
		size_t pair = strcspn(cookies, ";,");
		if (pair > size && cookies[size] == '=' && !strncmp(cookies, name, size))
			return span_of(cookies + size + 1, pair - size - 1);
		cookies += pair;
	}
	return span_of(NULL, 0);
}

void session_cookie(const char *text, bool tls, char out[SESSION_COOKIE_MAX])
{
	snprintf(out, SESSION_COOKIE_MAX, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s", cookie_name(tls), text,
		 tls ? "; Secure" : "", *text ? "" : "; Max-Age=0");
}
