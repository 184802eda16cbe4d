"""Options of Kafka's Java producer become librdkafka's settings, or are refused by name."""

import socket
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from headwater.config import ConfigError
from headwater.sinks.kafka import KafkaSink
from headwater.sinks.kafka.options import PRODUCER_OPTIONS
from headwater.sinks.kafka.producer_config import ProducerConfig
from headwater.sinks.kafka.reference import page

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "producer-options.md"
PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="s3cret;\\"x";'
SIGN_IN = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.jaas.config": PLAIN}


def settings(connector=(), worker=()):
    override = {f"producer.override.{name}": value for name, value in dict(connector).items()}
    return ProducerConfig.from_config({"bootstrap.servers": "kafka:9092", **dict(worker)}, override, "client").settings


def problems(connector=(), worker=()):
    with pytest.raises(ConfigError) as raised:
        settings(connector, worker)
    return {problem.option: problem.message for problem in raised.value.problems}


def test_the_defaults_lose_nothing_and_keep_the_order():
    found = settings()
    assert found["metadata.broker.list"] == "kafka:9092"
    assert found["client.id"] == "client"
    assert found["enable.idempotence"] is True
    assert found["request.required.acks"] == "all"
    assert found["message.timeout.ms"] == 0  # never given up
    assert found["partitioner"] == "murmur2_random"


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("compression.type", "zstd", {"compression.codec": "zstd"}),
        ("linger.ms", "20", {"queue.buffering.max.ms": "20"}),
        ("batch.size", "16384", {"batch.size": 16384}),
        ("buffer.memory", "67108864", {"queue.buffering.max.kbytes": 65536}),
        ("max.request.size", "5242880", {"message.max.bytes": 5242880}),
        ("request.timeout.ms", "15000", {"request.timeout.ms": 15000, "socket.timeout.ms": 15000}),
        ("delivery.timeout.ms", "120000", {"message.timeout.ms": 120000}),
        ("delivery.timeout.ms", "2147483647", {"message.timeout.ms": 0}),
        ("send.buffer.bytes", "-1", {"socket.send.buffer.bytes": 0}),
        ("metadata.max.age.ms", "60000", {"topic.metadata.refresh.interval.ms": 60000}),
        ("ssl.endpoint.identification.algorithm", "", {"ssl.endpoint.identification.algorithm": "none"}),
        ("client.id", "mine", {"client.id": "mine"}),
    ],
)
def test_an_option_is_translated(option, value, expected):
    found = settings({option: value})
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("given", "servers"),
    [
        ("kafka://a:9092", "a:9092"),
        ("kafka://a:9092, b:9092,kafka://[::1]:9092", "a:9092,b:9092,[::1]:9092"),
        ("PLAINTEXT://a:9092", "PLAINTEXT://a:9092"),
    ],
)
def test_brokers_are_named_by_address(given, servers):
    assert settings({"bootstrap.servers": given})["metadata.broker.list"] == servers
    assert settings(worker={"bootstrap.servers": given})["metadata.broker.list"] == servers


def test_an_address_that_leads_nowhere_is_refused():
    for option, found in (
        ("bootstrap.servers", problems(worker={"bootstrap.servers": "locl://topics.db"})),
        ("producer.override.bootstrap.servers", problems({"bootstrap.servers": "a:9092,http://b:9092"})),
    ):
        assert list(found) == [option]
        assert "kafka://, local://, stdout://, file://" in found[option]


def test_a_level_is_that_of_the_codec_in_use():
    found = settings({"compression.type": "gzip", "compression.gzip.level": "9", "compression.lz4.level": "3"})
    assert found["compression.level"] == 9


def test_the_connector_stands_above_the_worker():
    worker = {"producer.compression.type": "gzip", "producer.linger.ms": "50"}
    found = settings({"compression.type": "lz4"}, worker)
    assert found["compression.codec"] == "lz4"
    assert found["queue.buffering.max.ms"] == "50"


def test_the_worker_signs_in_once_for_all():
    found = settings(worker=SIGN_IN)
    assert found["security.protocol"] == "SASL_PLAINTEXT"
    assert (found["sasl.username"], found["sasl.password"]) == ("alice", 's3cret;"x')


def test_what_the_worker_sets_for_its_own_tls_does_not_disturb_a_plain_producer():
    jks = {"ssl.keystore.location": "/rest.jks", "ssl.keystore.type": "JKS"}
    assert "ssl.keystore.location" not in settings(worker=jks)


@pytest.mark.parametrize(
    ("jaas", "expected"),
    [
        (
            "org.apache.kafka.common.security.scram.ScramLoginModule required\n username='b\\'ob' password=\"p=q\" ;",
            {"sasl.username": "b'ob", "sasl.password": "p=q"},
        ),
        ("X.PlainLoginModule required username=a password=b;", {"sasl.username": "a", "sasl.password": "b"}),
        (
            "X.OAuthBearerLoginModule required clientId='c' clientSecret='s' scope='r w' extension_pool='p-1';",
            {
                "sasl.oauthbearer.client.id": "c",
                "sasl.oauthbearer.client.secret": "s",
                "sasl.oauthbearer.scope": "r w",
                "sasl.oauthbearer.extensions": "pool=p-1",
            },
        ),
        ("X.OAuthBearerLoginModule required;", {}),
    ],
)
def test_a_jaas_login_becomes_sasl_settings(jaas, expected):
    option = PRODUCER_OPTIONS["sasl.jaas.config"]
    assert option.translate is not None
    assert option.translate(jaas, {}) == expected


