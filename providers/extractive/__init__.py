"""Replies made of the client's own words: no model, no network, nothing that the knowledge base does not say."""
