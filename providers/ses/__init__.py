"""Amazon SES, through AWS's own client."""
