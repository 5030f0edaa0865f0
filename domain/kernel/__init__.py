"""What every capability stands on: base model, database scopes, errors, clock, ids, redaction. Owns no table."""
