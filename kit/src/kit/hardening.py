"""What a process does against leaking its memory, and what the operating system does for it: told, never assumed."""

import ctypes
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 3, 4
_ET_DYN, _PT_GNU_STACK, _PF_X = 3, 0x6474E551, 1

ReadPolicy = Callable[[int], int | None]
"""Windows' GetProcessMitigationPolicy: number of a policy -> its flags; None when Windows does not know it."""


@dataclass(frozen=True, slots=True)
class Mitigation:
    """One protection. `on` None: it could not be found out, which is not the same as off."""

    name: str
    on: bool | None
    detail: str = ""

    def __str__(self) -> str:
        """For a person."""
        state = {True: "on", False: "OFF", None: "unknown"}[self.on]
        return f"{self.name} {state}" + (f" ({self.detail})" if self.detail else "")


def harden() -> None:
    """No core dumps and, on Linux, no look into this process's memory by other programs of the same user.

    Call it first in a program; it holds for this process (limits also for its children). Nothing happens on systems
    that have none of it.
    """
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def mitigations() -> list[Mitigation]:
    """What protects this very process, as the operating system tells it."""
    if sys.platform == "win32":
        return windows_mitigations(_windows_policy)
    if not Path("/proc/self/status").exists():
        return [Mitigation("mitigations", None, f"not known how to ask {sys.platform}")]
    return _linux_mitigations()


def _linux_mitigations() -> list[Mitigation]:
    import resource

    aslr = _text("/proc/sys/kernel/randomize_va_space")
    status = dict(line.split(":\t", 1) for line in _text("/proc/self/status").splitlines() if ":\t" in line)
    pie, stack_runs = _elf_of(sys.executable)
    wild = [line for line in _text("/proc/self/maps").splitlines() if line.split(" ", 2)[1][:3] == "rwx"]
    dumpable = int(ctypes.CDLL(None).prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0))
    no_new = status.get("NoNewPrivs")
    return [
        Mitigation("ASLR", aslr == "2" if aslr else None, f"randomize_va_space {aslr}" if aslr else ""),
        Mitigation("PIE", pie, "the interpreter itself is moved" if pie else ""),
        Mitigation("NX", None if stack_runs is None else not stack_runs and not wild, f"{len(wild)} rwx mapping(s)"),
        Mitigation("core dumps disabled", resource.getrlimit(resource.RLIMIT_CORE)[0] == 0),
        Mitigation("memory closed to others", dumpable == 0),
        Mitigation("no_new_privs", None if no_new is None else no_new.strip() == "1"),
    ]


def windows_mitigations(read: ReadPolicy) -> list[Mitigation]:
    """The same on Windows. Source: winnt.h, PROCESS_MITIGATION_*_POLICY; the flags are each policy's first DWORD."""
    wanted = (
        ("DEP", 0, 0b1, ""),
        ("ASLR", 1, 0b1, "bottom-up"),
        ("ASLR high entropy", 1, 0b100, ""),
        ("CFG", 7, 0b1, ""),
        ("strict handle checks", 3, 0b1, ""),
    )
    found = []
    for name, policy, bit, detail in wanted:
        flags = read(policy)
        found.append(Mitigation(name, None if flags is None else bool(flags & bit), detail))
    return found


def _windows_policy(policy: int) -> int | None:
    if sys.platform == "win32":
        kernel = ctypes.windll.kernel32
        kernel.GetCurrentProcess.restype = ctypes.c_void_p
        kernel.GetProcessMitigationPolicy.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
        # DEP's answer has a BOOLEAN after its flags, padded to eight bytes; all others are one DWORD
        answer = (ctypes.c_uint32 * (2 if policy == 0 else 1))()
        done = kernel.GetProcessMitigationPolicy(kernel.GetCurrentProcess(), policy, answer, ctypes.sizeof(answer))
        return int(answer[0]) if done else None
    return None


def _text(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _elf_of(executable: str) -> tuple[bool | None, bool | None]:
    """(position independent, stack executable) of a 64-bit little-endian ELF file; None when it is something else."""
    try:
        with Path(executable).open("rb") as file:
            head = file.read(64)
            if head[:6] != b"\x7fELF\x02\x01":
                return None, None
            kind = struct.unpack_from("<H", head, 16)[0]
            (start,) = struct.unpack_from("<Q", head, 32)
            size, count = struct.unpack_from("<HH", head, 54)
            file.seek(start)
            table = file.read(size * count)
    except (OSError, struct.error):
        return None, None
    stack = [
        bool(flags & _PF_X)
        for i in range(count)
        for part, flags in [struct.unpack_from("<II", table, i * size)]
        if part == _PT_GNU_STACK
    ]
    return kind == _ET_DYN, stack[0] if stack else True
