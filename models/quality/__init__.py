"""Quality of a print: what it is fitted on, the impressions that go wrong, and images that are no prints at all."""
