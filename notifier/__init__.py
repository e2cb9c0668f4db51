"""Point it at any Server-Sent Events URL and get good native desktop notifications."""

__version__ = "0.1.0"
