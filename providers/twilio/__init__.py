"""Twilio Programmable Messaging, through its official client."""
