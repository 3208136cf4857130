"""Wall time, CPU time and memory of a command and all that it starts."""
import os
import time


LOG = "build/bench/log"  # what the command says, for when it fails


def start(command):
    """Its process; what it says is of interest only if it fails."""
    log = (os.POSIX_SPAWN_OPEN, 1, LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    return os.posix_spawnp(command[0], command, os.environ, file_actions=[log, (os.POSIX_SPAWN_DUP2, 1, 2)])


def timed(command):
    """Run it to its end; (wall, CPU) in seconds, the CPU time of every process of it that has been waited for."""
    began = time.monotonic()
    pid = start(command)
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - began
    check(command, status)
    return wall, usage.ru_utime + usage.ru_stime


def check(command, status):
    if status != 0:
        with open(LOG, encoding="utf-8", errors="replace") as log:
            raise SystemExit(f"{log.read()}{' '.join(command)}: status {os.waitstatus_to_exitcode(status)}")


# How the table says it.
MEMORY_METHOD = ("peak memory: private and shared anonymous pages of all processes (Pss_Anon + Pss_Shmem of smaps_rollup), looked at"
                 " every millisecond or so in runs of their own; no page cache, no tmpfs")


def peak_bytes(command):
    """The most memory that all its processes had at one time. Shared pages count once: each process is charged its part."""
    pid = start(command)
    peak = 0
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            check(command, status)
            return peak
        peak = max(peak, sum(own_bytes(p) for p in family(pid)))
        time.sleep(0.0005)


def family(pid):
    yield pid
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as children:
                pids = children.read().split()
        except OSError:
            continue
        for child in pids:
            yield from family(int(child))


def own_bytes(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
            fields = dict(line.split(":", 1) for line in rollup.read().splitlines()[1:])
    except OSError:
        return 0  # it has ended
    return 1024 * sum(int(fields.get(name, "0").split()[0]) for name in ("Pss_Anon", "Pss_Shmem"))
