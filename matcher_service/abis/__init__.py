"""The verbs of MOSIP's ABIS: insert, identify, delete, ping, pendingJobs, referenceCount. See docs/abis.md."""
