"""Nothing sensitive is done without an action of the audit log."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Final

import pytest

from domain.audit.actions import ACTIONS, UnknownActionError, beginning_with
from domain.audit.record import Act, record
from tests.support.audit_lab import ACTOR, AuditLab
from tests.support.servers import ROOT

SOURCES: Final = {
    str(path.relative_to(ROOT)): path.read_text()
    for package in ("domain", "api", "cli", "workers", "jobs", "providers")
    for path in sorted((ROOT / package).rglob("*.py"))
    if path.name != "actions.py" or path.parent.name != "audit"
}
_FORM: Final = re.compile(r"[a-z][a-z_]*\.[a-z][a-z_]*")

# What has to be on record at least, in the words of the product's promise, with the actions that keep it.
PROMISED: Final[dict[str, tuple[str, ...]]] = {
    "tenants": ("organization.created", "organization.changed", "organization.suspended", "organization.restored"),
    "clients": ("client.created", "client.changed", "client.archived", "client.went_live"),
    "billing": ("client.trial_started", "client.activated", "client.payment_failed", "client.cancellation_requested"),
    "booking mode and external URL": ("client.booking_changed",),
    "every switch": ("client.switch_thrown", "kill_switch.changed"),
    "knowledge base, FAQ, services, hours": ("knowledge.added", "knowledge.changed", "knowledge.removed"),
    "users": ("user.created", "user.invited", "user.password_reset", "user.disabled", "user.enabled"),
    "roles": ("membership.given", "membership.taken", "role.override"),
    "sign-ins and failures": ("user.sign_in", "user.sign_in_failed", "user.locked", "admin_token.sign_in_failed"),
    "view-as": ("view_as.start", "view_as.stop"),
    "keys": ("api_key.created", "api_key.rotated", "api_key.revoked"),
    "flags and settings": ("flag.changed", "setting.changed", "flag.reverted", "setting.reverted"),
    "requeue, edit, discard": ("dead_letter.requeue", "dead_letter.edit", "dead_letter.discard"),
    "exports": ("audit.export",),
}

# What each permission that changes something is recorded as; a permission that is new needs its line here.
BY_PERMISSION: Final[dict[str, tuple[str, ...]]] = {
    "api_keys.change": ("api_key.created", "api_key.rotated"),
    "api_keys.revoke": ("api_key.revoked",),
    "billing.change": ("client.trial_started", "client.activated", "client.payment_failed", "client.canceled"),
    "clients.archive": ("client.archived",),
    "clients.change": ("client.changed", "client.settings_changed", "client.booking_changed", "bot.changed"),
    "clients.create": ("client.created",),
    "clients.go_live": ("client.went_live",),
    "clients.view_as": ("view_as.start", "view_as.stop"),
    "conversations.reply": ("conversation.reply", "conversation.release"),
    "dead_letters.discard": ("dead_letter.discard",),
    "dead_letters.edit": ("dead_letter.edit",),
    "dead_letters.requeue": ("dead_letter.requeue",),
    "deliveries.resolve": ("delivery.resolve", "sender_flag.clear"),
    "flags.change": ("flag.changed", "setting.changed", "kill_switch.changed"),
    "knowledge.change": ("knowledge.added", "knowledge.changed", "knowledge.reordered"),
    "knowledge.remove": ("knowledge.removed",),
    "notices.resolve": ("notice.resolve",),
    "notifications.test": ("notifications.test",),
    "organizations.change": ("organization.changed",),
    "organizations.create": ("organization.created",),
    "organizations.suspend": ("organization.suspended", "organization.restored"),
    "queues.change": ("queue.pause", "queue.drain", "queue.limit", "queue.weigh", "job.cancel", "job.run_now"),
    "roles.override": ("role.override", "role.restore"),
    "suppressions.remove": ("suppression.lift",),
    "switches.throw": ("client.switch_thrown",),
    "users.change": ("user.invited", "membership.given", "membership.taken", "user.reset_sent"),
    "users.disable": ("user.disabled", "user.enabled"),
    "webhooks.change": ("webhook_endpoint.create", "webhook_endpoint.change", "webhook_send.replay"),
    "webhooks.remove": ("webhook_endpoint.delete",),
}
UNRECORDED: Final = {
    "maintenance.run": "it is run again and again by cron, and logged; what it does to anybody is recorded itself",
    "sandbox.use": "a made-up customer's text, in development",
}
# What has no use case yet. Whoever builds one gives it an action, and its line above.
NOT_BUILT: Final = {
    "inventory.change",
    "onboarding.approve",
    "onboarding.edit",
    "onboarding.override_lock",
    "onboarding.submit",
    "privacy.erase",
    "privacy.export",
    "provisioning.trigger",
    "reports.submit",
}


def _acts() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield every action that the code names in an `Act`, as a pattern where a part is only known when it runs."""
    for name, text in SOURCES.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Act":
                named = [keyword.value for keyword in node.keywords if keyword.arg == "action"]
                action = node.args[0] if node.args else named[0]
                for part in [action.body, action.orelse] if isinstance(action, ast.IfExp) else [action]:
                    if isinstance(part, ast.Constant | ast.JoinedStr):
                        yield name, re.compile(_pattern(part))


