"""The anonymization web API, both sides: job model, client, advice for known errors."""
