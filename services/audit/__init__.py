"""Auditing: the journal recomputed, and the laws that must hold."""
