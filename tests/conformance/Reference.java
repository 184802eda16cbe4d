import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.confluent.connect.avro.AvroConverter;
import io.confluent.connect.protobuf.ProtobufConverter;
import io.confluent.kafka.schemaregistry.SchemaProvider;
import io.confluent.kafka.schemaregistry.avro.AvroSchemaProvider;
import io.confluent.kafka.schemaregistry.client.MockSchemaRegistryClient;
import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.confluent.kafka.schemaregistry.protobuf.ProtobufSchemaProvider;
import io.debezium.config.CommonConnectorConfig;
import io.debezium.converters.CloudEventsConverter;
import io.debezium.embedded.Connect;
import io.debezium.engine.ChangeEvent;
import io.debezium.engine.DebeziumEngine;
import io.debezium.function.BlockingConsumer;
import io.debezium.pipeline.notification.Notification;
import io.debezium.pipeline.notification.channels.ConnectChannel;
import io.debezium.pipeline.notification.channels.NotificationChannel;
import io.debezium.pipeline.spi.OffsetContext;
import io.debezium.pipeline.spi.Offsets;
import io.debezium.pipeline.spi.Partition;
import io.debezium.schema.SchemaFactory;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import javax.management.ObjectName;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.SimpleHeaderConverter;
import org.apache.kafka.connect.transforms.Transformation;
import org.apache.kafka.connect.transforms.predicates.Predicate;
import org.bson.BsonBinaryReader;
import org.bson.BsonDocument;
import org.bson.BsonReader;
import org.bson.codecs.BsonDocumentCodec;
import org.bson.codecs.DecoderContext;

/**
 * The reference side of the conformance tests: Debezium's embedded engine, Kafka Connect's JsonConverter, Confluent's
 * AvroConverter and ProtobufConverter, the Kafka producer's partitioner and the extended JSON of Debezium's MongoDB connector, each driven over standard input and
 * output, one JSON document per line.
 *
 * <pre>
 *   Reference engine           first line: the connector's configuration; then source records come out as Connect
 *                              would write them, until standard input ends
 *   Reference converter        answers each {class, config, topic, schema, value} with {bytes} or {error, message}
 *   Reference avro-converter   answers each {config, topic, key, schema, value, registered} with {bytes, subject,
 *                              text}, or with {error, message}; so does Reference protobuf-converter
 *   Reference cloud-events     answers each {config, topic, schema, value} with {bytes, schemas}, or {error, message}
 *   Reference partitioner      answers each {key, partitions} with {partition}
 *   Reference extended-json    answers each {document} with {strict, change, key} or {error, message}
 *   Reference transforms       answers each {config, record} with {record}, null where it is dropped, or {error, message}
 * </pre>
 *
 * Bytes travel as base64 (keys of the partitioner as hex). The Python side is reference.py.
 */
public final class Reference {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final PrintStream OUT = System.out;
    private static final BufferedReader IN =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

    private Reference() {}

    public static void main(String[] args) throws Exception {
        System.setOut(System.err); // standard output belongs to the protocol
        switch (args[0]) {
            case "engine" -> new Engine(properties(JSON.readTree(IN.readLine()))).run();
            case "converter" -> new Converters().answer();
            case "avro-converter" -> answerEach(request ->
                    confluent(request, new AvroSchemaProvider(), AvroConverter::new));
            case "cloud-events" -> answerEach(Reference::cloudEvent);
            case "protobuf-converter" -> answerEach(request ->
                    confluent(request, new ProtobufSchemaProvider(), ProtobufConverter::new));
            case "partitioner" -> answerEach(request -> JSON.createObjectNode().put("partition",
                    BuiltInPartitioner.partitionForKey(
                            HexFormat.of().parseHex(request.get("key").asText()), request.get("partitions").asInt())));
            case "extended-json" -> new ExtendedJson().answer();
            case "transforms" -> Transforms.answer();
            default -> throw new IllegalArgumentException("unknown mode " + args[0]);
        }
    }

    private static Properties properties(JsonNode options) {
        Properties properties = new Properties();
        options.properties().forEach(option -> properties.setProperty(option.getKey(), option.getValue().asText()));
        return properties;
    }

    private static synchronized void emit(JsonNode line) {
        OUT.println(line);
        OUT.flush();
    }

    private static String base64(byte[] bytes) {
        return bytes == null ? null : Base64.getEncoder().encodeToString(bytes);
    }

