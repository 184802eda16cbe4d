"""How PostgreSQL tells the relay of new rows: a trigger that notifies when their transaction commits."""

from headwater.outbox.table import CHANNEL


def create_statements(table: str, schema: str | None = None) -> list[str]:
    """The statements that make the trigger and its function."""
    body = f"BEGIN PERFORM pg_notify('{CHANNEL}', TG_TABLE_NAME); RETURN NULL; END"
    after_insert = f"AFTER INSERT ON {_quoted(table, schema)} FOR EACH STATEMENT"
    function = _quoted(f"{table}_notify", schema)
    return [
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$",
        f"CREATE TRIGGER {_quoted(f'{table}_notify')} {after_insert} EXECUTE FUNCTION {function}()",
    ]


def drop_statement(table: str, schema: str | None = None) -> str:
    """The statement that drops the function, once the table and with it the trigger is gone."""
    return f"DROP FUNCTION IF EXISTS {_quoted(f'{table}_notify', schema)}()"


def _quoted(name: str, schema: str | None = None) -> str:
    return ".".join('"{}"'.format(part.replace('"', '""')) for part in (schema, name) if part)
