"""Which word of the audit trail (OWASP's vocabulary) an answer that says no deserves; most answers deserve none."""

from api_gateway.domain.access import TABLE, Caller
from kit.policy import ANYONE, RULES


def event_of(method: str, name: str, status: int, caller: Caller | None, presented: bool) -> str:
    """The event, or "" for an answer that is none. `name` is the path in the table, "" when it is not listed;
    `presented`: the request carried a token, a key or a session."""
    if status == 429:
        return "excess_rate_limit_exceeded" if name else "malicious_excess_404"
    action = TABLE.get((method, name))
    if status == 403:
        return "authz_fail"
    if action is None:
        return ""
    if status == 401:
        if ANYONE in RULES[action].roles:
            return ""  # a wrong password: whoever judged it writes it down, with the name where there is one
        return "authn_token_invalid" if presented else "authz_fail"
    # a name that is not there, asked by somebody who is signed in: another tenant's, or guessed
    return "malicious_direct_reference" if status == 404 and caller is not None else ""
