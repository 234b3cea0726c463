/* memory_source.h -- a file in memory that is read in pieces of a chosen size. */
#ifndef ZAYTON_TESTS_MEMORY_SOURCE_H
#define ZAYTON_TESTS_MEMORY_SOURCE_H

#include <string.h>
#include <sys/types.h>

struct memory_source {
	const char *data;
	size_t size, at;
	size_t piece;    /* 0: as much as is asked for */
	size_t fails_at; /* reading past it is an error; 0: never */
};

static inline struct memory_source memory_source_of(const char *data, size_t size, size_t piece)
{
	return (struct memory_source){data, size, 0, piece, 0};
}

static inline ssize_t memory_source_read(void *context, void *into, size_t size)
{
	struct memory_source *s = context;
	size_t n = s->size - s->at;
	n = n < size ? n : size;
	n = s->piece && n > s->piece ? s->piece : n;
	if (s->fails_at && s->at + n > s->fails_at)
		return -1;
	if (n)
		memcpy(into, s->data + s->at, n);
	s->at += n;
	return (ssize_t)n;
}

#endif