def _pattern(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.Constant):
        return re.escape(str(node.value))
    return "".join(re.escape(str(part.value)) if isinstance(part, ast.Constant) else "[a-z_]+" for part in node.values)


def test_actions_are_named_alike_and_have_words() -> None:
    assert [action for action in ACTIONS if not _FORM.fullmatch(action)] == []
    assert [action for action, words in ACTIONS.items() if not words or words[0].isupper() or words[-1] == "."] == []
    assert list(ACTIONS) == sorted(ACTIONS)


def test_every_action_in_the_code_is_in_the_list() -> None:
    found = list(_acts())
    assert len(found) > 15
    assert [(name, p.pattern) for name, p in found if not any(p.fullmatch(action) for action in ACTIONS)] == []


def test_every_action_in_the_list_is_in_the_code() -> None:
    patterns = [pattern for _, pattern in _acts()]
    everything = "\n".join(SOURCES.values())
    unused = [a for a in ACTIONS if f'"{a}"' not in everything and not any(p.fullmatch(a) for p in patterns)]
    assert unused == [], "No use case records it: take it from the list."


@pytest.mark.parametrize("promise", PROMISED)
def test_what_is_promised_is_on_record(promise: str) -> None:
    assert [action for action in PROMISED[promise] if action not in ACTIONS] == []


def test_every_permission_that_changes_something_is_recorded_as_something() -> None:
    document = json.loads((ROOT / "config" / "permissions.v1.json").read_text())
    changing = {name for name, permission in document["permissions"].items() if permission.get("changes")}
    assert changing == set(BY_PERMISSION) | set(UNRECORDED) | NOT_BUILT
    assert [action for actions in BY_PERMISSION.values() for action in actions if action not in ACTIONS] == []


@pytest.mark.parametrize("permission", sorted(NOT_BUILT))
def test_what_is_built_is_recorded(permission: str) -> None:
    asking = re.compile(rf'(requires|needs|need)\("{re.escape(permission)}"\)')
    assert [name for name, text in SOURCES.items() if asking.search(text)] == [], "Give it an action, in BY_PERMISSION."


def test_a_beginning_means_every_action_that_begins_so() -> None:
    assert beginning_with("queue.") == ["queue.", *sorted(action for action in ACTIONS if action[:6] == "queue.")]
    assert beginning_with("job.cancel") == ["job.cancel"]
    assert beginning_with("job") == ["job", "job.cancel", "job.run_now"]


@pytest.mark.integration
def test_an_action_that_nobody_put_into_the_list_is_refused(lab: AuditLab) -> None:
    with lab.database.platform_scope() as session, pytest.raises(UnknownActionError, match=r"domain/audit/actions\.py"):
        record(session, ACTOR, Act("job.made_up", "job", "j1"))