@pytest.mark.parametrize(
    "jaas",
    [
        "",
        "hunter2",
        "PlainLoginModule required username='u' password='hunter2'",
        "PlainLoginModule required username='u' password='hunter2;",
        "PlainLoginModule required username='u' 'hunter2';",
        "PlainLoginModule required password='hunter2';",
        "'hunter2 x' required username='u' password='hunter2';",
        "ScramLoginModule required username='u' password='hunter2' tokenauth='true';",
        "com.sun.security.auth.module.Krb5LoginModule required keyTab='hunter2';",
    ],
)
def test_a_jaas_login_that_cannot_be_read_is_refused_without_showing_it(jaas):
    found = problems({**SIGN_IN, "sasl.jaas.config": jaas})
    assert list(found) == ["producer.override.sasl.jaas.config"]
    assert "hunter2" not in str(found)


def test_options_are_checked_without_asking_for_a_token():
    with socket.create_server(("127.0.0.1", 0)) as endpoint:
        worker = {
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "OAUTHBEARER",
            "sasl.jaas.config": "x.OAuthBearerLoginModule required clientId='c' clientSecret='s';",
            "sasl.oauthbearer.token.endpoint.url": f"http://127.0.0.1:{endpoint.getsockname()[1]}/token",
        }
        assert settings(worker=worker)["sasl.oauthbearer.method"] == "oidc"
        endpoint.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody called
            endpoint.accept()


def test_a_pem_keystore_gives_key_and_certificate():
    option = PRODUCER_OPTIONS["ssl.keystore.location"]
    assert option.translate is not None
    expected = {"ssl.key.location": "/k.pem", "ssl.certificate.location": "/k.pem"}
    assert option.translate("/k.pem", {"ssl.keystore.type": "PEM"}) == expected
    assert option.translate("/k.p12", {"ssl.keystore.type": "pkcs12"}) == {"ssl.keystore.location": "/k.p12"}


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("interceptor.classes", "com.example.Audit", "Java class"),
        ("partitioner.class", "com.example.Mine", "Java class"),
        ("transactional.id", "t", "transactions"),
        ("key.serializer", "x", "key.converter"),
        ("partitioner.ignore.keys", "true", "order per key"),
        ("ssl.truststore.location", "/t.jks", "PEM"),
        ("ssl.keystore.location", "/k.jks", "PKCS12"),
        ("ssl.truststore.type", "JKS", "must be PEM"),
        ("sasl.mechanism", "GSSAPI", "SCRAM-SHA-512"),
        ("linger.ms", "soon", "linger.ms"),
        ("batch.size", "big", "Not a number of type INT"),
        ("request.timeout.ms", "9000000", "1..900000"),
        ("acks", "2", "all, -1, 0, 1"),
        ("enable.idempotence", "yes", "either true or false"),
        ("max.block.ms", "-1", "at least 0"),
    ],
)
def test_what_has_no_counterpart_is_refused_by_name(option, value, reason):
    found = problems({option: value})
    assert list(found) == [f"producer.override.{option}"]
    assert reason in found[f"producer.override.{option}"]


def test_every_problem_is_told_at_once():
    with pytest.raises(ConfigError) as raised:
        KafkaSink.from_config(
            {"producer.interceptor.classes": "x"},
            {"producer.override.acks": "2", "topic.creation.default.partitions": "0"},
            "client",
        )
    assert [problem.option for problem in raised.value.problems] == [
        "producer.interceptor.classes",
        "producer.override.acks",
        "topic.creation.default.partitions",
        "topic.creation.default.replication.factor",
    ]


def test_java_would_sign_in_with_kerberos_by_default():
    assert "producer.sasl.mechanism" in problems(worker={"security.protocol": "SASL_SSL"})


def test_a_queue_smaller_than_a_message_is_refused():
    assert "producer.override.buffer.memory" in problems({"buffer.memory": "1000000"})
    assert "producer.override.max.request.size" in problems({"max.request.size": "99999999"})


@pytest.mark.parametrize("conflict", [{"acks": "1"}, {"retries": "0"}, {"max.in.flight.requests.per.connection": "6"}])
def test_an_option_that_rules_out_idempotence_turns_it_off_unless_both_are_asked_for(conflict):
    with capture_logs() as logs:
        found = settings(conflict)
    assert found["enable.idempotence"] is False
    assert [line["event"] for line in logs] == ["producer is not idempotent"]
    assert list(problems({**conflict, "enable.idempotence": "true"})) == ["producer.override.enable.idempotence"]


def test_without_idempotence_one_request_at_a_time_keeps_the_order():
    found = settings({"enable.idempotence": "false"})
    assert found["max.in.flight.requests.per.connection"] == 1


def test_an_unknown_option_has_no_effect_and_is_told_with_the_nearest_known_one():
    with capture_logs() as logs:
        found = settings({"compresion.type": "gzip"})
    assert found == settings()
    assert logs[0]["option"] == "producer.override.compresion.type"
    assert logs[0]["did_you_mean"] == "compression.type"


def test_secrets_do_not_show():
    config = ProducerConfig.from_config(SIGN_IN, {}, "client")
    assert "s3cret" not in repr(config)
    assert "s3cret" not in str(problems({"linger.ms": "x"}, worker=SIGN_IN))


def test_every_secret_is_known_as_one():
    secret = {name for name, option in PRODUCER_OPTIONS.items() if option.secret}
    assert secret == {
        "sasl.jaas.config",
        "sasl.oauthbearer.client.credentials.client.secret",
        "ssl.key.password",
        "ssl.keystore.certificate.chain",
        "ssl.keystore.key",
        "ssl.keystore.password",
        "ssl.truststore.certificates",
    }


def test_the_reference_page_is_up_to_date():
    hint = "run: python -m headwater.sinks.kafka.reference > docs/reference/producer-options.md"
    assert REFERENCE.read_text() == page(), hint
