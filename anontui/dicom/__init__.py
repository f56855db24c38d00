"""Which files are DICOM, and the few header facts that the app shows."""
