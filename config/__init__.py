"""What changes without code: settings, logging, telemetry and the rules that the business edits."""
