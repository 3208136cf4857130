/*
 * A signal that ends the command (Ctrl-C, a closed pipe, a limit on file sizes) is noted, so that
 * what was begun is taken back first. Whatever may take long asks in between.
 */
#ifndef PLYBOOT_INTERRUPT_H
#define PLYBOOT_INTERRUPT_H

#include "../layers/error.h"
#include "../layers/source.h"

/* From here on. For whoever begins what must be taken back; more than once is harmless. A signal
 * that our caller had us ignore stays ignored. */
void interrupt_catch(void);

/* 0, or -1 with ERROR_IO once a signal came. */
int interrupt_check(struct error *e);

/* Make a source whose blobs can't be read any more once a signal came: the engine asks nobody. Of
 * one kind of source only. */
void interrupt_source(struct source *source);

/* End as the signal would have ended us; returns when none came. Called last. */
void interrupt_finish(void);

#endif
