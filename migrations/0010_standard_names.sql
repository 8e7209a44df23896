-- Standard names for tables, columns, indexes and stored values. The values in audit_events stay as they are: it is append-only.

ALTER TABLE users RENAME COLUMN username_key TO normalized_username;
ALTER TABLE users RENAME COLUMN email_key TO normalized_email;
ALTER TABLE users RENAME COLUMN username_look TO username_skeleton;
DROP INDEX users_by_look;
CREATE UNIQUE INDEX users_username_skeleton_idx ON users (username_skeleton);

ALTER TABLE sessions RENAME COLUMN proven_at TO reauthenticated_at;
ALTER TABLE sessions RENAME COLUMN kind TO device_kind;
ALTER TABLE sessions RENAME COLUMN form TO form_factor;
ALTER TABLE sessions RENAME COLUMN new_location TO is_new_location;
DROP INDEX sessions_live_of_user;
DROP INDEX sessions_ended;
DROP INDEX sessions_by_last_use;
DROP INDEX sessions_by_sign_in;
DROP INDEX sessions_by_epoch;
CREATE INDEX sessions_live_user_id_idx ON sessions (user_id) WHERE ended_at IS NULL;
CREATE INDEX sessions_live_last_active_at_idx ON sessions (last_active_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_live_created_at_idx ON sessions (created_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_live_epoch_idx ON sessions (epoch) WHERE ended_at IS NULL;
CREATE INDEX sessions_ended_at_idx ON sessions (ended_at) WHERE ended_at IS NOT NULL;

ALTER TABLE ended_sessions RENAME COLUMN kind TO device_kind;
ALTER TABLE ended_sessions RENAME COLUMN form TO form_factor;
ALTER TABLE ended_sessions RENAME COLUMN new_location TO is_new_location;
DROP INDEX ended_sessions_of_user;
DROP INDEX ended_sessions_by_end;
CREATE INDEX ended_sessions_user_id_ended_at_idx ON ended_sessions (user_id, ended_at);
CREATE INDEX ended_sessions_ended_at_idx ON ended_sessions (ended_at);

ALTER TABLE session_epochs RENAME COLUMN total TO total_count;
ALTER TABLE session_epochs RENAME COLUMN ended TO ended_count;

-- The key of a device is the hash of its cookie or, for a script, of its label.
ALTER TABLE known_devices RENAME COLUMN token_hash TO device_key;
DROP INDEX known_devices_by_use;
CREATE INDEX known_devices_last_seen_at_idx ON known_devices (last_seen_at);
ALTER TABLE known_places RENAME TO known_locations;

ALTER TABLE links RENAME TO one_time_tokens;
DROP INDEX links_of_user;
DROP INDEX links_by_end;
DROP INDEX links_by_id;
DROP INDEX links_of_creator;
CREATE INDEX one_time_tokens_user_id_purpose_idx ON one_time_tokens (user_id, purpose);
CREATE INDEX one_time_tokens_expires_at_idx ON one_time_tokens (expires_at);
CREATE UNIQUE INDEX one_time_tokens_id_idx ON one_time_tokens (id);
CREATE INDEX one_time_tokens_created_by_idx ON one_time_tokens (created_by) WHERE created_by IS NOT NULL;

ALTER TABLE outbox RENAME COLUMN sealed TO encrypted_content;
ALTER TABLE outbox RENAME COLUMN tries TO attempts;
ALTER TABLE outbox RENAME COLUMN next_try_at TO next_attempt_at;
ALTER TABLE outbox RENAME COLUMN folded TO digest_count;
DROP INDEX outbox_waiting;
DROP INDEX outbox_by_address;
DROP INDEX outbox_by_time;
DROP INDEX outbox_of_user;
CREATE INDEX outbox_next_attempt_at_idx ON outbox (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX outbox_address_hash_created_at_idx ON outbox (address_hash, created_at);
CREATE INDEX outbox_created_at_idx ON outbox (created_at);
CREATE INDEX outbox_user_id_kind_created_at_idx ON outbox (user_id, kind, created_at);

ALTER TABLE second_factors RENAME COLUMN sealed_seed TO encrypted_seed;
ALTER TABLE second_factors RENAME COLUMN sealed_codes TO encrypted_codes;
ALTER TABLE second_factors RENAME COLUMN last_step TO last_used_step;

ALTER TABLE access_requests RENAME COLUMN email_key TO normalized_email;
ALTER TABLE access_requests RENAME COLUMN words TO message;
ALTER TABLE access_requests RENAME COLUMN asked_at TO requested_at;

ALTER TABLE email_changes RENAME COLUMN email TO new_email;
ALTER TABLE email_changes RENAME COLUMN old_confirmed TO is_old_confirmed;
ALTER TABLE email_changes RENAME COLUMN new_confirmed TO is_new_confirmed;

DROP INDEX api_tokens_of_user;
DROP INDEX api_tokens_by_end;
CREATE INDEX api_tokens_user_id_idx ON api_tokens (user_id);
CREATE INDEX api_tokens_expires_at_idx ON api_tokens (expires_at);
ALTER TABLE api_token_secrets RENAME COLUMN ends_at TO expires_at;
DROP INDEX api_token_secrets_of_token;
CREATE INDEX api_token_secrets_token_id_idx ON api_token_secrets (token_id);

DROP INDEX rate_limits_by_time;
CREATE INDEX rate_limits_at_ms_idx ON rate_limits (at_ms);

ALTER TABLE audit_events RENAME COLUMN at TO occurred_at;
DROP INDEX audit_events_by_time;
DROP INDEX audit_events_by_actor;
DROP INDEX audit_events_by_subject;
CREATE INDEX audit_events_occurred_at_idx ON audit_events (occurred_at);
CREATE INDEX audit_events_actor_id_occurred_at_idx ON audit_events (actor_id, occurred_at);
CREATE INDEX audit_events_subject_id_occurred_at_idx ON audit_events (subject_id, occurred_at);

-- Why a session ended, and the kind of the email about it.
UPDATE sessions SET end_reason = 'idle_timeout' WHERE ended_at IS NOT NULL AND end_reason = 'idle';
UPDATE sessions SET end_reason = 'absolute_timeout' WHERE ended_at IS NOT NULL AND end_reason = 'too_old';
UPDATE sessions SET end_reason = 'evicted' WHERE ended_at IS NOT NULL AND end_reason = 'displaced';
UPDATE ended_sessions SET end_reason = 'idle_timeout' WHERE end_reason = 'idle';
UPDATE ended_sessions SET end_reason = 'absolute_timeout' WHERE end_reason = 'too_old';
UPDATE ended_sessions SET end_reason = 'evicted' WHERE end_reason = 'displaced';
UPDATE outbox SET kind = 'session_evicted' WHERE kind = 'session_displaced';
