"""The notification area of Windows by its own calls (shellapi.h), so that the client ships no further library for it.

The stock icons of the system say how it is: information, warning, error.
"""

import ctypes
import sys
from collections.abc import Callable, Sequence

from desktop.tray import Mood

WM_NULL, WM_DESTROY, WM_CLOSE, WM_COMMAND = 0x0000, 0x0002, 0x0010, 0x0111
WM_LBUTTONUP, WM_RBUTTONUP, WM_APP = 0x0202, 0x0205, 0x8000
CALLED = WM_APP + 1
NIM_ADD, NIM_MODIFY, NIM_DELETE = 0, 1, 2
NIF_MESSAGE, NIF_ICON, NIF_TIP, NIF_INFO = 1, 2, 4, 16
MF_STRING = 0
TPM_RIGHTBUTTON, TPM_NONOTIFY, TPM_RETURNCMD = 0x0002, 0x0080, 0x0100
IDI_ERROR, IDI_WARNING, IDI_INFORMATION = 32513, 32515, 32516
ICONS = {Mood.READY: IDI_INFORMATION, Mood.TROUBLE: IDI_WARNING, Mood.STOPPED: IDI_ERROR}
CLASS = "aitrading-client-tray"


class NotifyIconData(ctypes.Structure):
    """NOTIFYICONDATAW, 976 bytes on 64 bits. Texts are UTF-16 units, whatever `wchar_t` is where this is read."""

    _fields_ = (
        ("cbSize", ctypes.c_uint32),
        ("hWnd", ctypes.c_void_p),
        ("uID", ctypes.c_uint32),
        ("uFlags", ctypes.c_uint32),
        ("uCallbackMessage", ctypes.c_uint32),
        ("hIcon", ctypes.c_void_p),
        ("szTip", ctypes.c_uint16 * 128),
        ("dwState", ctypes.c_uint32),
        ("dwStateMask", ctypes.c_uint32),
        ("szInfo", ctypes.c_uint16 * 256),
        ("uVersion", ctypes.c_uint32),
        ("szInfoTitle", ctypes.c_uint16 * 64),
        ("dwInfoFlags", ctypes.c_uint32),
        ("guidItem", ctypes.c_uint8 * 16),
        ("hBalloonIcon", ctypes.c_void_p),
    )


def put(units: "ctypes.Array[ctypes.c_uint16]", text: str) -> None:
    """A text into a field, cut between characters and always closed by a zero."""
    data = text.encode("utf-16-le", "replace")[: 2 * (len(units) - 1)]
    whole = data.decode("utf-16-le", "ignore").encode("utf-16-le")  # half a pair at the cut is left out
    for place in range(len(units)):
        units[place] = int.from_bytes(whole[2 * place : 2 * place + 2], "little")


