"""Who runs this program and on which installation: read from the operating system, never from the environment."""

import sys
from pathlib import Path

from client_security.ports import Machine

ID_FILES = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


def this_machine() -> Machine:
    """The user and the machine. The machine's id is empty where the system has none (some containers)."""
    if sys.platform == "win32":
        import ctypes

        size = ctypes.c_ulong(257)
        name = ctypes.create_unicode_buffer(size.value)
        ctypes.windll.advapi32.GetUserNameW(name, ctypes.byref(size))
        return Machine(name.value, _machine_guid())
    import os

    return Machine(str(os.getuid()), next((text for path in ID_FILES if (text := _text(path))), ""))


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _machine_guid() -> str:
    if sys.platform == "win32":
        import winreg

        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SOFTWARE\Microsoft\Cryptography") as key:
                return str(winreg.QueryValueEx(key, "MachineGuid")[0])
        except OSError:
            return ""
    return ""
