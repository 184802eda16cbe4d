-- The course service's tables, and business tables with the column types, defaults and keys of everyday use.
CREATE TABLE course (
    course_id CHAR(36) NOT NULL PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    description TEXT,
    teacher_id CHAR(36) NULL,
    posted TINYINT(1) NOT NULL DEFAULT 0,
    registered_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    last_updated_at DATETIME NULL
);

CREATE TABLE outbox (
    id CHAR(36) NOT NULL,
    aggregate_id VARCHAR(255) NOT NULL,
    aggregate_type VARCHAR(255) NOT NULL,
    payload JSON NOT NULL,
    timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL,
    type VARCHAR(255) NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE business (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    tiny TINYINT, tiny_unsigned TINYINT UNSIGNED DEFAULT 200,
    small SMALLINT NOT NULL DEFAULT -7, small_unsigned SMALLINT UNSIGNED,
    medium MEDIUMINT, medium_unsigned MEDIUMINT UNSIGNED,
    normal INT DEFAULT 5, normal_unsigned INT UNSIGNED,
    big BIGINT, big_unsigned BIGINT UNSIGNED,
    flag BOOLEAN NOT NULL DEFAULT TRUE, maybe TINYINT(1) DEFAULT 0,
    price DECIMAL(10, 2) NOT NULL DEFAULT 12.50, rate DECIMAL(12, 6) UNSIGNED, huge DECIMAL(65, 30), whole DECIMAL(5) DEFAULT 7,
    single FLOAT DEFAULT 1.5, fixed FLOAT(5, 2), twice DOUBLE, fixed_twice DOUBLE(8, 3) DEFAULT 4.5,
    code CHAR(10) CHARACTER SET latin1, name VARCHAR(100) NOT NULL DEFAULT '이름', title VARCHAR(100), blank VARCHAR(10) DEFAULT '',
    note TEXT, long_note MEDIUMTEXT, very_long_note LONGTEXT, short_note TINYTEXT, korean VARCHAR(50) CHARACTER SET euckr,
    kind ENUM('small', 'large', '중간') NOT NULL DEFAULT 'large', maybe_kind ENUM('a', 'b'),
    born DATE, since DATE NOT NULL DEFAULT '2020-01-02',
    opens TIME, precise_time TIME(6), tenth TIME(1) DEFAULT '01:02:03.4',
    made DATETIME DEFAULT CURRENT_TIMESTAMP, made_ms DATETIME(3), made_us DATETIME(6) DEFAULT '2020-01-02 03:04:05.678901',
    seen TIMESTAMP NULL, seen_ms TIMESTAMP(3) NULL DEFAULT '2020-01-02 03:04:05.678', seen_us TIMESTAMP(6) NULL,
    changed TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
    model YEAR,
    hash BINARY(4), token VARBINARY(20), picture BLOB, long_picture MEDIUMBLOB,
    document JSON
);

CREATE TABLE two_keys (first INT NOT NULL, second VARCHAR(20) NOT NULL, value INT, PRIMARY KEY (second, first));

CREATE TABLE unique_key (nullable INT NULL, email VARCHAR(50) NOT NULL, number INT NOT NULL, UNIQUE KEY a (nullable), UNIQUE KEY b (number), UNIQUE KEY c (email));

CREATE TABLE no_key (value INT, name VARCHAR(20), KEY (value));

CREATE TABLE never_filled (id INT PRIMARY KEY);

CREATE TABLE `it's "odd" {0} %s \n 한글` (
    `key'"\` INT NOT NULL DEFAULT 3 PRIMARY KEY,
    `with space` VARCHAR(20) DEFAULT 'a "b" {c} %s',
    `1st` INT, `a.b` INT, `클래스` INT, `class` INT, `{row}` INT
);
