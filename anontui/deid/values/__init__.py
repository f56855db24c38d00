"""What becomes of a single value: dates, UIDs, texts, dummies."""