    /** Debezium's CloudEventsConverter, each time with a registry that knows no schema yet. */
    private static ObjectNode cloudEvent(JsonNode request) throws Exception {
        Map<String, Object> options = options(request);
        Map<String, Object> avroOptions = new LinkedHashMap<>(Map.of("schema.registry.url", "mock://reference"));
        MockSchemaRegistryClient registry = new MockSchemaRegistryClient(List.of(new AvroSchemaProvider()));
        AvroConverter avro = new AvroConverter(registry);
        avro.configure(avroOptions, false);
        CloudEventsConverter converter = new CloudEventsConverter(avro);
        converter.configure(options, false);
        Schema schema = Converters.schema(request.get("schema"));
        Object value = Converters.value(schema, request.get("value"));
        byte[] bytes = converter.fromConnectData(request.get("topic").asText(), schema, value);
        ObjectNode reply = JSON.createObjectNode().put("bytes", base64(bytes));
        ObjectNode schemas = reply.putObject("schemas");
        for (String subject : registry.getAllSubjects()) {
            schemas.put(subject, registry.getLatestSchemaMetadata(subject).getSchema());
        }
        return reply;
    }

    private static Map<String, Object> options(JsonNode request) {
        Map<String, Object> options = new LinkedHashMap<>();
        request.get("config").properties().forEach(option -> options.put(option.getKey(), option.getValue().asText()));
        return options;
    }

    /** A converter of Confluent's, each time with a registry that knows no schema but those given by subject. */
    private static ObjectNode confluent(
            JsonNode request, SchemaProvider provider, Function<SchemaRegistryClient, Converter> make)
            throws Exception {
        Map<String, Object> options = options(request);
        options.put("schema.registry.url", "mock://reference");
        MockSchemaRegistryClient registry = new MockSchemaRegistryClient(List.of(provider));
        for (Map.Entry<String, JsonNode> known : request.get("registered").properties()) {
            registry.register(
                    known.getKey(), provider.parseSchema(known.getValue().asText(), List.of()).orElseThrow());
        }
        Converter converter = make.apply(registry);
        converter.configure(options, request.get("key").asBoolean());
        Schema schema = Converters.schema(request.get("schema"));
        Object value = Converters.value(schema, request.get("value"));
        byte[] bytes = converter.fromConnectData(request.get("topic").asText(), schema, value);
        ObjectNode reply = JSON.createObjectNode().put("bytes", base64(bytes));
        for (String subject : registry.getAllSubjects()) {
            reply.put("subject", subject).put("text", registry.getLatestSchemaMetadata(subject).getSchema());
        }
        return reply;
    }

    /** Debezium's class for it is package-private; {@code updatedFields} is written by the driver's default. */
    private static final class ExtendedJson {
        private final Object serialization;
        private final Method id;
        private final Method value;

        ExtendedJson() throws ReflectiveOperationException {
            Class<?> type = Class.forName("io.debezium.connector.mongodb.JsonSerialization");
            Constructor<?> constructor = type.getDeclaredConstructor();
            constructor.setAccessible(true);
            serialization = constructor.newInstance();
            id = accessible(type.getDeclaredMethod("getDocumentId", BsonDocument.class));
            value = accessible(type.getDeclaredMethod("getDocumentValue", BsonDocument.class));
        }

        private static Method accessible(Method method) {
            method.setAccessible(true);
            return method;
        }

        void answer() throws IOException {
            answerEach(request -> {
                byte[] bytes = request.get("document").binaryValue();
                BsonReader reader = new BsonBinaryReader(ByteBuffer.wrap(bytes));
                BsonDocument document = new BsonDocumentCodec().decode(reader, DecoderContext.builder().build());
                return JSON.createObjectNode()
                        .put("strict", (String) value.invoke(serialization, document))
                        .put("change", document.toJson())
                        .put("key", (String) id.invoke(serialization, document));
            });
        }
    }

    private interface Question {
        ObjectNode answer(JsonNode request) throws Exception;
    }

    private static void answerEach(Question question) throws IOException {
        for (String line; (line = IN.readLine()) != null; ) {
            ObjectNode reply;
            try {
                reply = question.answer(JSON.readTree(line));
            } catch (Exception e) {
                reply = JSON.createObjectNode().put("error", e.getClass().getName()).put("message", e.getMessage());
            }
            emit(reply);
        }
    }

    /**
     * One run of a connector. Prints {"record": …} for each source record, {"state": "streaming"} once every record
     * of the snapshot is out and the connector reads the log, and at last {"state": "stopped"} or
     * {"state": "failed", "message", "trace"}.
     */
    private static final class Engine implements DebeziumEngine.ChangeConsumer<ChangeEvent<SourceRecord, SourceRecord>> {
        private final Properties config;
        private final JsonConverter keyConverter = new JsonConverter();
        private final JsonConverter valueConverter = new JsonConverter();
        private final SimpleHeaderConverter headerConverter = new SimpleHeaderConverter();
        private final CountDownLatch snapshotOut = new CountDownLatch(1);
        private final CountDownLatch ended = new CountDownLatch(1);

