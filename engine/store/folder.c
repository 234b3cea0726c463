#include "engine/store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/core/log.h"

static enum status failed(const char *path)
{
	int why = errno;
	log_error("store", "%s: %s", path, strerror(why));
	return why == ENOSPC || why == EDQUOT ? STATUS_NO_SPACE : STATUS_IO;
}

enum status folder_make(const char *path)
{
	if (mkdir(path, 0750) != 0 && errno != EEXIST)
		return failed(path);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int parent = fd >= 0 ? openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	enum status status = parent >= 0 && fsync(parent) == 0 ? STATUS_OK : failed(path);
	if (parent >= 0)
		close(parent);
	if (fd >= 0)
		close(fd);
	return status;
}
