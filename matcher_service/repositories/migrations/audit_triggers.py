"""Triggers that keep the audit from being changed by mistake, or by whoever has the application's rights alone.

They are the second line: the first is the chain itself, which shows a change also where a trigger was taken away.
A batch alteration of `audit_entry` in a later migration loses SQLite's; it has to make them anew.
"""

from __future__ import annotations

WORDS = "audit entries are never changed or removed"
SQLITE_TRIGGERS = ("audit_entry_update", "audit_entry_delete", "audit_entry_insert", "audit_head_delete")

_AFTER_THE_LAST = "SELECT 1 FROM audit_head WHERE id = 1 AND seq = NEW.seq - 1 AND hash = NEW.previous"
_SQLITE = (
    f"CREATE TRIGGER audit_entry_update BEFORE UPDATE ON audit_entry BEGIN SELECT RAISE(ABORT, '{WORDS}'); END",
    f"CREATE TRIGGER audit_entry_delete BEFORE DELETE ON audit_entry BEGIN SELECT RAISE(ABORT, '{WORDS}'); END",
    # Also against INSERT OR REPLACE, for which SQLite does not ask the other two.
    f"""CREATE TRIGGER audit_entry_insert BEFORE INSERT ON audit_entry WHEN NOT EXISTS ({_AFTER_THE_LAST})
    BEGIN SELECT RAISE(ABORT, 'an audit entry goes after the last one only'); END""",
    f"CREATE TRIGGER audit_head_delete BEFORE DELETE ON audit_head BEGIN SELECT RAISE(ABORT, '{WORDS}'); END",
)
_POSTGRESQL = (
    f"""CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{WORDS}'; END $$""",
    f"""CREATE FUNCTION audit_goes_on() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN IF NOT EXISTS ({_AFTER_THE_LAST}) THEN RAISE EXCEPTION 'an audit entry goes after the last one only';
    END IF; RETURN NEW; END $$""",
    """CREATE TRIGGER audit_entry_inserted BEFORE INSERT ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit_goes_on()""",
    """CREATE TRIGGER audit_entry_changed BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit_only_grows()""",
    """CREATE TRIGGER audit_entry_truncated BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()""",
    """CREATE TRIGGER audit_head_removed BEFORE DELETE ON audit_head
    FOR EACH ROW EXECUTE FUNCTION audit_only_grows()""",
    """CREATE TRIGGER audit_head_truncated BEFORE TRUNCATE ON audit_head
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()""",
)


def triggers(dialect: str) -> tuple[str, ...]:
    """The statements that make them."""
    return _POSTGRESQL if dialect == "postgresql" else _SQLITE
