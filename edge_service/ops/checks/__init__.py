"""The doctor's checks, one file each. Each takes a `Patient` and gives one finding."""
