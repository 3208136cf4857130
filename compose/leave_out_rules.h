/* The table of what a commit leaves out: ROW(pattern, how, reason) for each. */
#ifndef PLYBOOT_LEAVE_OUT_RULES_H
#define PLYBOOT_LEAVE_OUT_RULES_H

/*
 * The first that names a path counts. Only what a system makes again by itself, or is better off
 * without; /etc/hostname, say, is somebody's choice. WHOLE: it and what is below. FILES: the same,
 * but directories stay, as services want theirs to be there. EMPTIED: a file stays, without its
 * contents.
 *
 * machine-id(5): empty, systemd makes one at boot. Were it not there, the boot would count as a
 * system's first, and turn units back to their presets. What is left out of /var/lib/dbus is made
 * again as a link to it.
 */
#define LEAVE_OUT_RULES(ROW)                                                                       \
	ROW("etc/machine-id", EMPTIED, "the machine's ID, made anew at boot")                      \
	ROW("var/lib/dbus/machine-id", WHOLE, "the machine's ID")                                  \
	ROW("etc/hostid", WHOLE, "the machine's ID")                                               \
	ROW("etc/ssh/ssh_host_*", WHOLE, "SSH host keys; `ssh-keygen -A` makes new ones")          \
	ROW("etc/dropbear/dropbear_*_host_key", WHOLE, "SSH host keys")                            \
	ROW("etc/ssl/private/ssl-cert-snakeoil.key", WHOLE,                                        \
		"a key of this machine; `make-ssl-cert generate-default-snakeoil` makes a new "    \
		"one")                                                                             \
	ROW("etc/ssl/certs/ssl-cert-snakeoil.pem", WHOLE, "the certificate of that key")           \
	ROW("etc/iscsi/initiatorname.iscsi", WHOLE, "the machine's name for iSCSI")                \
	ROW("etc/nvme/host*", WHOLE, "the machine's name for NVMe")                                \
	ROW("etc/udev/rules.d/70-persistent-*", WHOLE, "names for this machine's devices")         \
	ROW("etc/lvm/archive/*", WHOLE, "this machine's disks")                                    \
	ROW("etc/lvm/backup/*", WHOLE, "this machine's disks")                                     \
	ROW("etc/adjtime", WHOLE, "drift of this machine's clock")                                 \
	ROW("var/lib/systemd/random-seed", WHOLE, "random seed: of no use but to one machine")     \
	ROW("var/lib/urandom/random-seed", WHOLE, "random seed")                                   \
	ROW("var/lib/random-seed", WHOLE, "random seed")                                           \
	ROW("var/lib/systemd/credential.secret", WHOLE, "the key of this machine's credentials")   \
	ROW("var/lib/systemd/tpm2-*", WHOLE, "keys of this machine's TPM")                         \
	ROW("var/lib/systemd/timers/*", WHOLE, "when timers last ran")                             \
	ROW("var/lib/systemd/timesync/clock", WHOLE, "what time it was")                           \
	ROW("var/lib/systemd/coredump/*", WHOLE, "crashes")                                        \
	ROW("var/lib/systemd/pstore/*", WHOLE, "crashes")                                          \
	ROW("var/lib/systemd/backlight/*", WHOLE, "this machine's devices")                        \
	ROW("var/lib/systemd/rfkill/*", WHOLE, "this machine's devices")                           \
	ROW("var/crash/*", WHOLE, "crashes")                                                       \
	ROW("var/lib/dhcp/*", WHOLE, "DHCP leases")                                                \
	ROW("var/lib/dhclient/*", WHOLE, "DHCP leases")                                            \
	ROW("var/lib/dhcpcd/*", WHOLE, "DHCP leases")                                              \
	ROW("var/lib/NetworkManager/*", WHOLE, "NetworkManager's key, leases and what it saw")     \
	ROW("var/lib/bluetooth/*", WHOLE, "this machine's Bluetooth keys")                         \
	ROW("var/lib/cloud/*", WHOLE, "cloud-init's instance")                                     \
	ROW("var/lib/chrony/drift", WHOLE, "drift of this machine's clock")                        \
	ROW("var/lib/ntp*/ntp.drift", WHOLE, "drift of this machine's clock")                      \
	ROW("var/lib/logrotate/status", WHOLE, "when logs were rotated")                           \
	ROW("var/lib/apt/lists/*", FILES, "apt's lists; `apt-get update` fetches them")            \
	ROW("var/lib/apt/periodic/*", WHOLE, "when apt last ran")                                  \
	ROW("var/log/journal/*", WHOLE, "logs")                                                    \
	ROW("var/log/*", FILES, "logs")                                                            \
	ROW("var/cache/*", FILES, "caches")                                                        \
	ROW("var/tmp/*", WHOLE, "temporary files")                                                 \
	ROW("tmp/*", WHOLE, "temporary files")                                                     \
	ROW("run/*", WHOLE, "hidden by what is mounted there")                                     \
	ROW("root/.cache/*", WHOLE, "caches")                                                      \
	ROW("home/*/.cache/*", WHOLE, "caches")                                                    \
	ROW("root/.*_history", WHOLE, "what was typed")                                            \
	ROW("home/*/.*_history", WHOLE, "what was typed")

#endif
