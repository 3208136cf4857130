/* What is to become of the machine. */
#ifndef PLYBOOT_DOWN_VERB_H
#define PLYBOOT_DOWN_VERB_H

enum verb { VERB_UNKNOWN, VERB_POWEROFF, VERB_REBOOT, VERB_HALT, VERB_KEXEC, VERB_STOP };

/* systemd's words, and `stop`: nothing, the caller goes on. */
enum verb verb_find(const char *word);

/* Do it, by reboot(2); a reboot with what systemd left in /run/systemd/reboot-param. What the
 * kernel refuses is said, and something near to it done. */
_Noreturn void verb_run(enum verb verb);

#endif
