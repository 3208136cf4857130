/* The rate of this machine's time stamp counter. */
#ifndef PLYBOOT_QEMU_TSC_H
#define PLYBOOT_QEMU_TSC_H

/*
 * In kHz; 0: there is none, or it can't be told. An emulated x86 guest reads this machine's counter
 * (QEMU's cpu_get_host_ticks()), but measures its rate against an emulated timer: on a busy machine
 * a few of 100 guests get it wrong by a factor of 13 to 40, and their clocks run as much too fast.
 * Takes some 4 ms.
 */
unsigned tsc_rate_khz(void);

#endif
