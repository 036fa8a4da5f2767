"""Scoring of files: rows on disk in blocks, their statistics, the command line."""
