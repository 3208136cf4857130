/* A child that enters the jail and then tries something, and what came of it. */
#ifndef PLYBOOT_TEST_IN_JAIL_H
#define PLYBOOT_TEST_IN_JAIL_H

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "layers/jail.h"
#include "sandbox.h"

/* Results beside those of what is tried: 0 (it worked) or an errno. */
enum { NOT_ENTERED = -1, NOTHING_SAID = -2, DIED = -1000 /* less the signal */ };

struct jailed {
	int result;
	unsigned missing;
	bool core; /* one was written, or piped */
	struct error e;
};

/* Written by the child. */
static inline struct jailed *jailed_page(void)
{
	static struct jailed *page;
	if (page == NULL)
		page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (page == MAP_FAILED)
		abort();
	return page;
}

/* With `request` NULL: the same without a jail. The child is killed when it takes 20 s. */
static inline struct jailed jailed_try(const struct jail_request *request, int (*try)(void))
{
	struct jailed *page = jailed_page();
	*page = (struct jailed){.result = NOTHING_SAID, .missing = ~0u};
	(void)fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
			abort();
		(void)alarm(20);
		(void)signal(SIGSEGV, SIG_DFL); /* the sanitizers' handler would exit */
		if (request != NULL && jail_enter(request, &page->missing, &page->e) != 0)
			page->result = NOT_ENTERED;
		else
			page->result = try();
		_exit(0);
	}
	int status = 0;
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	if (WIFSIGNALED(status)) {
		page->result = DIED - WTERMSIG(status);
		page->core = WCOREDUMP(status);
	}
	return *page;
}

#endif
