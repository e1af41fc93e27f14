/* A pretended world for Debian's cron, preloaded into the real binary by record.py.
 *
 * The clock stands still until cron sleeps, and then moves on by as long as it wanted to sleep. Its files lie below
 * $SHIM_ROOT. Nothing is ever run: of a job's process only the log line is wanted that cron writes just before it
 * starts the command, and with it the minute. It goes to the standard output, one line a run.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define RECORD 1

static time_t now, end;
static int in_job;

__attribute__((constructor)) static void begin(void)
{
	now = atoll(getenv("SHIM_FROM"));
	end = atoll(getenv("SHIM_UNTIL"));
}

time_t time(time_t *out)
{
	if (out)
		*out = now;
	return now;
}

unsigned sleep(unsigned seconds)
{
	/* cron gives a queue of jobs ten seconds before it looks at the next missed minute; the end of the first job, a
	 * signal, wakes it. Waiting for the minute takes more. */
	if (seconds == 10)
		return 0;
	now += seconds;
	if (now >= end)
		exit(0);
	return 0;
}

pid_t fork(void)
{
	pid_t (*real)(void) = dlsym(RTLD_NEXT, "fork");
	pid_t child;

	if (in_job)  /* the job's process forks once more, and that one writes the line and starts the command */
		return 0;
	child = real();
	if (child == 0)
		in_job = 1;
	else
		waitpid(child, NULL, 0);
	return child;
}

void __syslog_chk(int priority, int flag, const char *format, ...)
{
	char line[2000];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	dprintf(RECORD, "%lld %s\n", (long long) now, line);
	if (in_job)
		_exit(0);
}

/* Files. */

static const char *moved(const char *path)
{
	static char inside[4096];

	if (strncmp(path, "/etc/cron", 9) && strncmp(path, "/var/", 5) && strncmp(path, "/run/", 5))
		return path;
	snprintf(inside, sizeof inside, "%s%s", getenv("SHIM_ROOT"), path);
	return inside;
}

int open(const char *path, int flags, ...)
{
	int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
	mode_t mode;
	va_list arguments;

	va_start(arguments, flags);
	mode = va_arg(arguments, mode_t);
	va_end(arguments);
	return real(moved(path), flags, mode);
}

int stat(const char *path, struct stat *out)
{
	int (*real)(const char *, struct stat *) = dlsym(RTLD_NEXT, "stat");

	return real(moved(path), out);
}

DIR *opendir(const char *path)
{
	DIR *(*real)(const char *) = dlsym(RTLD_NEXT, "opendir");

	return real(moved(path));
}

int chdir(const char *path)
{
	int (*real)(const char *) = dlsym(RTLD_NEXT, "chdir");

	return real(moved(path));
}

int access(const char *path, int mode)
{
	return 0;  /* asked of the file that says that this is no start of the machine */
}

/* The user, and what the machine would ask before it lets cron run something. */

struct passwd *getpwnam(const char *name)
{
	struct passwd *user = getpwuid(getuid());

	if (user)
		user->pw_name = (char *) name;
	return user;
}

int seteuid(uid_t user) { return 0; }
int setegid(gid_t group) { return 0; }
int is_selinux_enabled(void) { return 0; }
int pam_start(const char *service, const char *user, const void *conv, void **handle) { return 0; }
int pam_set_item(void *handle, int item, const void *value) { return 0; }
int pam_acct_mgmt(void *handle, int flags) { return 0; }
int pam_setcred(void *handle, int flags) { return 0; }
int pam_open_session(void *handle, int flags) { return 0; }
char **pam_getenvlist(void *handle) { return calloc(1, sizeof(char *)); }
