/* the world of the unit tests, for this program too */
#include "unit/ingest_listen/world.c"
