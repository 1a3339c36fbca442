-- SPDX-License-Identifier: BSD-2-Clause
--
-- Accounts and their rights, MariaDB 10.11 or MySQL 8. To be run by the server's administrator, once, before
-- runmark-ingest --migrate makes the tables; grants_load.sql follows behind it. The names of the database and of the
-- accounts are the site's choice: edit them, and the host from which each comes.
--
-- All accounts are made locked. Unlock each with the way in which it proves who it is:
--
--   ALTER USER runmark_load@localhost IDENTIFIED VIA unix_socket ACCOUNT UNLOCK;        MariaDB: the system's user of
--                                                                                       that name, on this machine
--   ALTER USER runmark_load@localhost IDENTIFIED WITH auth_socket ACCOUNT UNLOCK;       the same in MySQL
--   ALTER USER runmark_load@'%' IDENTIFIED BY '…' REQUIRE SSL ACCOUNT UNLOCK;           a password, in a file of mode
--                                                                                       0640 (password_file=)

CREATE DATABASE IF NOT EXISTS runmark;

-- Makes and changes tables (--migrate) and takes out what is old (--prune). The views of users' own data run with its
-- rights to read: it must stay, but may be locked again.
CREATE USER IF NOT EXISTS runmark_migrate@localhost ACCOUNT LOCK;
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, CREATE VIEW, SHOW VIEW ON runmark.*
	TO runmark_migrate@localhost;
GRANT SELECT, CREATE, DROP, CREATE VIEW, SHOW VIEW ON `runmark\_own`.* TO runmark_migrate@localhost;

-- Loads. What it may do with which table is in grants_load.sql.
CREATE USER IF NOT EXISTS runmark_load@localhost ACCOUNT LOCK;

-- Reads all: for those whom the site's rules let see what others ran.
CREATE USER IF NOT EXISTS runmark_read@localhost ACCOUNT LOCK;
GRANT SELECT, SHOW VIEW ON runmark.* TO runmark_read@localhost;

-- Users who may read what is their own: an account for each, of the name that the system has for them,
--
--   CREATE USER alice@localhost IDENTIFIED VIA unix_socket;
--   GRANT SELECT ON `runmark\_own`.* TO alice@localhost;
--
-- or, in MariaDB, one for all users of this machine, of whom the server knows from the kernel who they are:
--
--   CREATE USER ''@localhost IDENTIFIED VIA unix_socket;
--   GRANT SELECT ON `runmark\_own`.* TO ''@localhost;
--
-- Nobody may have a right there whose name the server takes as it is told: an account '' without unix_socket or PAM.
