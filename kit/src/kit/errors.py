"""The errors of the chassis.

KitError
├── SettingsError       the environment does not hold what the service needs; the text lists everything at once
├── BusUnavailable      the bus did not take or answer it in time; nothing is known about what happened
├── AnswerFault         the other service answered with a fault; `code` says which
├── TokenRefused        a token proves nothing; `code` says why
├── SignatureRefused    a signature proves nothing; `code` says why
└── CertificateRefused  a certificate proves nothing, or our own can't be used; `code` says why
"""


class KitError(Exception):
    """Base of all errors raised by the chassis."""


class SettingsError(KitError):
    """Settings are missing or wrong; print the text and exit with 2."""


class BusUnavailable(KitError):
    """No acknowledgement in time. The message may have arrived: repeat it only with the same message id."""


class AnswerFault(KitError):
    """A service refused the question."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


class TokenRefused(KitError):
    """The token is not accepted. `code` is one word for counters, the text a sentence for a log."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class SignatureRefused(TokenRefused):
    """The signature is not accepted."""


class CertificateRefused(TokenRefused):
    """The certificate is not accepted."""
