/* The card that `plyboot run --network` gives the guest. */
#ifndef PLYBOOT_RUN_NETWORK_H
#define PLYBOOT_RUN_NETWORK_H

/* If there is an eth0: up, with the address, the gateway and the resolver of QEMU's user-mode
 * network. What can't be had is said, and done without. */
void network_raise(void);

/* What was put over /etc/resolv.conf goes, and so does that one if it was made for it. */
void network_withdraw(void);

#endif