        Engine(Properties config) {
            this.config = config;
            keyConverter.configure(prefixed("key.converter."), true);
            valueConverter.configure(prefixed("value.converter."), false);
            headerConverter.configure(Map.of());
            config.setProperty("notification.enabled.channels", SnapshotEnd.NAME);
        }

        private Map<String, Object> prefixed(String prefix) {
            Map<String, Object> options = new LinkedHashMap<>();
            for (String name : config.stringPropertyNames()) {
                if (name.startsWith(prefix)) {
                    options.put(name.substring(prefix.length()), config.getProperty(name));
                }
            }
            return options;
        }

        void run() throws Exception {
            DebeziumEngine<?> engine = DebeziumEngine.create(Connect.class)
                    .using(config)
                    .using((success, message, error) -> completed(success, message, error))
                    .notifying(this)
                    .build();
            Thread runner = new Thread(engine, "engine");
            runner.start();
            daemon("streaming", this::announceStreaming);
            daemon("stdin", () -> {
                IN.transferTo(Writer.nullWriter());
                engine.close();
            });
            ended.await();
            runner.join(TimeUnit.SECONDS.toMillis(30));
            System.exit(0);
        }

        private interface Body {
            void run() throws Exception;
        }

        private static void daemon(String name, Body body) {
            Thread thread = new Thread(() -> {
                try {
                    body.run();
                } catch (Exception e) {
                    e.printStackTrace();
                }
            }, name);
            thread.setDaemon(true);
            thread.start();
        }

        private void announceStreaming() throws Exception {
            snapshotOut.await();
            var server = ManagementFactory.getPlatformMBeanServer();
            var streaming = new ObjectName("debezium.*:type=connector-metrics,context=streaming,*");
            while (true) {
                for (ObjectName metrics : server.queryNames(streaming, null)) {
                    if (Boolean.TRUE.equals(server.getAttribute(metrics, "Connected"))) {
                        emit(JSON.createObjectNode().put("state", "streaming"));
                        return;
                    }
                }
                Thread.sleep(20);
            }
        }

        private void completed(boolean success, String message, Throwable error) {
            ObjectNode line = JSON.createObjectNode().put("state", success ? "stopped" : "failed");
            if (!success) {
                StringWriter trace = new StringWriter();
                if (error != null) {
                    error.printStackTrace(new PrintWriter(trace));
                }
                line.put("message", message).put("trace", trace.toString());
            }
            emit(line);
            ended.countDown();
        }

        @Override
        public void handleBatch(List<ChangeEvent<SourceRecord, SourceRecord>> events,
                DebeziumEngine.RecordCommitter<ChangeEvent<SourceRecord, SourceRecord>> committer)
                throws InterruptedException {
            for (var event : events) {
                SourceRecord record = event.value();
                if (record.topic().equals(SnapshotEnd.TOPIC)) {
                    snapshotOut.countDown();
                } else {
                    emit(JSON.createObjectNode().set("record", describe(record)));
                    committer.markProcessed(event);
                }
            }
            committer.markBatchFinished();
        }

        private ObjectNode describe(SourceRecord record) {
            ObjectNode line = JSON.createObjectNode();
            line.put("topic", record.topic());
            line.put("partition", record.kafkaPartition());
            line.put("timestamp", record.timestamp());
            line.put("key", base64(keyConverter.fromConnectData(record.topic(), record.keySchema(), record.key())));
            line.put("value", base64(valueConverter.fromConnectData(record.topic(), record.valueSchema(), record.value())));
            ArrayNode headers = line.putArray("headers");
            for (Header header : record.headers()) {
                byte[] value = headerConverter.fromConnectHeader(record.topic(), header.key(), header.schema(), header.value());
                headers.addArray().add(header.key()).add(base64(value));
            }
            line.set("source_partition", JSON.valueToTree(record.sourcePartition()));
            line.set("source_offset", JSON.valueToTree(record.sourceOffset()));
            return line;
        }
    }

    /**
     * Puts a marker behind the snapshot's last record, by way of Debezium's notifications (found as a service).
     * Debezium's own channel "sink" would not do: each of its notifications flushes the queue's buffer, and with it
     * the record that Debezium holds back to mark it as the snapshot's last.
     */
    public static final class SnapshotEnd implements NotificationChannel, ConnectChannel {
        static final String NAME = "reference";
        static final String TOPIC = "__reference.snapshot-end";

