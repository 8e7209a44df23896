-- Runs at every start, after the migrations.
BEGIN;
-- Nodes that start together take turns; the number is this file's own.
SELECT pg_advisory_xact_lock(7110421);

CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;

CREATE OR REPLACE TRIGGER audit_events_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Its name before schema version 10. DROP TRIGGER IF EXISTS would wait for every reader, at each start.
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = 'audit_events'::regclass AND tgname = 'audit_events_only_grow') THEN
        DROP TRIGGER audit_events_only_grow ON audit_events;
    END IF;
END $$;
COMMIT;
