"""What actions do beyond their panes: a module a subject, imported when it is needed."""
