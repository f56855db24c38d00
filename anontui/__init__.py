"""anontui: de-identify DICOM studies for research, full-screen or headless."""

__version__ = "0.1.0"

IMPLEMENTATION_UID = "2.25.150379431921164230311586303203178207317"
IMPLEMENTATION_NAME = f"ANONTUI_{__version__}"[:16]
"""What files and associations of ours say who made them (PS3.7 D.3.3.2)."""