        private BlockingConsumer<SourceRecord> queue;

        @Override
        public String name() {
            return NAME;
        }

        @Override
        public void init(CommonConnectorConfig config) {}

        @Override
        public void initConnectChannel(SchemaFactory schemaFactory, BlockingConsumer<SourceRecord> consumer) {
            queue = consumer;
        }

        @Override
        public <P extends Partition, O extends OffsetContext> void send(Notification notification, Offsets<P, O> offsets) {
            send(notification);
        }

        @Override
        public void send(Notification notification) {
            boolean ended = notification.getType().equals("COMPLETED") || notification.getType().equals("SKIPPED");
            if (ended && notification.getAggregateType().equals("Initial Snapshot")) {
                try {
                    queue.accept(new SourceRecord(Map.of(), Map.of(), TOPIC, null, null));
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        }

        @Override
        public void close() {}
    }

    /** A connector's chain of transforms, new for each record: some of them remember what came before. */
    private static final class Transforms {
        private static final JsonConverter CONVERTER = new JsonConverter();

        static void answer() throws IOException {
            CONVERTER.configure(Map.of("replace.null.with.default", "false"), false);
            answerEach(request -> {
                Map<String, String> config = new LinkedHashMap<>();
                request.get("config").properties().forEach(o -> config.put(o.getKey(), o.getValue().asText()));
                SourceRecord record = record(request.get("record"));
                for (String name : config.get("transforms").split(",")) {
                    if (record != null) {
                        record = apply(config, name, record);
                    }
                }
                return JSON.createObjectNode().set("record", record == null ? null : describe(record));
            });
        }

        private static SourceRecord apply(Map<String, String> config, String name, SourceRecord record) throws Exception {
            Map<String, String> options = below(config, "transforms." + name + ".");
            String predicateName = options.remove("predicate");
            boolean negate = Boolean.parseBoolean(options.remove("negate"));
            if (predicateName != null) {
                Map<String, String> predicateOptions = below(config, "predicates." + predicateName + ".");
                Predicate<SourceRecord> predicate = create(predicateOptions);
                predicate.configure(predicateOptions);
                if (predicate.test(record) == negate) {
                    return record;
                }
            }
            try (Transformation<SourceRecord> transformation = create(options)) {
                transformation.configure(options);
                return transformation.apply(record);
            }
        }

        private static Map<String, String> below(Map<String, String> config, String prefix) {
            Map<String, String> options = new LinkedHashMap<>();
            config.forEach((name, value) -> {
                if (name.startsWith(prefix)) {
                    options.put(name.substring(prefix.length()), value);
                }
            });
            return options;
        }

        @SuppressWarnings("unchecked")
        private static <T> T create(Map<String, String> options) throws ReflectiveOperationException {
            return (T) Class.forName(options.remove("type")).getDeclaredConstructor().newInstance();
        }

        private static SourceRecord record(JsonNode node) throws IOException {
            Schema keySchema = Converters.schema(node.get("key_schema"));
            Schema valueSchema = Converters.schema(node.get("value_schema"));
            ConnectHeaders headers = new ConnectHeaders();
            for (JsonNode header : node.get("headers")) {
                Schema schema = Converters.schema(header.get(1));
                headers.add(header.get(0).asText(), Converters.value(schema, header.get(2)), schema);
            }
            return new SourceRecord(Map.of(), Map.of(), node.get("topic").asText(),
                    node.hasNonNull("partition") ? node.get("partition").asInt() : null,
                    keySchema, Converters.value(keySchema, node.get("key")),
                    valueSchema, Converters.value(valueSchema, node.get("value")),
                    node.hasNonNull("timestamp") ? node.get("timestamp").asLong() : null, headers);
        }

        private static ObjectNode describe(SourceRecord record) {
            ObjectNode line = JSON.createObjectNode();
            line.put("topic", record.topic());
            line.put("partition", record.kafkaPartition());
            line.put("timestamp", record.timestamp());
            line.put("key", json(record.keySchema(), record.key()));
            line.put("value", json(record.valueSchema(), record.value()));
            ArrayNode headers = line.putArray("headers");
            for (Header header : record.headers()) {
                headers.addArray().add(header.key()).add(json(header.schema(), header.value()));
            }
            return line;
        }

        private static String json(Schema schema, Object value) {
            return base64(CONVERTER.fromConnectData("topic", schema, value));
        }
    }

    /** Converters by class and configuration, and the decoding of a request into Connect's schema and value. */
    private static final class Converters {
        private final Map<JsonNode, Converter> converters = new LinkedHashMap<>();

        void answer() throws IOException {
            answerEach(request -> {
                Schema schema = schema(request.get("schema"));
                Object value = value(schema, request.get("value"));
                byte[] bytes = converter(request.get("class").asText(), request.get("config"))
                        .fromConnectData(request.path("topic").asText(), schema, value);
                return JSON.createObjectNode().put("bytes", base64(bytes));
            });
        }

        private Converter converter(String type, JsonNode config) throws ReflectiveOperationException {
            JsonNode key = JSON.createObjectNode().set(type, config);
            Converter known = converters.get(key);
            if (known == null) {
                known = (Converter) Class.forName(type).getDeclaredConstructor().newInstance();
                Map<String, Object> map = new LinkedHashMap<>();
                config.properties().forEach(option -> map.put(option.getKey(), option.getValue().asText()));
                known.configure(map, false);
                converters.put(key, known);
            }
            return known;
        }

        private static Schema schema(JsonNode node) throws IOException {
            if (node == null || node.isNull()) {
                return null;
            }
            Schema.Type type = Schema.Type.valueOf(node.get("type").asText());
            SchemaBuilder builder = switch (type) {
                case ARRAY -> SchemaBuilder.array(schema(node.get("values")));
                case MAP -> SchemaBuilder.map(schema(node.get("keys")), schema(node.get("values")));
                default -> new SchemaBuilder(type);
            };
            for (JsonNode field : node.path("fields")) {
                builder.field(field.get(0).asText(), schema(field.get(1)));
            }
            if (node.path("optional").asBoolean()) {
                builder.optional();
            }
            if (node.hasNonNull("name")) {
                builder.name(node.get("name").asText());
            }
            if (node.hasNonNull("version")) {
                builder.version(node.get("version").asInt());
            }
            if (node.hasNonNull("doc")) {
                builder.doc(node.get("doc").asText());
            }
            node.path("parameters").properties().forEach(p -> builder.parameter(p.getKey(), p.getValue().asText()));
            if (node.hasNonNull("default")) {
                builder.defaultValue(value(builder, node.get("default")));
            }
            return builder.build();
        }

        /** A value is null or [tag, content]; the tag names the Java type, so that wrong types can be sent too. */
        private static Object value(Schema schema, JsonNode node) throws IOException {
            if (node == null || node.isNull()) {
                return null;
            }
            JsonNode content = node.get(1);
            return switch (node.get(0).asText()) {
                case "int8" -> Byte.valueOf(content.asText());
                case "int16" -> Short.valueOf(content.asText());
                case "int32" -> Integer.valueOf(content.asText());
                case "int64" -> Long.valueOf(content.asText());
                case "float32" -> Float.valueOf(content.asText());
                case "float64" -> Double.valueOf(content.asText());
                case "boolean" -> content.asBoolean();
                case "string" -> content.asText();
                case "bytes" -> ByteBuffer.wrap(content.binaryValue()); // as Debezium's connectors give them
                case "decimal" -> new BigDecimal(new BigInteger(content.asText()), scale(schema));
                case "date" -> new Date(Long.parseLong(content.asText()));
                case "array" -> array(schema, content);
                case "map" -> map(schema, content);
                case "struct" -> struct(schema, content);
                default -> throw new IllegalArgumentException("unknown tag " + node.get(0));
            };
        }

        /** A Decimal schema without a scale is the converter's to refuse. */
        private static int scale(Schema schema) {
            Map<String, String> parameters = schema == null ? null : schema.parameters();
            return parameters == null ? 0 : Integer.parseInt(parameters.getOrDefault(Decimal.SCALE_FIELD, "0"));
        }

        private static List<Object> array(Schema schema, JsonNode items) throws IOException {
            Schema itemSchema = schema == null ? null : schema.valueSchema();
            List<Object> list = new ArrayList<>();
            for (JsonNode item : items) {
                list.add(value(itemSchema, item));
            }
            return list;
        }

        private static Map<Object, Object> map(Schema schema, JsonNode entries) throws IOException {
            Schema keySchema = schema == null ? null : schema.keySchema();
            Schema valueSchema = schema == null ? null : schema.valueSchema();
            Map<Object, Object> map = new LinkedHashMap<>();
            for (JsonNode entry : entries) {
                map.put(value(keySchema, entry.get(0)), value(valueSchema, entry.get(1)));
            }
            return map;
        }

        private static Struct struct(Schema schema, JsonNode values) throws IOException {
            Struct struct = new Struct(schema);
            for (Field field : schema.fields()) {
                Object value = value(field.schema(), values.get(field.index()));
                if (value != null) {
                    struct.put(field, value);
                }
            }
            return struct;
        }
    }
}
