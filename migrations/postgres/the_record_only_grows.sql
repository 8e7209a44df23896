BEGIN;
-- Nodes that start together take turns; the number is this file's own.
SELECT pg_advisory_xact_lock(7110421);

CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the record only grows'; END $$;

CREATE OR REPLACE TRIGGER audit_events_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
COMMIT;
