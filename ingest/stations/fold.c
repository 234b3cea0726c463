#include "ingest/stations/fold.h"

#include <stdlib.h>

#define PROBES 8u

struct slot {
	uint64_t key; /* 0: never used */
	int64_t at_ms;
	uint64_t stations;
};

struct fold {
	struct slot slots[FOLD_SLOTS];
};

enum status fold_new(struct fold **out)
{
	*out = calloc(1, sizeof **out);
	return *out ? STATUS_OK : STATUS_NO_MEMORY;
}

void fold_free(struct fold *f)
{
	free(f);
}

bool fold_seen(struct fold *f, uint64_t key, unsigned station, int64_t at_ms, int64_t window_ms, bool *out_new_station)
{
	uint64_t bit = UINT64_C(1) << (station % FOLD_STATIONS_MAX);
	struct slot *oldest = NULL;
	key += key == 0;
	for (unsigned i = 0; i < PROBES; i++) {
		struct slot *s = &f->slots[(key + i) % FOLD_SLOTS];
		if (s->key == key && at_ms - s->at_ms < window_ms && s->at_ms - at_ms < window_ms) {
			*out_new_station = !(s->stations & bit);
			s->stations |= bit;
			return true;
		}
		if (!oldest || s->at_ms < oldest->at_ms || s->key == key)
			oldest = s;
		if (s->key == key)
			break;
	}
	*oldest = (struct slot){key, at_ms, bit};
	*out_new_station = true;
	return false;
}
