-- The tables that mysql_structure.py records; each can take a row of nothing but defaults.
CREATE TABLE alltypes (
  id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  c_tiny tinyint, c_tiny1 tinyint(1), c_utiny tinyint unsigned, c_small smallint, c_usmall smallint unsigned,
  c_medium mediumint, c_umedium mediumint unsigned, c_int int NOT NULL DEFAULT 7, c_uint int unsigned,
  c_big bigint, c_ubig bigint unsigned, c_zerofill int(5) unsigned zerofill DEFAULT 7,
  c_dec_10_2 decimal(10,2), c_dec_65_30 decimal(65,30), c_udec decimal(5,0) unsigned,
  c_float float, c_float_5_2 float(5,2), c_double double, c_double_10_3 double(10,3) unsigned,
  c_bool boolean, c_bit1 bit(1), c_bit12 bit(12), c_bit64 bit(64),
  c_char char(5), c_char255 char(255), c_nchar nchar(3), c_varchar varchar(20),
  c_varchar_latin1 varchar(20) CHARACTER SET latin1,
  c_tinytext tinytext, c_text text, c_mediumtext mediumtext, c_longtext longtext,
  c_binary binary(5), c_varbinary varbinary(20),
  c_tinyblob tinyblob, c_blob blob, c_mediumblob mediumblob, c_longblob longblob,
  c_enum enum('s','m','l','x,y'), c_enum_latin1 enum('it''s','é') CHARACTER SET latin1, c_set set('a','b','c'),
  c_json json, c_date date, c_time time, c_time3 time(3), c_time6 time(6),
  c_datetime datetime, c_datetime3 datetime(3), c_datetime6 datetime(6),
  c_timestamp timestamp NULL, c_timestamp3 timestamp(3) NULL, c_timestamp6 timestamp(6) NULL, c_year year,
  c_vector vector(3), c_point point, c_geometry geometry, c_linestring linestring, c_collection geometrycollection,
  c_stored bigint AS (c_int * 2) STORED, c_virtual bigint AS (c_int + 1) VIRTUAL,
  c_invisible int INVISIBLE NOT NULL DEFAULT 3
);
CREATE TABLE defaults (
  id int PRIMARY KEY AUTO_INCREMENT,
  d_int int(5) unsigned zerofill DEFAULT 7, d_true boolean NOT NULL DEFAULT true,
  d_umedium mediumint unsigned DEFAULT 16777215, d_big bigint DEFAULT -9223372036854775808,
  d_decimal decimal(10,2) DEFAULT 1.5, d_negative decimal(10,2) DEFAULT -0.05,
  d_float float DEFAULT 1.1, d_float_5_2 float(5,2) DEFAULT 1.25, d_double double(10,3) unsigned DEFAULT 1.5,
  d_bit1 bit(1) DEFAULT b'1', d_bit9 bit(9) DEFAULT b'100000001', d_bit12 bit(12) DEFAULT b'101',
  d_enum enum('x,y','z') DEFAULT 'x,y', d_set set('p','q') DEFAULT 'p,q',
  d_varbinary varbinary(20) DEFAULT 'abc', d_varchar varchar(30) DEFAULT 'of a kind',
  d_null_word varchar(5) DEFAULT 'NULL', d_empty varchar(3) DEFAULT '', d_now_word varchar(30) DEFAULT 'CURRENT_TIMESTAMP',
  d_timestamp timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  d_timestamp_null timestamp NULL DEFAULT CURRENT_TIMESTAMP,
  d_timestamp6 timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  d_timestamp_literal timestamp NOT NULL DEFAULT '2020-01-01 00:00:00',
  d_timestamp3_literal timestamp(3) NULL DEFAULT '2020-01-01 00:00:00.5',
  d_timestamp_zero timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  d_datetime datetime DEFAULT CURRENT_TIMESTAMP, d_datetime6 datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  d_datetime_literal datetime DEFAULT '2020-01-01 01:02:03',
  d_datetime4_literal datetime(4) DEFAULT '2020-01-01 01:02:03.5',
  d_datetime_zero datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
  d_datetime_zero_null datetime DEFAULT '0000-00-00 00:00:00',
  d_date date DEFAULT '2020-01-02', d_date_zero date NOT NULL DEFAULT '0000-00-00', d_date_zero_null date DEFAULT '0000-00-00',
  d_date_expression date DEFAULT (curdate()), d_json json DEFAULT ('{}'),
  d_time3 time(3) DEFAULT '-10:11:12.5', d_time time NOT NULL DEFAULT '100:00:01',
  d_year year DEFAULT 2000, d_year_zero year DEFAULT '0000'
);
CREATE TABLE unique_not_null (a int, b int NOT NULL, c int NOT NULL, d int NOT NULL, UNIQUE u1 (a), UNIQUE u2 (b, c), UNIQUE u3 (d));
CREATE TABLE unique_nullable (a int, UNIQUE u (a));
CREATE TABLE unique_expression (a int NOT NULL, b int NOT NULL, UNIQUE u1 ((a + 1)), UNIQUE u2 (b));
CREATE TABLE unique_prefix (a varchar(100) NOT NULL, b int, UNIQUE u1 (a(10)), UNIQUE u2 (b));
CREATE TABLE unique_two (a int NOT NULL, b int NOT NULL, UNIQUE zz (b), UNIQUE aa (a));
CREATE TABLE unique_generated (a int NOT NULL, g int AS (a + 1) VIRTUAL NOT NULL, UNIQUE ug (g), UNIQUE ua (a));
CREATE TABLE primary_prefix (a varchar(100) NOT NULL, b int NOT NULL, PRIMARY KEY (b, a(10)))
