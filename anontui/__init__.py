"""anontui: de-identify DICOM studies for research, full-screen or headless."""

__version__ = "0.1.0"
