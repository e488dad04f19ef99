"""Alembic's entry: the connection comes from `Database`, which runs the migrations at every start."""

from __future__ import annotations

from alembic import context

from matcher_service.repositories.schema import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
context.run_migrations()
