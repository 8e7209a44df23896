-- Runs at every start, after the migrations. What the tree of the audit log holds is never changed, and never removed.

CREATE TRIGGER IF NOT EXISTS audit_events_insert_only_update BEFORE UPDATE ON audit_events
BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END;
CREATE TRIGGER IF NOT EXISTS audit_events_insert_only_delete BEFORE DELETE ON audit_events
BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END;

CREATE TRIGGER IF NOT EXISTS audit_personal_insert_only_update BEFORE UPDATE ON audit_personal
BEGIN SELECT RAISE(ABORT, 'audit_personal is append-only'); END;
CREATE TRIGGER IF NOT EXISTS audit_personal_insert_only_delete BEFORE DELETE ON audit_personal
BEGIN SELECT RAISE(ABORT, 'audit_personal is append-only'); END;

CREATE TRIGGER IF NOT EXISTS audit_leaves_insert_only_update BEFORE UPDATE ON audit_leaves
BEGIN SELECT RAISE(ABORT, 'audit_leaves is append-only'); END;
CREATE TRIGGER IF NOT EXISTS audit_leaves_insert_only_delete BEFORE DELETE ON audit_leaves
BEGIN SELECT RAISE(ABORT, 'audit_leaves is append-only'); END;

CREATE TRIGGER IF NOT EXISTS audit_tiles_insert_only_update BEFORE UPDATE ON audit_tiles
BEGIN SELECT RAISE(ABORT, 'audit_tiles is append-only'); END;
CREATE TRIGGER IF NOT EXISTS audit_tiles_insert_only_delete BEFORE DELETE ON audit_tiles
BEGIN SELECT RAISE(ABORT, 'audit_tiles is append-only'); END;

CREATE TRIGGER IF NOT EXISTS audit_checkpoints_insert_only_update BEFORE UPDATE ON audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'audit_checkpoints is append-only'); END;
CREATE TRIGGER IF NOT EXISTS audit_checkpoints_insert_only_delete BEFORE DELETE ON audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'audit_checkpoints is append-only'); END;

-- Triggers of the table of events before schema version 12, which is emptied.
DROP TRIGGER IF EXISTS audit_events_refuse_update;
DROP TRIGGER IF EXISTS audit_events_refuse_delete;
DROP TRIGGER IF EXISTS audit_events_stay_as_they_are;
DROP TRIGGER IF EXISTS audit_events_stay;
