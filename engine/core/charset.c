#include "engine/core/charset.h"

#include <errno.h>
#include <iconv.h>
#include <pthread.h>
#include <stdlib.h>

#define NO_DESCRIPTOR ((iconv_t)-1)

struct descriptors {
	iconv_t to_utf8, to_gbk;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool key_made;

static void descriptors_free(void *p)
{
	struct descriptors *d = p;
	if (d->to_utf8 != NO_DESCRIPTOR)
		iconv_close(d->to_utf8);
	if (d->to_gbk != NO_DESCRIPTOR)
		iconv_close(d->to_gbk);
	free(d);
}

static void key_make(void)
{
	key_made = pthread_key_create(&key, descriptors_free) == 0;
}

/* This thread's descriptors; NULL when there is no memory for them. Opening one loads a table from
 * disk, hence once a thread. */
static struct descriptors *descriptors_of_thread(void)
{
	pthread_once(&once, key_make);
	if (!key_made)
		return NULL;
	struct descriptors *d = pthread_getspecific(key);
	if (d)
		return d;
	d = malloc(sizeof *d);
	if (!d)
		return NULL;
	d->to_utf8 = iconv_open("UTF-8", "GB18030");
	d->to_gbk = iconv_open("GB18030", "UTF-8");
	if (pthread_setspecific(key, d)) {
		descriptors_free(d);
		return NULL;
	}
	return d;
}

static bool is_padding(uint8_t byte)
{
	return byte == 0 || byte == ' ';
}

struct span charset_trim(struct span field)
{
	while (field.size && is_padding(field.data[0]))
		field = span_of(field.data + 1, field.size - 1);
	const uint8_t *nul = field.size ? memchr(field.data, 0, field.size) : NULL;
	if (nul)
		field.size = (size_t)(nul - field.data);
	while (field.size && is_padding(field.data[field.size - 1]))
		field.size--;
	return field;
}

/* One step over what the descriptor would not take: a plain byte passes, another becomes U+FFFD. */
static bool substitute(const uint8_t **in, size_t *in_left, char **out, size_t *out_left)
{
	bool plain = **in < 0x80;
	size_t size = plain ? 1 : 3;
	if (*out_left < size)
		return false;
	memcpy(*out, plain ? (const char *)*in : "\xef\xbf\xbd", size);
	*out += size;
	*out_left -= size;
	++*in;
	--*in_left;
	return true;
}

size_t charset_gbk_to_utf8(struct span gbk, char *out, size_t out_size)
{
	struct descriptors *d = descriptors_of_thread();
	iconv_t conversion = d ? d->to_utf8 : NO_DESCRIPTOR;
	gbk = charset_trim(gbk);
	const uint8_t *in = gbk.data;
	size_t in_left = gbk.size, out_left = out_size - 1;
	char *at = out;
	if (conversion != NO_DESCRIPTOR)
		iconv(conversion, NULL, NULL, NULL, NULL);
	while (in_left) {
		size_t done = (size_t)-1;
		errno = EILSEQ;
		if (conversion != NO_DESCRIPTOR)
			done = iconv(conversion, (char **)(void *)&in, &in_left, &at, &out_left);
		if (done == (size_t)-1 && (errno == E2BIG || !substitute(&in, &in_left, &at, &out_left)))
			break;
	}
	*at = '\0';
	return (size_t)(at - out);
}

/* Bytes of the UTF-8 character at `at`, 1 for a byte that begins none. */
static size_t utf8_length(const uint8_t *at, size_t left)
{
	size_t n = 1;
	while (n < left && n < 4 && (at[n] & 0xc0) == 0x80)
		n++;
	return at[0] >= 0xc0 ? n : 1;
}

enum status charset_utf8_to_gbk(struct span utf8, struct buf *out)
{
	struct descriptors *d = descriptors_of_thread();
	iconv_t conversion = d ? d->to_gbk : NO_DESCRIPTOR;
	/* GB18030 takes at most four bytes where UTF-8 takes two, and never more than twice as many */
	enum status status = buf_reserve(out, 2 * utf8.size);
	if (status || !utf8.size)
		return status;
	const uint8_t *in = utf8.data;
	size_t in_left = utf8.size, out_left = 2 * utf8.size;
	char *start = (char *)out->data + out->size, *at = start;
	if (conversion != NO_DESCRIPTOR)
		iconv(conversion, NULL, NULL, NULL, NULL);
	while (in_left) {
		size_t done = (size_t)-1;
		if (conversion != NO_DESCRIPTOR)
			done = iconv(conversion, (char **)(void *)&in, &in_left, &at, &out_left);
		if (done != (size_t)-1 || out_left == 0)
			break;
		size_t skip = utf8_length(in, in_left);
		*at++ = skip == 1 && *in < 0x80 ? (char)*in : '?';
		out_left--;
		in += skip;
		in_left -= skip;
	}
	out->size += (size_t)(at - start);
	return STATUS_OK;
}
