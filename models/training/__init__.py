"""Teaching the minutiae network: teacher, examples, network, loss, training, conversion."""
