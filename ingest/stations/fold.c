#include "ingest/stations/fold.h"

#include <stdlib.h>

#define PROBES 8u

struct slot {
	uint64_t key; /* 0: never used */
	int64_t until_ms;
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

bool fold_seen(struct fold *f, uint64_t key, unsigned station, int64_t now_ms, int64_t window_ms, bool *out_new_station)
{
	uint64_t bit = UINT64_C(1) << (station % FOLD_STATIONS_MAX);
	struct slot *ends_first = NULL;
	key += key == 0;
	for (unsigned i = 0; i < PROBES; i++) {
		struct slot *s = &f->slots[(key + i) % FOLD_SLOTS];
		if (s->key == key && now_ms < s->until_ms) {
			*out_new_station = !(s->stations & bit);
			s->stations |= bit;
			return true;
		}
		if (!ends_first || s->until_ms < ends_first->until_ms || s->key == key)
			ends_first = s;
		if (s->key == key)
			break;
	}
	*ends_first = (struct slot){key, now_ms + window_ms, bit};
	*out_new_station = true;
	return false;
}
