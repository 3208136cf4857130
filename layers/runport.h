/*
 * What `plyboot run` and the first process of its guest, /.plyboot/run, say to each other, over a
 * virtio-serial port named RUNPORT_NAME. Pure, but for the heap. init/RUN.md describes the whole.
 *
 * Frame. One byte of type, four of length (little-endian, 0 to RUNPORT_MAX_PAYLOAD), the payload.
 * Nobody trusts the other side: an unknown type, a length that the type can't have, and a frame
 * that is out of order are errors, after which nothing more is read.
 *
 * Order. The guest says HELLO. The host tells the job: any number of ARGUMENT, VARIABLE, SHARE and
 * THEN, each in its order, at most one each of DIRECTORY, USER, ONE_OUTPUT and TERMINAL, then
 * START. The guest answers STARTED, or REFUSED. From then on the host sends INPUT, INPUT_END, CLOSE
 * and WINDOW_SIZE, the guest OUTPUT, ERROR and CREDIT. The guest's last frame is EXITED or REFUSED;
 * what was written is on the disks by then. The host's last is BYE, when it has taken that in: the
 * guest may power off then, and not before.
 *
 * Flow. Output is held back by the port itself: the guest takes from the command only what it can
 * pass on. Input must not be, or a command that reads nothing would keep the host's other frames
 * away: the host may have RUNPORT_WINDOW bytes of INPUT on their way at first, and CREDIT allows as
 * many more as the command has taken.
 */
#ifndef PLYBOOT_RUNPORT_H
#define PLYBOOT_RUNPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define RUNPORT_NAME "plyboot.run"

/* Below the root, without a slash in front. */
#define RUNPORT_PROGRAM ".plyboot/run"

/* The directories of the host have the 9p tags share0, share1, ... in the order of the SHAREs. */
#define RUNPORT_SHARE_TAG "share"

enum {
	RUNPORT_VERSION = 1,
	RUNPORT_HEADER_BYTES = 5,
	RUNPORT_MAX_PAYLOAD =
		131072,             /* a string may have 131071 bytes: Linux takes no longer one */
	RUNPORT_MAX_DATA = 32768,   /* bytes of one INPUT, OUTPUT or ERROR, at least 1 */
	RUNPORT_WINDOW = 65536,     /* bytes */
	RUNPORT_MAX_STRINGS = 4096, /* arguments; variables */
	RUNPORT_MAX_JOB = 2097152,  /* bytes of all strings of a job, each with its NUL */
	RUNPORT_MAX_SHARES = 32,
	RUNPORT_MAX_PATH = 4095, /* bytes of a directory */
	RUNPORT_MAX_USER = 511,
	RUNPORT_MAX_REASON = 511 /* bytes of a refusal's text */
};

enum runport_type {
	/* of the guest */
	RUNPORT_HELLO = 'h',   /* one byte: RUNPORT_VERSION */
	RUNPORT_STARTED = 's', /* nothing */
	RUNPORT_OUTPUT = 'o',  /* bytes */
	RUNPORT_ERROR = 'e',   /* bytes */
	RUNPORT_CREDIT = 'c',  /* four bytes: how many more bytes of input, 1 to RUNPORT_WINDOW */
	RUNPORT_EXITED = 'x',  /* two bytes: 0 and the status, or 1 and the signal, 1 to 127 */
	RUNPORT_REFUSED = 'r', /* one byte: the status, 125 to 127; text: why */
	/* of the host; no string has a NUL in it */
	RUNPORT_ARGUMENT = 'A',
	RUNPORT_VARIABLE = 'V',   /* NAME=VALUE */
	RUNPORT_DIRECTORY = 'D',  /* absolute */
	RUNPORT_USER = 'U',       /* not empty */
	RUNPORT_ONE_OUTPUT = '1', /* nothing: both streams of the command are one, OUTPUT */
	RUNPORT_TERMINAL = 'T',   /* as WINDOW_SIZE: the command gets a terminal of this size */
	RUNPORT_SHARE = 'M',      /* one byte: 0 read-only, 1 writable; the target, absolute */
	RUNPORT_THEN = 'N',      /* an argument of what runs, as root, when the command has ended */
	RUNPORT_START = 'G',     /* nothing */
	RUNPORT_INPUT = 'I',     /* bytes */
	RUNPORT_INPUT_END = 'E', /* nothing */
	RUNPORT_CLOSE = 'C',     /* one byte: nobody reads stream 1 or 2 any more */
	RUNPORT_WINDOW_SIZE = 'W', /* two bytes each: rows, columns */
	RUNPORT_BYE = 'B'          /* nothing */
};

enum runport_side { RUNPORT_GUEST, RUNPORT_HOST };

struct runport_frame {
	uint8_t type;
	size_t length;
	const uint8_t *payload; /* with a NUL behind it, so that a string can be used as it is */
};

/* Bytes of the port become frames. Some 130 KB. All zero but for `from` is a new one. */
struct runport_reader {
	enum runport_side from; /* who sent what is read here: whose types are allowed */
	bool broken;
	size_t filled; /* of header and payload together; 0 between two frames */
	uint8_t header[RUNPORT_HEADER_BYTES];
	uint8_t payload[RUNPORT_MAX_PAYLOAD + 1];
};

/* Take bytes until a frame is whole; *used says how many. 1: `frame` is whole, and good until the
 * next call; all that is said above of its one payload holds. 0: all bytes are taken, and more are
 * needed. -1 and ERROR_FORMAT, also for every later call: they are no frames of that side. */
int runport_read(struct runport_reader *reader, const uint8_t *bytes, size_t length, size_t *used,
	struct runport_frame *frame, struct error *e);

/* Frames on their way to the port. All zero is empty; the owner frees `bytes`. */
struct runport_outbox {
	uint8_t *bytes;
	size_t start, end; /* what lies between has yet to be written */
	size_t capacity;
};

/* Add a frame of two parts; either may be empty. ERROR_NOSPACE, and nothing was added. The caller
 * keeps to the lengths above. */
int runport_put(struct runport_outbox *outbox, enum runport_type type, const void *first,
	size_t first_length, const void *second, size_t second_length, struct error *e);

size_t runport_waiting(const struct runport_outbox *outbox);
void runport_written(struct runport_outbox *outbox, size_t length);
void runport_outbox_free(struct runport_outbox *outbox);

/* Rows and columns in payloads; other numbers are little-endian. */
void runport_store_size(uint8_t out[4], uint16_t rows, uint16_t columns);
void runport_load_size(const uint8_t in[4], uint16_t *rows, uint16_t *columns);

#endif
