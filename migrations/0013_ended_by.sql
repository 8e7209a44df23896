-- Who ended a session, and from where. NULL for sessions that ended before this migration or that nobody signed in ended. No foreign keys:
-- API tokens are removed earlier, and a batch of ended sessions must not lock the account of whoever ended them.
ALTER TABLE sessions ADD COLUMN ended_by_user_id TEXT;
ALTER TABLE sessions ADD COLUMN ended_by_session_id TEXT;
ALTER TABLE sessions ADD COLUMN ended_by_token_id TEXT;
ALTER TABLE sessions ADD COLUMN ended_by_name TEXT; -- of the device of that session, or of that API token, at that time
CREATE INDEX sessions_user_id_ended_at_idx ON sessions (user_id, ended_at) WHERE ended_at IS NOT NULL;

ALTER TABLE ended_sessions ADD COLUMN ended_by_user_id TEXT;
ALTER TABLE ended_sessions ADD COLUMN ended_by_session_id TEXT;
ALTER TABLE ended_sessions ADD COLUMN ended_by_token_id TEXT;
ALTER TABLE ended_sessions ADD COLUMN ended_by_name TEXT;
