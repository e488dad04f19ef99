"""`python -m edge_service`: the same as the `edge-service` command."""

from edge_service.cli import app

if __name__ == "__main__":
    app()