if sys.platform == "win32":
    from ctypes import wintypes

    _PROCEDURE = ctypes.WINFUNCTYPE(ctypes.c_ssize_t, wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPARAM)

    class _WindowClass(ctypes.Structure):
        _fields_ = (
            ("style", wintypes.UINT),
            ("lpfnWndProc", _PROCEDURE),
            ("cbClsExtra", ctypes.c_int),
            ("cbWndExtra", ctypes.c_int),
            ("hInstance", wintypes.HINSTANCE),
            ("hIcon", wintypes.HICON),
            ("hCursor", wintypes.HANDLE),
            ("hbrBackground", wintypes.HBRUSH),
            ("lpszMenuName", wintypes.LPCWSTR),
            ("lpszClassName", wintypes.LPCWSTR),
        )

    class WindowsIcon:
        """Implements tray.Icon. `run` belongs to one thread, which owns the window."""

        def __init__(self) -> None:
            self._user = ctypes.WinDLL("user32", use_last_error=True)
            self._shell = ctypes.WinDLL("shell32", use_last_error=True)
            self._menu: Sequence[tuple[str, Callable[[], None]]] = ()
            self._data = NotifyIconData()
            self._data.cbSize = ctypes.sizeof(NotifyIconData)
            self._data.uCallbackMessage = CALLED
            self._procedure = _PROCEDURE(self._handle)
            self._window = 0
            self._declare()
            self._restarted = self._user.RegisterWindowMessageW("TaskbarCreated")
            self.show(Mood.TROUBLE, "Starting")

        def _declare(self) -> None:
            user, shell = self._user, self._shell
            user.DefWindowProcW.argtypes = (wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPARAM)
            user.DefWindowProcW.restype = ctypes.c_ssize_t
            user.CreateWindowExW.argtypes = (
                wintypes.DWORD, wintypes.LPCWSTR, wintypes.LPCWSTR, wintypes.DWORD, *(ctypes.c_int,) * 4,
                wintypes.HWND, wintypes.HMENU, wintypes.HINSTANCE, wintypes.LPVOID,
            )  # fmt: skip
            user.CreateWindowExW.restype = wintypes.HWND
            user.LoadIconW.argtypes = (wintypes.HINSTANCE, ctypes.c_void_p)
            user.LoadIconW.restype = wintypes.HICON
            user.CreatePopupMenu.restype = wintypes.HMENU
            user.AppendMenuW.argtypes = (wintypes.HMENU, wintypes.UINT, ctypes.c_size_t, wintypes.LPCWSTR)
            user.DestroyMenu.argtypes = (wintypes.HMENU,)
            user.TrackPopupMenu.argtypes = (
                wintypes.HMENU, wintypes.UINT, *(ctypes.c_int,) * 3, wintypes.HWND, ctypes.c_void_p,
            )  # fmt: skip
            user.SetForegroundWindow.argtypes = (wintypes.HWND,)
            user.DestroyWindow.argtypes = (wintypes.HWND,)
            user.PostMessageW.argtypes = (wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPARAM)
            user.GetMessageW.argtypes = (ctypes.POINTER(wintypes.MSG), wintypes.HWND, wintypes.UINT, wintypes.UINT)
            user.TranslateMessage.argtypes = user.DispatchMessageW.argtypes = (ctypes.POINTER(wintypes.MSG),)
            user.DispatchMessageW.restype = ctypes.c_ssize_t
            shell.Shell_NotifyIconW.argtypes = (wintypes.DWORD, ctypes.POINTER(NotifyIconData))
            kernel = ctypes.WinDLL("kernel32", use_last_error=True)
            kernel.GetModuleHandleW.restype = wintypes.HMODULE
            kernel.GetModuleHandleW.argtypes = (wintypes.LPCWSTR,)
            self._instance = kernel.GetModuleHandleW(None)

        def show(self, mood: Mood, tip: str) -> None:
            """See tray.Icon."""
            self._data.hIcon = self._user.LoadIconW(None, ICONS[mood])
            put(self._data.szTip, tip)
            self._notify(NIM_MODIFY, NIF_ICON | NIF_TIP)

        def tell(self, title: str, text: str) -> None:
            """See tray.Icon."""
            put(self._data.szInfoTitle, title)
            put(self._data.szInfo, text)
            self._notify(NIM_MODIFY, NIF_INFO)

        def _notify(self, what: int, flags: int) -> bool:
            if not self._window:
                return False
            self._data.uFlags = flags
            return bool(self._shell.Shell_NotifyIconW(what, ctypes.byref(self._data)))

        def run(self, menu: Sequence[tuple[str, Callable[[], None]]]) -> None:
            """See tray.Icon. OSError when Windows gives no window."""
            self._menu = menu
            kind = _WindowClass(lpfnWndProc=self._procedure, hInstance=self._instance, lpszClassName=CLASS)
            if not self._user.RegisterClassW(ctypes.byref(kind)):
                raise ctypes.WinError(ctypes.get_last_error())
            try:
                # a hidden window and no message-only one: that would not hear of a restarted taskbar
                self._window = self._user.CreateWindowExW(
                    0, CLASS, "Trading client", 0, 0, 0, 0, 0, None, None, self._instance, None
                )
                if not self._window:
                    raise ctypes.WinError(ctypes.get_last_error())
                self._data.hWnd = self._window
                self._notify(NIM_ADD, NIF_MESSAGE | NIF_ICON | NIF_TIP)
                message = wintypes.MSG()
                while self._user.GetMessageW(ctypes.byref(message), None, 0, 0) > 0:
                    self._user.TranslateMessage(ctypes.byref(message))
                    self._user.DispatchMessageW(ctypes.byref(message))
            finally:
                self._notify(NIM_DELETE, 0)
                self._window = 0
                self._user.UnregisterClassW(CLASS, wintypes.HINSTANCE(self._instance))

        def close(self) -> None:
            """See tray.Icon."""
            if self._window:
                self._user.PostMessageW(self._window, WM_CLOSE, 0, 0)

        def _handle(self, window: int, message: int, word: int, long: int) -> int:
            if message == CALLED and long in (WM_LBUTTONUP, WM_RBUTTONUP):
                self._choose(window)
            elif message == self._restarted:  # the taskbar was started again and has forgotten the icon
                self._notify(NIM_ADD, NIF_MESSAGE | NIF_ICON | NIF_TIP)
            elif message == WM_CLOSE:
                self._user.DestroyWindow(window)
            elif message == WM_DESTROY:
                self._user.PostQuitMessage(0)
            else:
                return int(self._user.DefWindowProcW(window, message, word, long))
            return 0

        def _choose(self, window: int) -> None:
            menu = self._user.CreatePopupMenu()
            for number, (label, _) in enumerate(self._menu, 1):
                self._user.AppendMenuW(menu, MF_STRING, number, label)
            at = wintypes.POINT()
            self._user.GetCursorPos(ctypes.byref(at))
            self._user.SetForegroundWindow(window)  # else the menu would not close by a click beside it
            flags = TPM_RIGHTBUTTON | TPM_NONOTIFY | TPM_RETURNCMD
            chosen = self._user.TrackPopupMenu(menu, flags, at.x, at.y, 0, window, None)
            self._user.PostMessageW(window, WM_NULL, 0, 0)
            self._user.DestroyMenu(menu)
            if 1 <= chosen <= len(self._menu):
                self._menu[chosen - 1][1]()
