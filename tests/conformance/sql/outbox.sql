INSERT INTO events (id, aggregatetype, aggregateid, type, payload, version, written) VALUES ('1', 'Course', 'c1', 'Posted', '{"title": "한글", "places": 3, "by": null, "tags": ["a", "b"]}', 1, '2024-05-06 07:08:09.010203');
INSERT INTO events (id, aggregatetype, aggregateid, type, payload, version, written) VALUES ('2', 'Order', 'o1', 'Placed', '{"sum": 12.5, "lines": [{"sku": "x"}, {"sku": "y"}]}', 2, NULL), ('3', 'Order', 'o2', 'Placed', '{"sum": 3000000000}', 1, NULL), ('4', 'Cart', 'k', 'Left', NULL, 1, NULL);
DELETE FROM events WHERE id IN ('1', '2', '3');
UPDATE events SET type = 'Gone' WHERE id = '4';
UPDATE events SET id = '5', payload = '{}' WHERE id = '4';
DELETE FROM events;
INSERT INTO events (id, aggregatetype, aggregateid, type, payload, version, written) VALUES ('6', 'Cart', 'k', 'Left', '"text"', 7, '1999-12-31 23:59:59.999999');
