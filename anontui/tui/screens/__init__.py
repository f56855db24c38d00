"""What opens over the main screen: questions, the dry run, a job's detail, help."""
