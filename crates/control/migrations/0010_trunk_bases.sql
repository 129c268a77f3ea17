-- What clients of the platform keep in a trunk's base settings and Trunkline does not act on: given back as it came.
CREATE TABLE trunk_bases (
    trunk TEXT PRIMARY KEY REFERENCES trunks (id) ON DELETE CASCADE,
    body TEXT NOT NULL
);
