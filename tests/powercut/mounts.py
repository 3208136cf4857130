"""ext4 from a file, mounted as /init mounts it: its journal is replayed first. As root, in a mount namespace of one's own."""
import contextlib
import ctypes
import errno
import fcntl
import os

LOOP_SET_FD, LOOP_CLR_FD, LOOP_CTL_GET_FREE = 0x4C00, 0x4C01, 0x4C82
MS_RDONLY, MS_NOSUID, MS_NODEV = 1, 2, 4
_libc = ctypes.CDLL(None, use_errno=True)


def _attach(fd):
    """A loop device of its own, open: others on this machine take some at the same time."""
    with open("/dev/loop-control", "rb") as control:
        for _ in range(1000):
            number = fcntl.ioctl(control, LOOP_CTL_GET_FREE)
            loop = os.open(f"/dev/loop{number}", os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.ioctl(loop, LOOP_SET_FD, fd)
                return loop, f"/dev/loop{number}"
            except OSError as why:
                os.close(loop)
                if why.errno != errno.EBUSY:
                    raise
    raise OSError(errno.EBUSY, "no loop device is free")


@contextlib.contextmanager
def mounted(path, at, read_only):
    """The kernel's refusal is an OSError."""
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        loop, device = _attach(fd)
    finally:
        os.close(fd)
    try:
        flags = MS_NOSUID | MS_NODEV | (MS_RDONLY if read_only else 0)
        if _libc.mount(device.encode(), at.encode(), b"ext4", flags, b"errors=remount-ro") != 0:
            raise OSError(ctypes.get_errno(), f"mount: {os.strerror(ctypes.get_errno())}")
        try:
            yield at
        finally:
            if _libc.umount2(at.encode(), 0) != 0:
                raise OSError(ctypes.get_errno(), "umount")
    finally:
        fcntl.ioctl(loop, LOOP_CLR_FD)
        os.close(loop)
