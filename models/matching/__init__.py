"""What the comparison has learned from data: fitted here, read by `matcher_service.search`."""
