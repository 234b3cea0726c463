/* folder.h -- folders whose names survive a power cut. */
#ifndef ZAYTON_STORE_FOLDER_H
#define ZAYTON_STORE_FOLDER_H

#include "engine/core/status.h"

/* Make `path` when it is missing, and sync the folder it lies in, also when it was there already: whoever made it may
 * have been cut off before the sync. STATUS_IO, STATUS_NO_SPACE; the reason is logged. */
STATUS_CHECKED enum status folder_make(const char *path);

#endif
