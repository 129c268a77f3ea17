-- What a version has for a proxy on the way: user name, realm, algorithm as JSON. Its secret lies sealed in `secret`, beside the account's.
ALTER TABLE credentials ADD COLUMN proxy TEXT;
