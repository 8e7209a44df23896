CREATE TRIGGER IF NOT EXISTS audit_events_stay_as_they_are BEFORE UPDATE ON audit_events
BEGIN SELECT RAISE(ABORT, 'the record only grows'); END;

CREATE TRIGGER IF NOT EXISTS audit_events_stay BEFORE DELETE ON audit_events
BEGIN SELECT RAISE(ABORT, 'the record only grows'); END;
