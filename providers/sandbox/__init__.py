"""A provider that calls nobody: what it "sends" is a row, for development and demonstrations."""
