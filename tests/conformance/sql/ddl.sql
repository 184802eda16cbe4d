-- Changes of structure while the log is read, a paragraph for each: it is delivered before the next one is run.
ALTER TABLE two_keys ADD COLUMN added INT NOT NULL DEFAULT 7;
INSERT INTO two_keys VALUES (20, 'after add', 1, 2);

ALTER TABLE two_keys MODIFY COLUMN value BIGINT NULL DEFAULT 5, DROP COLUMN added;
INSERT INTO two_keys VALUES (21, 'after modify', 9223372036854775807);

ALTER TABLE two_keys RENAME COLUMN value TO amount;
UPDATE two_keys SET amount = 3 WHERE first > 20;

CREATE TABLE made_later (id INT PRIMARY KEY, name VARCHAR(10) DEFAULT 'x');
INSERT INTO made_later VALUES (1, NULL);

ALTER TABLE no_key ADD COLUMN id INT NOT NULL AUTO_INCREMENT PRIMARY KEY FIRST;
INSERT INTO no_key (value) VALUES (77);

ALTER TABLE unique_key DROP INDEX c, ADD COLUMN kind ENUM('x', 'y') NOT NULL DEFAULT 'y' AFTER number;
INSERT INTO unique_key (email, number) VALUES ('d@example.org', 400);

TRUNCATE TABLE no_key;
INSERT INTO no_key (value) VALUES (78);

DROP TABLE made_later;
CREATE TABLE made_later (name VARCHAR(20) PRIMARY KEY);
INSERT INTO made_later VALUES ('made anew');
