-- Listings of a million trunks: what is filtered is read in the order that is asked for, without sorting all that fits.
CREATE INDEX trunks_version ON trunks (version, id);
CREATE INDEX trunks_in_service ON trunks (in_service, id);
CREATE INDEX trunks_site_name ON trunks (site, name, id);
CREATE INDEX trunks_site_created ON trunks (site, created, id);
CREATE INDEX trunks_site_modified ON trunks (site, modified, id);
CREATE INDEX trunks_site_version ON trunks (site, version, id);
CREATE INDEX trunks_carrier_name ON trunks (carrier, name, id);
CREATE INDEX trunks_carrier_created ON trunks (carrier, created, id);
CREATE INDEX trunks_carrier_modified ON trunks (carrier, modified, id);
CREATE INDEX trunks_carrier_version ON trunks (carrier, version, id);

-- Kept totals by what listings are filtered by: few rows, one for each site, carrier and state that there is.
CREATE TABLE trunk_counts (
    site TEXT NOT NULL,
    carrier TEXT NOT NULL,
    in_service BIGINT NOT NULL,
    total BIGINT NOT NULL,
    PRIMARY KEY (site, carrier, in_service)
);
INSERT INTO trunk_counts (site, carrier, in_service, total) SELECT site, carrier, in_service, COUNT(*) FROM trunks GROUP BY 1, 2, 3;
