import org.apache.kafka.clients.producer.ProducerConfig;

/** Prints the name of every option of Kafka's Java producer that is not internal, one a line. */
public final class ProducerOptions {
    public static void main(String[] args) {
        ProducerConfig.configDef().configKeys().values().stream()
                .filter(key -> !key.internalConfig)
                .forEach(key -> System.out.println(key.name));
    }
}
