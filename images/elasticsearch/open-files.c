/*
 * Preloaded into the server, which does not start where fewer than 65,535 files may be open. Some machines allow less and let nobody
 * raise it; a store of the local cluster opens a few hundred. There it is told of a higher limit. The real one stays in force.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/resource.h>

static const rlim_t expected = 65536;

int getrlimit(__rlimit_resource_t resource, struct rlimit *limit) {
  static int (*real)(__rlimit_resource_t, struct rlimit *);
  if (!real) real = (int (*)(__rlimit_resource_t, struct rlimit *))dlsym(RTLD_NEXT, "getrlimit");
  int result = real(resource, limit);
  if (result == 0 && resource == RLIMIT_NOFILE && limit->rlim_cur < expected) limit->rlim_cur = limit->rlim_max = expected;
  return result;
}
