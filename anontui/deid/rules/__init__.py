"""What happens to each attribute: the standard's tables, options, a user's rules, policies."""
