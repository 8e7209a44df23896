-- What a process beside the server changed in a SQLite database, for the server to publish to open pages: it polls this table
-- and empties it. PostgreSQL has NOTIFY for that, and leaves it empty.
CREATE TABLE notifications (
    id TEXT PRIMARY KEY,
    payload TEXT NOT NULL
);
