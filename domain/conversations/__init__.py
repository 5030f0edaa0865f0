"""Contacts, conversations and messages: accepting what comes in and answering it.

Tables: `contacts`, `conversations`, `messages`, `inbound_watermarks`. Handles `conversations.process` and
`conversations.recover_inbound`.

Invariants:
- a message and the job that processes it commit together, once per `external_id`;
- a conversation is processed by one job at a time, under a lease that a killed worker's rescued job takes up again;
- all unprocessed messages of a conversation are answered together, in order of arrival;
- a contact's last word on consent counts from its commit on, however late it or an earlier one is processed.
"""
