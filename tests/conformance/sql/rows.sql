-- Rows that are there before the snapshot, and inserted again afterwards: each value once by each way.
DELETE FROM course;
DELETE FROM outbox;
DELETE FROM business;
DELETE FROM two_keys;
DELETE FROM unique_key;
DELETE FROM no_key;
INSERT INTO course VALUES
    ('bc32dd3f-2334-43d9-9493-71b538510efe', 'MSA 파헤치기', 'MSA의 모든 것을 가르쳐 드립니다.', '7ead2ed1-77fa-4d70-bdfd-77e67c513bbd', 1, '2023-02-15 11:02:21.123456', '2023-02-17 01:53:32'),
    ('00000000-0000-0000-0000-000000000001', '', NULL, NULL, 0, '1970-01-01 00:00:00', NULL);
INSERT INTO outbox (id, aggregate_type, aggregate_id, type, payload, timestamp) VALUES
    ('33319dbb-358c-4f06-8e60-c82b81eab769', 'Course', 'bc32dd3f-2334-43d9-9493-71b538510efe', 'CoursePostedEvent', '{"name":"MSA 파헤치기","posted":true,"courseId":"bc32dd3f-2334-43d9-9493-71b538510efe","description":"\\"따옴표\\" \\\\ / \\n\\u0001😀","registeredAt":1676458941000,"price":12.5,"nothing":null,"tags":["a",["b",{}],[]]}', '2023-02-17 01:53:42');
INSERT INTO business SET id = 1;
INSERT INTO business SET id = 18446744073709551615,
    tiny = -128, tiny_unsigned = 255, small = 32767, small_unsigned = 65535, medium = -8388608, medium_unsigned = 16777215,
    normal = -2147483648, normal_unsigned = 4294967295, big = -9223372036854775808, big_unsigned = 18446744073709551615,
    flag = FALSE, maybe = 5, price = -12345678.90, rate = 0.000001,
    huge = -12345678901234567890123456789012345.123456789012345678901234567890, whole = -99999,
    single = 0.1, fixed = 1.5, twice = 1.7976931348623157e308, fixed_twice = -12345.678,
    code = 'café  ', name = '한글 😀', title = ' both ', blank = 'x', note = 'line\nbreak\ttab "quote" \\ \0 end', long_note = REPEAT('긴', 3000),
    very_long_note = REPEAT('x', 70000), short_note = 'short', korean = '한국어',
    kind = '중간', maybe_kind = 'b', born = '1990-12-31', since = '9999-12-31',
    opens = '-838:59:59', precise_time = '-00:00:00.000001', tenth = '838:59:58.9',
    made = '9999-12-31 23:59:59', made_ms = '2023-02-17 01:53:42.999', made_us = '2023-02-17 01:53:42.000001',
    seen = '2038-01-19 03:14:07', seen_ms = '2023-02-17 01:53:42.123', seen_us = '2023-02-17 01:53:42.123456', changed = '1970-01-02 00:00:01',
    model = 2155, hash = 'ab', token = x'00FF41', picture = x'000102FEFF', long_picture = REPEAT('y', 1000),
    document = '{"b": 1, "a": [1, -2147483649, 9223372036854775807, 18446744073709551615, 1.25, 0.1, true, false, null], "": "빈 열쇠"}';
INSERT INTO business SET id = 3,
    tiny = NULL, tiny_unsigned = NULL, normal = NULL, maybe = NULL, whole = NULL, single = NULL, fixed_twice = NULL, blank = NULL,
    tenth = NULL, made = NULL, made_us = NULL, seen_ms = NULL, document = 'null';
INSERT INTO business SET id = 4,
    tiny = 0, price = 0, rate = 0, huge = 0, single = 0, twice = -0e0, code = '', title = '', note = '', korean = '',
    born = '1000-01-01', opens = '00:00:00', precise_time = '23:59:59.999999', made = '1000-01-01 00:00:00', made_ms = '1969-12-31 23:59:59.999',
    model = 1901, hash = '', token = '', picture = '', document = '"text"';
INSERT INTO business SET id = 5, twice = 0.001, single = 1234.5, document = '[]';
INSERT INTO business SET id = 6, twice = 1e7, single = 1e10, document = '12345678901';
INSERT INTO business SET id = 7, twice = 1e-5, single = 1e-5, document = '-0.5';
INSERT INTO two_keys VALUES (1, 'a', 10), (2, 'b', NULL);
INSERT INTO unique_key VALUES (1, 'a@example.org', 100), (NULL, 'b@example.org', 200);
INSERT INTO no_key VALUES (1, 'one'), (NULL, NULL);
DELETE FROM `it's "odd" {0} %s \n 한글`;
INSERT INTO `it's "odd" {0} %s \n 한글` VALUES (1, '''"\\{}%', 1, 2, 3, 4, 5);
