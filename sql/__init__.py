"""Audit questions: one SQL file each, and the runner that puts them to a run or a release."""
