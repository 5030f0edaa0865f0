"""Knowledge base, contacts, conversations and messages."""

from __future__ import annotations

from alembic import op

from migrations.rights import tenant_table

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KNOWLEDGE = """
    CREATE TABLE knowledge_entries (
        id uuid PRIMARY KEY,
        org_id uuid NOT NULL,
        client_id uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('service', 'hours', 'faq')),
        title text NOT NULL CHECK (title <> ''),
        body text NOT NULL CHECK (body <> ''),
        price text,
        keywords text NOT NULL DEFAULT '',
        position integer NOT NULL DEFAULT 0,
        enabled boolean NOT NULL DEFAULT true,
        version integer NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        search tsvector GENERATED ALWAYS AS (
            setweight(to_tsvector('english', title), 'A')
            || setweight(to_tsvector('english', keywords), 'B')
            || setweight(to_tsvector('english', body), 'C')
        ) STORED,
        FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id) ON DELETE CASCADE
    )
"""

_CONTACTS = """
    CREATE TABLE contacts (
        id uuid PRIMARY KEY,
        org_id uuid NOT NULL,
        client_id uuid NOT NULL,
        channel text NOT NULL CHECK (channel IN ('sms', 'web')),
        address text NOT NULL CHECK (address <> ''),
        name text,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (org_id, id),
        UNIQUE (client_id, channel, address),
        FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id) ON DELETE CASCADE
    )
"""

# `processing_until` is a lease, not a lock: a reply may need a slow model, and no transaction stays open for that.
_CONVERSATIONS = """
    CREATE TABLE conversations (
        id uuid PRIMARY KEY,
        org_id uuid NOT NULL,
        client_id uuid NOT NULL,
        contact_id uuid NOT NULL,
        bot_id uuid,
        channel text NOT NULL CHECK (channel IN ('sms', 'web')),
        processing_job_id uuid,
        processing_until timestamptz,
        last_message_at timestamptz NOT NULL DEFAULT now(),
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (org_id, id),
        UNIQUE (contact_id),
        FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id) ON DELETE CASCADE,
        FOREIGN KEY (org_id, contact_id) REFERENCES contacts (org_id, id) ON DELETE CASCADE,
        FOREIGN KEY (org_id, bot_id) REFERENCES bots (org_id, id),
        CHECK ((processing_job_id IS NULL) = (processing_until IS NULL))
    )
"""

# The webhook writes a text before anybody has looked its contact up, so `conversation_id` is set when it is processed.
# `external_id` is Twilio's MessageSid, or the visitor's idempotency key under its conversation.
_MESSAGES = """
    CREATE TABLE messages (
        id uuid PRIMARY KEY,
        org_id uuid NOT NULL,
        client_id uuid NOT NULL,
        conversation_id uuid,
        direction text NOT NULL CHECK (direction IN ('in', 'out')),
        channel text NOT NULL CHECK (channel IN ('sms', 'web')),
        address text NOT NULL,
        author text NOT NULL CHECK (author IN ('contact', 'ai', 'system', 'person')),
        body text NOT NULL,
        media jsonb NOT NULL DEFAULT '[]',
        external_id text,
        correlation_id uuid NOT NULL,
        sources jsonb NOT NULL DEFAULT '[]',
        confidence real,
        received_at timestamptz NOT NULL DEFAULT now(),
        processed_at timestamptz,
        outcome text,
        answered_by uuid,
        UNIQUE (client_id, external_id),
        FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id) ON DELETE CASCADE,
        FOREIGN KEY (org_id, conversation_id) REFERENCES conversations (org_id, id) ON DELETE CASCADE
    )
"""


def upgrade() -> None:
    """Create the tables of a conversation and of what a reply may be grounded in."""
    for table, statement in (
        ("knowledge_entries", _KNOWLEDGE),
        ("contacts", _CONTACTS),
        ("conversations", _CONVERSATIONS),
        ("messages", _MESSAGES),
    ):
        op.execute(statement)
        tenant_table(table)
    op.execute("CREATE INDEX knowledge_entries_client ON knowledge_entries (client_id, kind, position)")
    op.execute("CREATE INDEX conversations_client ON conversations (client_id, last_message_at)")
    op.execute("CREATE INDEX messages_conversation ON messages (conversation_id, id)")
    op.execute("CREATE INDEX messages_correlation ON messages (correlation_id)")
    op.execute(
        "CREATE INDEX messages_unprocessed ON messages (client_id, channel, address, id)"
        " WHERE direction = 'in' AND processed_at IS NULL"
    )


def downgrade() -> None:
    """Drop everything that `upgrade` made."""
    op.execute("DROP TABLE messages, conversations, contacts, knowledge_entries")
