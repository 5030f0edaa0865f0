"""Carriers of job ids: Redis (or anything that speaks its protocol) and RabbitMQ, chosen by the URL alone."""
