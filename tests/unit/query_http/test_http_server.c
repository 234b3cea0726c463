#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>
#include "query/http/http.h"
Test(http, starts_and_stops)
{
	struct http_options o = http_options_default(NULL);
	struct http *h;
	cr_assert_eq(http_new(&o, &h), STATUS_OK);
	cr_assert_eq(http_start(h), STATUS_OK);
	cr_assert_neq(http_port(h), 0);
	if (getenv("HOLD")) { printf("port %u\n", http_port(h)); fflush(stdout); sleep(atoi(getenv("HOLD"))); }
	http_stop(h);
	http_free(h);
}
