"""After the secret key of the settings was changed: seal with it what the one before sealed, of all capabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from domain.access.sealed import SEALED as OF_PEOPLE
from domain.kernel.errors import GatehouseError
from domain.kernel.sealed import Resealer, Scope, Sealed, SealedColumn, look, reseal
from domain.queue.outcome import Dead, Done, Outcome

if TYPE_CHECKING:
    from domain.queue.run import Run
    from domain.webhooks.messages import ResealSecrets

SEALED: Final = (
    *OF_PEOPLE,
    SealedColumn("webhook_endpoints", "sealed_secret", "secret of an endpoint", "secrets of endpoints"),
    SealedColumn(
        "webhook_endpoints",
        "sealed_previous_secret",
        "secret that an endpoint had before",
        "secrets that endpoints had before",
    ),
)
_SHOWN: Final = 5


class UnreadableSecretsError(GatehouseError):
    """Some secrets were sealed with a key that the settings do not name; the message says which and what to do."""


def reseal_secrets(message: ResealSecrets, run: Run, resealer: Resealer) -> Outcome:
    """Do it as a job of the queue."""
    del message
    try:
        return Done(reseal_all(run.scope, resealer))
    except UnreadableSecretsError as error:
        return Dead(str(error), "unreadable")


def reseal_all(scope: Scope, resealer: Resealer) -> str:
    """Seal everything anew that the previous key sealed, and return in words what was done.

    Raises UnreadableSecretsError when some could not be read: all others are sealed anew.
    """
    found = reseal(scope, SEALED, resealer)
    done = [one.column.counted(one.previous) for one in found if one.previous]
    words = f"Sealed anew: {', '.join(done)}." if done else "All is sealed with the present key."
    if any(one.unreadable for one in found):
        raise UnreadableSecretsError(f"{words} {_unreadable(found)}")
    return words


def left_to_do(scope: Scope, resealer: Resealer) -> tuple[str, str]:
    """Return in words what is not sealed with the present key and what to do; the second is empty when all is."""
    found = look(scope, SEALED, resealer)
    if any(one.unreadable for one in found):
        return _unreadable(found), "docs/security.md, Changing secrets, says how to go on."
    previous = [one.column.counted(one.previous) for one in found if one.previous]
    if previous:
        return f"sealed with the previous key: {', '.join(previous)}", "Run: gatehouse jobs run reseal-secrets"
    return f"{sum(one.present for one in found):,} sealed with the present key, none with another", ""


def _unreadable(found: Sequence[Sealed]) -> str:
    told = []
    for one in found:
        if one.unreadable:
            ids = ", ".join(map(str, one.unreadable[:_SHOWN]))
            more = len(one.unreadable) - _SHOWN
            told.append(f"{one.column.counted(len(one.unreadable))} ({ids}{f' and {more} more' if more > 0 else ''})")
    return (
        f"Sealed with a key that the settings do not name: {'; '.join(told)}. Set GATEHOUSE_PREVIOUS_SECRET_KEY to it."
        " If it is lost, rotate those endpoints' secrets, and remove those people's second factors."
    )
