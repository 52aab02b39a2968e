"""CryptProtectData and CryptUnprotectData through ctypes: no other program, no extra package."""

import ctypes
import sys
from ctypes import POINTER, Structure, byref, c_char, c_ulong, c_void_p, c_wchar_p, cast, create_string_buffer

_UI_FORBIDDEN = 0x1


class _Blob(Structure):
    _fields_ = (("size", c_ulong), ("data", POINTER(c_char)))


def _blob(data: bytes) -> "_Blob":
    return _Blob(len(data), cast(create_string_buffer(data, len(data)), POINTER(c_char)))


class WindowsDpapi:
    """Implements ports.Dpapi; only on Windows. Source: dpapi.h, user scope because LOCAL_MACHINE is not asked for."""

    def protect(self, plain: bytes, entropy: bytes) -> bytes:
        """OSError with Windows' own words when it refuses."""
        return self._call("CryptProtectData", plain, entropy)

    def unprotect(self, blob: bytes, entropy: bytes) -> bytes:
        """OSError for another user, another machine, other entropy or a changed blob."""
        return self._call("CryptUnprotectData", blob, entropy)

    def _call(self, name: str, data: bytes, entropy: bytes) -> bytes:
        if sys.platform == "win32":
            given, extra, out = _blob(data), _blob(entropy), _Blob()
            function = getattr(ctypes.windll.crypt32, name)
            function.argtypes = [POINTER(_Blob), c_wchar_p, POINTER(_Blob), c_void_p, c_void_p, c_ulong, POINTER(_Blob)]
            if not function(byref(given), None, byref(extra), None, None, _UI_FORBIDDEN, byref(out)):
                raise ctypes.WinError()
            try:
                return ctypes.string_at(out.data, out.size)
            finally:
                ctypes.memset(out.data, 0, out.size)
                ctypes.windll.kernel32.LocalFree.argtypes = [c_void_p]
                ctypes.windll.kernel32.LocalFree(cast(out.data, c_void_p))
        raise OSError("this is not Windows")
