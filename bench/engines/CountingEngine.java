import io.debezium.engine.ChangeEvent;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.format.Avro;
import io.debezium.engine.format.JsonByteArray;
import io.debezium.engine.format.SerializationFormat;
import java.io.Reader;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Properties;

/**
 * Debezium's embedded engine with a consumer that only counts, into the memory-mapped file of progress.py.
 *
 * <pre>
 *   CountingEngine connector.properties progress-file json|avro
 * </pre>
 *
 * Runs until it is told to end; SIGTERM stores the offset.
 */
public final class CountingEngine
        implements DebeziumEngine.ChangeConsumer<ChangeEvent<byte[], byte[]>> {
    private static final int EVENTS = 0;
    private static final int BYTES = 8;
    private static final int ARRIVALS = 16;

    private final MappedByteBuffer progress;
    private long events;
    private long bytes;

    private CountingEngine(Path file) throws Exception {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            progress = channel.map(FileChannel.MapMode.READ_WRITE, 0, channel.size());
        }
        progress.order(ByteOrder.nativeOrder());
    }

    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(Path.of(arguments[0]))) {
            properties.load(reader);
        }
        Class<? extends SerializationFormat<byte[]>> format =
                arguments[2].equals("avro") ? Avro.class : JsonByteArray.class;
        DebeziumEngine<?> engine = DebeziumEngine.create(format)
                .using(properties)
                .using((success, message, error) -> {
                    if (!success) {
                        System.err.println(message);
                        if (error != null) {
                            error.printStackTrace();
                        }
                        Runtime.getRuntime().halt(1);
                    }
                })
                .notifying(new CountingEngine(Path.of(arguments[1])))
                .build();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                engine.close();
            } catch (Exception e) {
                e.printStackTrace();
            }
        }));
        engine.run();
    }

    @Override
    public void handleBatch(List<ChangeEvent<byte[], byte[]>> batch,
            DebeziumEngine.RecordCommitter<ChangeEvent<byte[], byte[]>> committer) throws InterruptedException {
        for (ChangeEvent<byte[], byte[]> event : batch) {
            int arrival = ARRIVALS + 8 * (int) events++;
            if (arrival < progress.capacity()) {
                progress.putLong(arrival, System.nanoTime());
            }
            bytes += length(event.key()) + length(event.value());
            committer.markProcessed(event);
        }
        committer.markBatchFinished();
        progress.putLong(BYTES, bytes);
        progress.putLong(EVENTS, events);
    }

    private static int length(byte[] part) {
        return part == null ? 0 : part.length;
    }
}
