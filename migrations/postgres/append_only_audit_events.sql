-- Runs at every start, after the migrations. What the tree of the audit log holds is never changed, and never removed.
BEGIN;
-- Nodes that start together take turns; the number is this file's own.
SELECT pg_advisory_xact_lock(7110421);

CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;

CREATE OR REPLACE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_personal
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_leaves
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_tiles
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoints
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Triggers of the table of events before schema version 12, which is emptied. DROP TRIGGER IF EXISTS would wait for every reader, at each
-- start.
DO $$ DECLARE old RECORD; BEGIN
    FOR old IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit_events_before_tree'::regclass AND NOT tgisinternal LOOP
        EXECUTE format('DROP TRIGGER %I ON audit_events_before_tree', old.tgname);
    END LOOP;
END $$;
COMMIT;
