-- Runs at every start, after the migrations.
CREATE TRIGGER IF NOT EXISTS audit_events_refuse_update BEFORE UPDATE ON audit_events
BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END;

CREATE TRIGGER IF NOT EXISTS audit_events_refuse_delete BEFORE DELETE ON audit_events
BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END;

-- Names before schema version 10.
DROP TRIGGER IF EXISTS audit_events_stay_as_they_are;
DROP TRIGGER IF EXISTS audit_events_stay;
