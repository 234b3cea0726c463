#include "engine/fleet/audit.h"
const struct principal principal_local = {"local", "all"};
