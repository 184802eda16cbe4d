-- Changes of every kind: several rows, keys, transactions, what is rolled back, what does not change anything.
INSERT INTO two_keys VALUES (3, 'c', 1), (4, 'd', 2), (5, 'e', 3);
UPDATE two_keys SET value = 9 WHERE first > 2;
UPDATE two_keys SET value = 9;
UPDATE two_keys SET second = 'changed', value = 8 WHERE first IN (3, 4);
DELETE FROM two_keys WHERE first > 3;
UPDATE course SET posted = 1, last_updated_at = '2023-02-17 10:00:00';
UPDATE unique_key SET number = 101 WHERE number = 100;
UPDATE unique_key SET email = 'c@example.org' WHERE number = 200;
UPDATE no_key SET name = 'changed' WHERE value = 1;
DELETE FROM no_key;
UPDATE business SET document = JSON_SET(document, '$.a', 'b') WHERE id = 18446744073709551615;
UPDATE business SET id = 70, title = 'moved' WHERE id = 7;
REPLACE INTO two_keys VALUES (1, 'a', 11);
INSERT INTO two_keys VALUES (1, 'a', 12) ON DUPLICATE KEY UPDATE value = 13;
BEGIN;
UPDATE course SET name = 'in a transaction' WHERE posted = 1;
INSERT INTO outbox (id, aggregate_type, aggregate_id, type, payload, timestamp) VALUES ('o1', 'Course', 'c1', 'Event', '{"n": 1}', '2023-02-17 01:53:42');
DELETE FROM outbox WHERE id = 'o1';
SAVEPOINT halfway;
INSERT INTO outbox (id, aggregate_type, aggregate_id, type, payload) VALUES ('o2', 'Course', 'c1', 'Event', '{}');
ROLLBACK TO halfway;
INSERT INTO two_keys VALUES (6, 'f', 1);
COMMIT;
BEGIN;
INSERT INTO two_keys VALUES (7, 'g', 1);
ROLLBACK;
INSERT INTO outbox (id, aggregate_type, aggregate_id, type, payload) SELECT CONCAT('many-', first, '-', LEFT(course_id, 8)), 'a', 'b', 'c', '[]' FROM two_keys, course;

