"""`python -m matcher_service`: the same as the `matcher-service` command."""

from matcher_service.cli import app

if __name__ == "__main__":
    app()
