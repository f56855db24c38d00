"""The anonymization server: the web API, the ledger of jobs, and what runs them."""
