-- The keyed MAC of the lines of a rotation that was begun under a key: the same key is for the same lines only.
ALTER TABLE rotations ADD COLUMN request TEXT;
