/* console_assets.h -- the console's files, packed by the build (embed.mjs) and taken into the program. */
#ifndef ZAYTON_QUERY_CONSOLE_ASSETS_H
#define ZAYTON_QUERY_CONSOLE_ASSETS_H

#include "query/http/handlers_console.h"

extern const struct console_asset console_assets[];
extern const size_t console_asset_count;

#endif
