"""What routes take and answer, as documents."""
