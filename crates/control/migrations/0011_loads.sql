-- How many trunks in service a carrier has, by the expiry that they ask for themselves; 0 for those that take the carrier's.
-- Kept with every change of a trunk: what a carrier's pacing must bear is judged at each, and counting the fleet for that would cost more than the change.
CREATE TABLE carrier_loads (
    carrier TEXT NOT NULL REFERENCES carriers (id) ON DELETE CASCADE,
    expires BIGINT NOT NULL,
    trunks BIGINT NOT NULL,
    PRIMARY KEY (carrier, expires)
);

-- Once, of what is there already. The one statement that looks into JSON; a store that begins later has nothing to count.
INSERT INTO carrier_loads (carrier, expires, trunks)
    SELECT carrier, COALESCE(json_extract(body, '$.expires'), 0), COUNT(*) FROM trunks WHERE in_service = 1 GROUP BY 1, 2;
