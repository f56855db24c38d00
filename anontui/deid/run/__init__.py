"""Runs over files and folders: processes, layouts, reports, explanations."""
