/* links: zayton_ingest_files */
/* A table of devices of any bytes, in every encoding: what is given is what the registry would keep. */
#include <stdlib.h>
#include <string.h>

#include "engine/core/utf8.h"
#include "ingest/files/devices_csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static enum status check_row(void *context, const struct devices_row *row)
{
	(void)context;
	bool has_phone = false;
	require(row->device != 0 && row->change_count <= DEVICE_FIELD_COUNT);
	for (size_t i = 0; i < row->change_count; i++) {
		char again[DEVICE_VALUE_MAX + 1];
		struct span value = row->changes[i].value;
		require(device_value_normalise(row->changes[i].field, value, again) == STATUS_OK);
		require(span_equal(value, span_of_string(again)));
		has_phone |= row->changes[i].field == DEVICE_FIELD_PHONE;
	}
	require(has_phone);
	return STATUS_OK;
}

static enum status check_mistake(void *context, const struct devices_mistake *m)
{
	(void)context;
	require(m->line > 0 && m->english && m->chinese && m->status != STATUS_OK);
	return STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int encoding = DEVICES_CSV_DETECT; encoding <= DEVICES_CSV_GBK; encoding++) {
		struct devices_csv_options options = {
			.encoding = (enum devices_csv_encoding)encoding, .row = check_row, .mistake = check_mistake};
		struct devices_csv_result result;
		enum status status = devices_csv_read(span_of(data, size), &options, &result);
		require(status_class(status) == STATUS_CLASS_peer || status == STATUS_EMPTY);
	}
	return 0;
}
