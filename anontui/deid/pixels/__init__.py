"""Blacking out boxes in images."""
