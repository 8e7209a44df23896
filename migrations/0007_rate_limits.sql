-- Rate limits: backoffs and token buckets. Times are milliseconds since 1970, since arithmetic on integers is the same on both databases.
-- Here, not in memory: a restart must not help an attacker.
CREATE TABLE rate_limits (
    subject TEXT PRIMARY KEY,
    failures BIGINT NOT NULL, -- of a backoff: failed attempts; 0 for a bucket
    at_ms BIGINT NOT NULL -- of a backoff: the last failure; of a bucket: when it is full again
);
CREATE INDEX rate_limits_by_time ON rate_limits (at_ms);
DROP TABLE sign_in_tries;
